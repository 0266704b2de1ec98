import { computedInputs, formatDuration, windowReach, type AggregateFunction, type Source, type Window } from '@granary/contracts';
import { problemOf, type Problem } from '../problem.js';
import { ownerOf, type Declared } from '../validate/context.js';

const HIST = 'HIST-001';
/** Like latest: what is gone was not the newest for long. */
const OF_THE_NEWEST: ReadonlySet<AggregateFunction> = new Set(['last', 'lastN', 'timeSinceLast']);

/** Windows that reach further back than events are kept: their values depend on when old events were deleted. */
export function historyProblems(declared: Declared): readonly Problem[] {
  return [...declared.views.values()].flatMap((view): readonly Problem[] => {
    const source = declared.sources.get(view.source);
    const kept = source === undefined ? Infinity : retention(declared, source);
    const longer = view.features.filter(({ aggregate: { window } }) => window !== null && window.sizeMs !== null && windowReach(window) > kept);
    const unbounded = view.features.filter(({ aggregate: { fn, window } }) => window !== null && window.sizeMs === null && !OF_THE_NEWEST.has(fn));
    const names = (features: typeof longer): string => features.map((each) => each.name).join(', ');
    const of = `${view.source} ${source?.computed?.kind === 'enriched' ? 'has whole features for no more than the last' : 'keeps its events for'} ${formatDuration(kept)}`;
    return [
      ...(longer.length === 0 ? [] : [problemOf(ownerOf(view), 'error', HIST, `the windows of ${names(longer)} reach back ${formatDuration(reach(longer.map((each) => each.aggregate.window!)))}, and ${of}`, `Shorten window and delay to ${formatDuration(kept)} together, or keep the events longer.`)]),
      ...(unbounded.length === 0 || kept === Infinity ? [] : [problemOf(ownerOf(view), 'warning', HIST, `the windows of ${names(unbounded)} are all of history, and ${of}`, `Use a window of at most ${formatDuration(kept)}, or keep the events for ever.`)]),
    ];
  });
}

function reach(windows: readonly Window[]): number {
  return Math.max(...windows.map(windowReach));
}

/**
 * How far back a source is whole; Infinity: for ever. Of a computed source the shortest of what its events come from; an event
 * with features is whole while what their windows reach is kept.
 */
function retention(declared: Declared, source: Source): number {
  const { computed } = source;
  const inputs = computed === undefined ? [] : computedInputs(computed).sources.flatMap((name) => declared.sources.get(name) ?? []);
  const read = computed?.kind === 'enriched' ? computed.views : [];
  const whole = read.flatMap(({ view: name, features }) => {
    const view = declared.views.get(name);
    const of = view === undefined ? undefined : declared.sources.get(view.source);
    if (view === undefined || of === undefined) return [];
    const windows = view.features.flatMap(({ name: each, aggregate: { window } }) => (features.includes(each) && window !== null && window.sizeMs !== null ? [window] : []));
    const left = retention(declared, of) - Math.max(0, reach(windows));
    // Windows that are too long themselves are told of at their own view.
    return left <= 0 ? [] : [left];
  });
  return Math.min(source.retentionMs ?? Infinity, ...inputs.map((input) => retention(declared, input)), ...whole);
}
