import type { Aggregate, AggregateFunction, Window } from './definitions.js';
import { formatDuration } from './time.js';

/** How far back from t a window reaches at most, in milliseconds; Infinity: to the beginning of time. */
export function windowReach({ sizeMs, delayMs, hopMs = 1 }: Window): number {
  return sizeMs === null ? Infinity : delayMs + sizeMs + hopMs - 1;
}

/** `30d [), in hops of 1h, ending 7d ago, the request included`, or `all time [)`. */
export function formatWindow({ sizeMs, delayMs, bounds, hopMs, includeRequest }: Window): string {
  return [
    `${sizeMs === null ? 'all time' : formatDuration(sizeMs)} ${bounds}`,
    ...(hopMs === undefined ? [] : [`in hops of ${formatDuration(hopMs)}`]),
    ...(delayMs === 0 ? [] : [`ending ${formatDuration(delayMs)} ago`]),
    ...(includeRequest ? ['the request included'] : []),
  ].join(', ');
}

/** Those of which a hop's events come to parts that merge: of bounded size, or as many as they have different values. */
const HOPPING: ReadonlySet<AggregateFunction> = new Set<AggregateFunction>([
  'count',
  'sum',
  'avg',
  'min',
  'max',
  'varianceSample',
  'variancePopulation',
  'stddevSample',
  'stddevPopulation',
  'countDistinct',
  'approxCountDistinct',
  'topK',
  'countBy',
  'ratio',
  'rate',
  'approxPercentile',
  'decayedCount',
  'decayedSum',
]);
const OF_THE_NEWEST: ReadonlySet<AggregateFunction> = new Set<AggregateFunction>(['last', 'lastN', 'timeSinceLast']);

/** Whether windows of the aggregate may have a hop. */
export function takesHop(fn: AggregateFunction): boolean {
  return HOPPING.has(fn);
}

/** What is wrong with the hop of a window, and what to do; null: nothing. */
export function hopProblem({ fn, window }: Pick<Aggregate, 'fn' | 'window'>): { readonly message: string; readonly todo: string } | null {
  const { hopMs, sizeMs = null, bounds = '[)' } = window ?? {};
  if (hopMs === undefined) return null;
  if (OF_THE_NEWEST.has(fn)) return { message: 'takes no hop: it keeps only its newest events without one', todo: 'Leave the hop out: the window is exact then, and as small.' };
  if (!takesHop(fn)) return { message: 'takes no hop: it needs every event or value of its window, so a hop would bound nothing', todo: fn === 'percentile' ? 'Use approxPercentile, which takes one and is off by 0.4 % at most; or leave the hop out: percentile is exact then.' : `Leave the hop out: ${fn} is exact then.` };
  if (sizeMs === null) return { message: 'has a hop over all of history, which has no far end', todo: 'Leave the hop out, or give the window a length.' };
  if (!(Number.isInteger(hopMs) && hopMs > 0)) return { message: `has a hop of ${hopMs} ms`, todo: "Give it a length, such as '1h'." };
  if (hopMs > sizeMs) return { message: `has a hop of ${formatDuration(hopMs)}, longer than its window of ${formatDuration(sizeMs)}`, todo: `Hop by at most ${formatDuration(sizeMs)}: the far end is off by up to one hop.` };
  if (bounds[0] !== '[') return { message: `has the bounds '${bounds}' and a hop: a far end on a hop has no event beside it to leave out`, todo: "Use the bounds '[)' or '[]'." };
  return null;
}
