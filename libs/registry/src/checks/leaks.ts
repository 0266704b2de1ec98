import { durationText, formatDuration, type Feature, type FeatureView, type Scorer, type Source } from '@granary/contracts';
import { problemOf, type Problem } from '../problem.js';
import { ownerOf, type Declared } from '../validate/context.js';
import { serviceReads } from '../validate/uses.js';
import { labelAges, type LabelAge } from './label-age.js';

const LEAK = 'LEAK-001';

/** Labels that features see before anyone could have known them: a model trained on them is only good in training. */
export function leakProblems(declared: Declared): readonly Problem[] {
  return [...declared.scorers.values()].flatMap((scorer) => [...requestLeak(declared, scorer), ...featureLeaks(declared, scorer)]);
}

function requestLeak(declared: Declared, scorer: Scorer): readonly Problem[] {
  const service = declared.services.get(scorer.service);
  if (service === undefined || !service.request.some((field) => field.name === scorer.label)) return [];
  const owner = { ...ownerOf(scorer), site: service.site };
  return [problemOf(owner, 'error', LEAK, `its label ${scorer.label} is a request field of ${service.name}: the answer is not known when the question is asked`, 'take it out of the request')];
}

/** A feature that reads a scorer's label of events younger than the label is known. */
export interface EarlyRead {
  readonly view: FeatureView;
  readonly feature: Feature;
  readonly age: LabelAge;
  /** Whether the scorer itself reads it. */
  readonly scored: boolean;
}

export function earlyReads(declared: Declared, scorer: Scorer): readonly EarlyRead[] {
  const service = declared.services.get(scorer.service);
  const ageOf = labelAges(declared, scorer);
  // With a delay of 0 the label of the scored event itself is still the answer.
  const known = Math.max(scorer.labelDelayMs, 1);
  const scored = new Set(service === undefined ? [] : serviceReads(declared, service).flatMap((use) => use.features.map((feature) => `${use.view} ${feature}`)));
  return [...declared.views.values()].flatMap((view) =>
    view.features.flatMap((feature) => {
      const age = ageOf(view, feature);
      return age === null || age.youngestMs >= known ? [] : [{ view, feature, age, scored: scored.has(`${view.name} ${feature.name}`) }];
    }),
  );
}

/** `of the scored event itself`, `of events only 1ms old`: the youngest of several. */
export function youngestText(reads: readonly EarlyRead[]): string {
  const youngest = Math.min(...reads.map(({ age }) => age.youngestMs));
  return youngest === 0 ? 'of the scored event itself' : `of events only ${formatDuration(youngest)} old`;
}

function featureLeaks(declared: Declared, scorer: Scorer): readonly Problem[] {
  const events = declared.sources.get(scorer.events);
  if (events === undefined) return [];
  const leaking = earlyReads(declared, scorer).filter(({ feature, scored }) => scored && !(isKnownLater(events) && feature.aggregate.window?.includeRequest !== true));
  return [...new Set(leaking.map(({ view }) => view))].map((view) => {
    const features = leaking.filter((each) => each.view === view);
    const names = features.map(({ feature }) => `${view.name}.${feature.name}`).join(', ');
    const sure = features.some(({ age }) => age.sure) && events.knownAt === null;
    const message = `its label ${scorer.label} ${sure ? 'leaks' : 'may leak'} through ${names}, which ${features.length === 1 ? 'reads' : 'read'} it ${youngestText(features)}${scorer.labelDelayMs > 0 ? `; a label is known ${formatDuration(scorer.labelDelayMs)} after its event` : ''}`;
    return problemOf({ ...ownerOf(scorer), site: view.site }, sure ? 'error' : 'warning', LEAK, message, wayOut(scorer, features.map(({ feature }) => feature)));
  });
}

/** A label is a correction that says when it became known: reads as of t take no label that came later. */
function isKnownLater(events: Source): boolean {
  return events.corrected === true && events.knownAt !== null;
}

/** What to write instead: `use delay: '7d'`. */
export function wayOut(scorer: Scorer, features: readonly Feature[]): string {
  const ways = new Set(
    features.map(({ aggregate: { fn, window } }) => {
      const delayed = scorer.labelDelayMs > 0 ? `delay: '${durationText(scorer.labelDelayMs)}'` : "bounds: '[)'";
      if (fn === 'latest') return `use last(…).over(…, { ${delayed} })`;
      return window?.includeRequest === true ? `use ${delayed} without includeRequest` : `use ${delayed}`;
    }),
  );
  return [...ways].join(', or ');
}
