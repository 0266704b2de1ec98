import { ageRange } from '@granary/aggregates';
import type { AggregateFunction, Feature, ResolvedView, Source } from '@granary/contracts';
import { framable } from '../parts.js';
import { ALL_UP_TO_NOW, chooseAxes, type Asker, type Axis } from './axis.js';

/**
 * How features are computed as of the rows of a spine; each is exact wherever it is chosen.
 * - `own`: the rows are the events themselves, so SQL windows over the events give their values.
 * - `asof`: an ASOF join finds the newest event of each row.
 * - `merged`: SQL windows over the events and the rows together.
 * - `pairs`: every pair of a row and an event of its history, aggregated by age. It takes any feature.
 */
export const PLANS = ['own', 'asof', 'merged', 'pairs'] as const;
export type Plan = (typeof PLANS)[number];

/** A feature in a block: under a name that no other feature of the block has. */
export interface Planned {
  readonly view: ResolvedView;
  readonly feature: Feature;
  /** Null: the plan has no frames, or the feature's frame has no offsets. */
  readonly axis: Axis | null;
  /** The request is one of the events that are aggregated, so it must not be added. */
  readonly requestInside: boolean;
}

/** Features that one subquery computes, from the events of one source. */
export interface Block {
  readonly plan: Plan;
  readonly source: Source;
  readonly features: readonly Planned[];
}

/** What is known of a spine's rows before they are read: see `Spine.events`. */
export interface Asking {
  readonly events?: string | null | undefined;
}

/** The blocks that compute all features of the views, each by the first of `plans` that can, else by `pairs`. */
export function choosePlans(views: readonly ResolvedView[], spine: Asking, plans: readonly Plan[] = PLANS, name = blockName): readonly Block[] {
  const blocks = new Map<string, { plan: Plan; source: Source; features: Planned[] }>();
  for (const view of views) {
    for (const [plan, planned] of planView(view, spine, plans, name)) {
      const key = JSON.stringify(plan === 'own' ? [plan] : plan === 'pairs' ? [plan, view.id] : [plan, view.source.name, view.view.keyFields, view.keys]);
      const block = blocks.get(key) ?? { plan, source: view.source, features: [] };
      block.features.push(planned);
      blocks.set(key, block);
    }
  }
  return [...blocks.values()];
}

/** The name of a view's feature in its block. */
export function blockName(view: ResolvedView, feature: string): string {
  return `${view.id}$${feature}`;
}

function planView(view: ResolvedView, spine: Asking, plans: readonly Plan[], name: typeof blockName): readonly (readonly [Plan, Planned])[] {
  const features = view.features.map((feature) => ({ ...feature, name: name(view, feature.name) }));
  const planned = new Map<Feature, readonly [Plan, Planned]>();
  const take = (plan: Plan, feature: Feature, axis: Axis | null): void => {
    planned.set(feature, [plan, { view, feature, axis, requestInside: plan === 'own' && holdsNow(feature) }]);
  };
  const left = (): readonly Feature[] => features.filter((feature) => !planned.has(feature));
  const frame = (plan: Plan, asker: Asker, able: (feature: Feature) => boolean): void => {
    const some = plans.includes(plan) ? left().filter((feature) => framable(feature) && able(feature)) : [];
    chooseAxes(some.map(windowOf), asker).forEach((axis, i) => axis !== null && take(plan, some[i]!, axis));
  };

  // A correction changes what was known at each instant: no order of the events has that.
  if (view.source.knownAt === null) {
    if (areEvents(view, spine)) frame('own', 'events', (feature) => !(includesRequest(feature) && holdsNow(feature) && ORDERED.has(feature.aggregate.fn)));
    if (plans.includes('asof') && left().every(isLatest)) left().forEach((feature) => take('asof', feature, null));
    // A frame can't leave out the one event that the request is.
    frame('merged', 'questions', (feature) => !(includesRequest(feature) && mayBeEvents(view.source, spine)));
  }
  left().forEach((feature) => take('pairs', feature, null));
  return features.map((feature) => planned.get(feature)!);
}

/** Depend on the order of the events, in which a request is the newest: one among events of the same instant would not be. */
const ORDERED: ReadonlySet<AggregateFunction> = new Set(['latest', 'first', 'last', 'lastN']);

export function includesRequest(feature: Feature): boolean {
  return feature.aggregate.window?.includeRequest === true;
}

/** Whether a row may be an event of the source, which a window with `includeRequest` must not count twice. */
export function mayBeEvents(source: Source, { events }: Asking): boolean {
  return events === undefined || events === source.name;
}

export function windowOf(feature: Feature): typeof ALL_UP_TO_NOW {
  return feature.aggregate.window ?? ALL_UP_TO_NOW;
}

function isLatest(feature: Feature): boolean {
  return feature.aggregate.fn === 'latest';
}

/** The event that asks lies in its own window. */
function holdsNow(feature: Feature): boolean {
  return ageRange(windowOf(feature))?.youngest === 0;
}

/** Whether each row is an event of the view's source and asks for the entity that the event itself belongs to. */
function areEvents({ source, view, keys }: ResolvedView, { events }: Asking): boolean {
  // The sequences of computed events tell nothing apart, and a timeless thing has older versions that do not count.
  if (events !== source.name || source.computed !== undefined || source.eventTime === null) return false;
  return view.keyFields.every((field, i) => keys[i]!.name === field && source.fields.some((each) => each.name === field && !each.nullable));
}
