import { fieldsRead, servedName, type Feature, type FeatureView, type Scorer, type Source, type Window } from '@granary/contracts';
import { fieldOf, type Declared } from '../validate/context.js';

/** How a value depends on labels. */
export interface LabelAge {
  /** The youngest event whose label it may hold is this old, in ms; 0: the event of the read itself. */
  readonly youngestMs: number;
  /** False: a query stands in between, which can't be looked into. */
  readonly sure: boolean;
}

/** How old the labels of a scorer are that a feature reads; null: it reads none. */
export function labelAges(declared: Declared, { events, label }: Scorer): (view: FeatureView, feature: Feature) => LabelAge | null {
  const carriers = labelCarriers(declared, events, label);
  return featureAge;

  function featureAge(view: FeatureView, { aggregate }: Feature): LabelAge | null {
    const source = declared.sources.get(view.source);
    if (source === undefined) return null;
    const age = youngest(fieldsRead(aggregate).map((field) => fieldAge(source, field)));
    return age === null ? null : { ...age, youngestMs: age.youngestMs + youngestOf(aggregate.window) };
  }

  function fieldAge(source: Source, field: string): LabelAge | null {
    if (field === label && carriers.has(source.name)) return { youngestMs: 0, sure: true };
    const { computed } = source;
    if (computed === undefined) return null;
    if (computed.kind === 'sql') return queryAge(computed.sql, computed.inputs);
    const base = declared.sources.get(computed.events);
    if (base !== undefined && fieldOf(base, field) !== undefined) return fieldAge(base, field);
    return youngest(
      computed.views.flatMap((use) => {
        const view = declared.views.get(use.view);
        const feature = view?.features.find((each) => use.features.includes(each.name) && servedName(use.alias, each.name) === field);
        return view === undefined || feature === undefined ? [] : [featureAge(view, feature)];
      }),
    );
  }

  /** Every field of a query's result may hold what its text names. */
  function queryAge(sql: string, inputs: readonly string[]): LabelAge | null {
    const words = new Set(sql.match(/\w+/g));
    const all = /(select|,)\s*(\w+\.)?\*/i.test(sql);
    const ages = inputs.flatMap((name) => {
      const input = declared.sources.get(name);
      return (input?.fields ?? []).filter((field) => all || words.has(field.name)).map((field) => fieldAge(input!, field.name));
    });
    const age = youngest(ages);
    return age === null ? null : { ...age, sure: false };
  }
}

/** The sources that have the label as a field: that of the examples, and those its events come from. */
function labelCarriers(declared: Declared, events: string, label: string): ReadonlySet<string> {
  const carriers = new Set<string>();
  const add = (name: string): void => {
    const source = declared.sources.get(name);
    if (source === undefined || carriers.has(name) || fieldOf(source, label) === undefined) return;
    carriers.add(name);
    if (source.computed?.kind === 'enriched') add(source.computed.events);
    if (source.computed?.kind === 'sql') source.computed.inputs.forEach(add);
  };
  add(events);
  return carriers;
}

function youngest(ages: readonly (LabelAge | null)[]): LabelAge | null {
  return ages.reduce((least, age) => (least === null || (age !== null && age.youngestMs < least.youngestMs) ? age : least), null);
}

/** Null: latest, which takes the event at t too. Instants are whole milliseconds, so an open end is a closed one a millisecond on. */
function youngestOf(window: Window | null): number {
  if (window === null || window.includeRequest) return 0;
  return window.delayMs + (window.bounds.endsWith(']') ? 0 : 1);
}
