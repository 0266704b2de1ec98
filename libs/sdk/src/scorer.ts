import { parseDuration, type DurationText, type Scorer } from '@granary/contracts';
import { at, checkName, declarationSite, freeze, knownOptions, type Declaration } from './declaration.js';
import type { Fields } from './entity.js';
import type { FeatureServiceDeclaration } from './feature-service.js';
import type { SourceDeclaration } from './source.js';
import type { ValueOf } from './types.js';

export interface ScorerOptions<F extends Fields> {
  /** The row that is scored: entity features, and request fields that are fields of `events` too. */
  readonly service: FeatureServiceDeclaration;
  /** The training examples: each event, with its features as of its own time. */
  readonly events: SourceDeclaration<F>;
  /** The bool field of `events` to predict. */
  readonly label: { [K in keyof F & string]: ValueOf<F[K]> extends boolean | null ? K : never }[keyof F & string];
  /** Labels become known this long after their event. Default `'0d'`. */
  readonly labelDelay?: DurationText;
}

export type ScorerDeclaration = Declaration<Scorer>;

/** A probability that an event is what its label says, such as fraud: served as the GraphQL field of its name. */
export function scorer<const F extends Fields>(name: string, options: ScorerOptions<F>): ScorerDeclaration {
  const site = declarationSite(scorer);
  checkName(site, 'scorer', name);
  at(site, `scorer ${name}`, () => knownOptions<ScorerOptions<F>>('it', options, ['service', 'events', 'label', 'labelDelay']));
  const { service, events, label, labelDelay = '0d' } = options;
  const definition: Scorer = {
    kind: 'scorer',
    name,
    service: service.name,
    events: events.name,
    label,
    labelDelayMs: at(site, `scorer ${name}`, () => parseDuration(labelDelay)),
    site,
  };
  return freeze({ kind: 'scorer', name, definition, uses: [service, events] });
}
