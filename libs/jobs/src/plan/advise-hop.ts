import { ageRange, mostTiles, type ViewRepresentation } from '@granary/aggregates';
import { takesHop, type AggregateFunction, type Feature } from '@granary/contracts';

/** A hop that would keep totals where an entity keeps very many events. */
export interface HopAdvice {
  /** The windows for which the events are kept. */
  readonly features: readonly string[];
  /** Of the longest of them, in milliseconds. */
  readonly sizeMs: number;
  readonly hopMs: number;
  /** How many hops it would keep at most. */
  readonly hops: number;
  /** Those of them that would have to be approxPercentile: percentile takes no hop. */
  readonly approximate: readonly string[];
  /** What the values of all its hops take up, of the entity with the most events; 0: its totals have none. */
  readonly valueBytes: number;
}

/** An entity with so many events is worth a word. */
const MANY_EVENTS = 2_000;
/** So many hops are little beside them. */
const FEW_HOPS = 750;
const [SECOND, MINUTE, HOUR, DAY] = [1_000, 60_000, 3_600_000, 86_400_000] as const;
const HOPS = [SECOND, 10 * SECOND, MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, 6 * HOUR, DAY, 7 * DAY] as const;

/** What takes a hop in the place of what does not. */
const INSTEAD: Readonly<Partial<Record<AggregateFunction, AggregateFunction>>> = { percentile: 'approxPercentile' };

/** A feature as it would be with the hop. */
export function withHop(feature: Feature, hopMs: number): Feature {
  const { fn, window } = feature.aggregate;
  return { ...feature, aggregate: { ...feature.aggregate, fn: INSTEAD[fn] ?? fn, window: { ...window!, hopMs } } };
}

/** Null where the entity with the most events keeps few, and where something needs them one by one. */
export function adviseHop({ features, retention }: Pick<ViewRepresentation, 'features' | 'retention'>, mostEvents: number): HopAdvice | null {
  if (mostEvents < MANY_EVENTS) return null;
  const reaching = features.filter(({ kept, reachMs }) => kept === 'log' && reachMs === retention.reachMs);
  const windows = reaching.map(({ feature: { aggregate } }) => aggregate.window!);
  if (reaching.length === 0 || !reaching.every(({ feature: { aggregate } }) => takesHop(INSTEAD[aggregate.fn] ?? aggregate.fn) && aggregate.window!.bounds[0] === '[')) return null;
  const sizeMs = Math.max(...windows.map((window) => window.sizeMs!));
  const hopMs = HOPS.find((hop) => hop < sizeMs && sizeMs / hop <= FEW_HOPS);
  if (hopMs === undefined) return null;
  const hops = mostTiles(ageRange({ sizeMs, delayMs: 0, bounds: '[)', includeRequest: false, hopMs })!, hopMs);
  const namesOf = (some: typeof reaching): readonly string[] => some.map(({ feature }) => feature.name);
  return { features: namesOf(reaching), approximate: namesOf(reaching.filter(({ feature }) => feature.aggregate.fn in INSTEAD)), sizeMs, hopMs, hops, valueBytes: 0 };
}
