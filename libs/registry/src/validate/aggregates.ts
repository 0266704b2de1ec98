import { aggregateType, formatDuration, formatType, hopProblem, isGranaryError, type Aggregate, type AggregateFunction, type Feature, type FieldType, type Source } from '@granary/contracts';
import type { Say } from '../problem.js';
import { fieldOf, listFields, sameType } from './context.js';
import { checkCondition, literalProblem, sourceScope } from './expressions.js';

const DAY = 86_400_000;
/** A hundred years: beyond it ClickHouse's timestamps would wrap. */
export const LONGEST = 36_525 * DAY;
/** Values that one list may hold, offline, online and in an answer. */
const MOST_VALUES = 1_000;

type Parameter = 'n' | 'fraction' | 'unitMs' | 'halfLifeMs' | 'predicate';

const PARAMETERS: Partial<Readonly<Record<AggregateFunction, Parameter>>> = {
  lastN: 'n',
  topK: 'n',
  percentile: 'fraction',
  approxPercentile: 'fraction',
  rate: 'unitMs',
  decayedCount: 'halfLifeMs',
  decayedSum: 'halfLifeMs',
  ratio: 'predicate',
};
const TITLES: Readonly<Record<Parameter, string>> = { n: 'a number of values', fraction: 'a fraction', unitMs: 'a unit of time', halfLifeMs: 'a half-life', predicate: 'a condition to be the share of' };

/** Whether a feature is one that can be computed from the source's events; `say` is that of the feature. */
export function checkFeature({ type, aggregate }: Feature, source: Source, say: Say): void {
  checkColumn(type, aggregate, source, say);
  checkParameters(aggregate, say);
  const conditions = { where: aggregate.where, predicate: aggregate.predicate ?? null };
  for (const condition of Object.values(conditions)) {
    if (condition !== null) checkCondition(condition, sourceScope(source), (message, todo) => say('DEF-043', message, todo));
  }
  const wrongDefault = aggregate.default === null ? undefined : literalProblem(aggregate.default, type);
  if (wrongDefault !== undefined) say('DEF-044', `has a default that ${wrongDefault}`, `Give a default of type ${formatType(type)}.`);
  checkWindow(aggregate, source, say);
}

function checkColumn(type: FieldType, { fn, column }: Aggregate, source: Source, say: Say): void {
  const field = column === null ? undefined : fieldOf(source, column);
  if (column !== null && field === undefined) return say('DEF-040', `reads ${column}, which ${source.name} has not`, listFields(source));
  try {
    const result = aggregateType(fn, field?.type ?? null);
    if (!sameType(type, result)) say('DEF-042', `is declared as ${formatType(type)}; its ${fn} is ${formatType(result)}`, "Declare it with the SDK's function.");
  } catch (error) {
    if (!isGranaryError(error, 'DEFINITION_INVALID')) throw error;
    say('DEF-041', `is wrong: ${error.message}`, error.todo ?? 'Name another field.');
  }
}

function checkParameters(aggregate: Aggregate, say: Say): void {
  const { fn, n, fraction } = aggregate;
  const needed = PARAMETERS[fn];
  for (const parameter of Object.keys(TITLES) as Parameter[]) {
    const given = aggregate[parameter] !== undefined;
    if (given && parameter !== needed) say('DEF-048', `has ${TITLES[parameter]}, which ${fn} does not take`, "Declare it with the SDK's function.");
    if (!given && parameter === needed) say('DEF-048', `needs ${TITLES[parameter]} for ${fn}`, "Declare it with the SDK's function.");
  }
  if (n !== undefined && n > MOST_VALUES) say('SIZE-001', `keeps ${n} values in every row`, `Keep at most ${MOST_VALUES}.`);
  if (n !== undefined && !(Number.isInteger(n) && n >= 1)) say('DEF-048', `keeps ${n} values`, `Keep a whole number from 1 to ${MOST_VALUES}.`);
  if (fraction !== undefined && !(fraction >= 0 && fraction <= 1)) say('DEF-048', `has the fraction ${fraction}`, 'Give one from 0 to 1: 0.5 is the median.');
  for (const parameter of ['unitMs', 'halfLifeMs'] as const) {
    const length = aggregate[parameter];
    if (length !== undefined && !(length >= 1 && length <= LONGEST)) say('DEF-048', `has ${TITLES[parameter]} of ${length} ms`, `Use 1ms to ${LONGEST / DAY}d.`);
  }
}

function checkWindow({ fn, window }: Aggregate, source: Source, say: Say): void {
  if (fn === 'latest') {
    if (window !== null) say('DEF-045', 'is a latest value and has a window', 'Use last(…).over(…) for the newest value in a window.');
    return;
  }
  if (window === null) return say('DEF-045', `needs a window for ${fn}`, `Say over which time: ${fn}(…).over('7d').`);
  if (source.eventTime === null) say('DEF-046', `has a window, and its source ${source.name} no time`, 'Use latest(…), or give the source an event time.');
  if (window.sizeMs === null && fn === 'rate') say('DEF-045', 'is a rate over all of history, which has no length to divide by', "Say over which time: rate(…).over('7d').");
  if (window.sizeMs !== null && window.sizeMs > LONGEST) say('DEF-045', `has a window of ${formatDuration(window.sizeMs)}`, `Use at most ${LONGEST / DAY}d.`);
  if (window.delayMs > LONGEST) say('DEF-045', `has a delay of ${formatDuration(window.delayMs)}`, `Use at most ${LONGEST / DAY}d.`);
  const hop = hopProblem({ fn, window });
  if (hop !== null) say('DEF-045', hop.message, hop.todo);
  if (window.bounds === '()' && window.sizeMs === 1) say('DEF-045', 'has a window of 1ms without its ends: nothing can be in it', "Use the bounds '[)'.");
}
