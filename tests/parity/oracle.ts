import type { Aggregate, Expression, Feature, FeatureState, FieldType, Scalar, Source, Value, VersionedView } from '@granary/contracts';
import { aboutHowMany } from './oracle-sketch.js';

/**
 * What features mean, as plainly as it can be said: sort, filter, fold. Shares no code with the compiler, the window
 * maths or the online path, because it judges them.
 */
export interface OracleEvent {
  readonly id: string;
  readonly time: number;
  readonly knownAt: number;
  readonly row: Readonly<Record<string, Value | null>>;
}

export interface Question {
  readonly key: readonly Value[];
  readonly at: number;
  /** The row of the request, for windows that include it. */
  readonly request: Readonly<Record<string, Value | null>>;
  /** The id of the event that the request is, or ''. */
  readonly eventId: string;
}

export interface Answer {
  readonly value: Value | null;
  readonly state: FeatureState;
  /** How large the floats are that went into the value: an answer may be off by 1e-9 of it. */
  readonly scale?: number;
  /** The answer where what is added up on the way leaves float64, which hangs on the order. */
  readonly otherwise?: Answer;
}

/** Far below a double's normal range the digits run out. */
const DENORMAL = 1e-290;

/** What a window holds: an event of it, or the request. */
interface Counted {
  readonly time: number;
  readonly row: Readonly<Record<string, Value | null>>;
}

export interface Arrived extends OracleEvent {
  readonly sequence: number;
}

/**
 * Events in order of arrival; an id that came before is the same event (with known-at: the same version of it). Of a timeless
 * source a row is a version of a thing, if it says something new, and the last one of its batch.
 */
export function arrive(source: Source, batches: readonly (readonly OracleEvent[])[]): readonly Arrived[] {
  if (source.eventTime === null) return arriveTimeless(source, batches);
  const events = batches.flat();
  const seen = new Set<string>();
  const arrived: Arrived[] = [];
  for (const event of events) {
    const identity = source.knownAt === null ? event.id : `${event.id}@${event.knownAt}`;
    if (seen.has(identity)) continue;
    seen.add(identity);
    arrived.push({ ...event, sequence: arrived.length + 1 });
  }
  return arrived;
}

function arriveTimeless({ fields }: Source, batches: readonly (readonly OracleEvent[])[]): readonly Arrived[] {
  const arrived: Arrived[] = [];
  const same = (a: OracleEvent, b: OracleEvent): boolean => fields.every(({ name }) => String(a.row[name]) === String(b.row[name]));
  for (const batch of batches) {
    const last = batch.filter((event, i) => !batch.some((other, j) => j > i && other.id === event.id));
    for (const event of last) {
      const before = arrived.findLast((other) => other.id === event.id);
      if (before === undefined || !same(before, event)) arrived.push({ ...event, sequence: arrived.length + 1 });
    }
  }
  return arrived;
}

export function ask(view: VersionedView, arrived: readonly Arrived[], question: Question): Record<string, Answer> {
  const answers: Record<string, Answer> = {};
  for (const feature of view.features) answers[feature.name] = askFeature(view, feature, arrived, question);
  return answers;
}

function askFeature(view: VersionedView, feature: Feature, arrived: readonly Arrived[], question: Question): Answer {
  const { at } = question;
  const window = feature.aggregate.window;
  const includeRequest = window?.includeRequest === true;
  const versions = arrived.filter((event) => event.knownAt <= at);
  const newest = new Map<string, Arrived>();
  for (const event of versions) if (!newest.has(event.id) || newer(event, newest.get(event.id)!)) newest.set(event.id, event);
  let known = [...newest.values()];
  if (includeRequest && question.eventId !== '') known = known.filter((event) => event.id !== question.eventId);
  known = known.filter((event) => event.time <= at && view.keyFields.every((field, i) => event.row[field] === question.key[i]));
  known = [...known].sort((a, b) => (newer(a, b, true) ? 1 : -1));

  if (!includeRequest) {
    if (known.length === 0) return { value: null, state: 'missing' };
    const last = Math.max(...known.map((event) => event.time));
    if (view.ttlMs !== null && last < at - view.ttlMs) return { value: null, state: 'expired' };
  }
  const inside = window === null ? known : known.filter((event) => insideWindow(window, event.time, at));
  const counted: Counted[] = [...inside];
  if (includeRequest) counted.push({ time: at, row: question.request });
  const { value, scale, otherwise } = fold(feature, counted, at);
  const stateOf = (of: Value | null): FeatureState => (of === null ? 'null' : 'present');
  return { value, state: stateOf(value), scale, ...(otherwise === undefined ? {} : { otherwise: { value: otherwise, state: stateOf(otherwise) } }) };
}

function newer(a: Arrived, b: Arrived, byTime = false): boolean {
  if (byTime && a.time !== b.time) return a.time > b.time;
  return a.knownAt !== b.knownAt ? a.knownAt > b.knownAt : a.sequence > b.sequence;
}

function insideWindow(window: NonNullable<Feature['aggregate']['window']>, time: number, at: number): boolean {
  const start = startOf(window, at);
  const end = at - window.delayMs;
  const afterStart = window.bounds[0] === '[' ? time >= start : time > start;
  const beforeEnd = window.bounds[1] === ']' ? time <= end : time < end;
  return afterStart && beforeEnd;
}

function startOf({ sizeMs, delayMs, hopMs = 1 }: NonNullable<Feature['aggregate']['window']>, at: number): number {
  if (sizeMs === null) return -Infinity;
  const start = at - delayMs - sizeMs;
  const beyond = start % hopMs;
  return start - beyond - (beyond < 0 ? hopMs : 0);
}

interface Folded {
  readonly value: Value | null;
  readonly scale: number;
  readonly otherwise?: Value | null;
}

function fold({ aggregate, type }: Feature, events: readonly Counted[], at: number): Folded {
  const counted = events.filter(({ row }) => aggregate.where === null || holds(aggregate.where, row) === true);
  const fallback = aggregate.default === null ? null : type.kind === 'int64' ? BigInt(aggregate.default.value) : aggregate.default.value;
  if (aggregate.fn === 'latest') return exact(counted.at(-1)!.row[aggregate.column!] ?? fallback);
  const there = aggregate.column === null ? counted : counted.filter(({ row }) => row[aggregate.column!] !== null);
  const found = there.length === 0 ? exact(null) : foldSome(aggregate, type, there, at);
  if (typeof found.value === 'number' && !Number.isFinite(found.value)) return exact(fallback);
  if (found.value !== null) return found.otherwise === undefined ? found : { ...found, otherwise: fallback };
  if (fallback !== null) return exact(fallback);
  if (aggregate.fn === 'sum' && type.kind === 'int64') return exact(0n);
  return exact(['count', 'countDistinct', 'approxCountDistinct', 'sum'].includes(aggregate.fn) ? 0 : null);
}

/** Of at least one event, each with a value where the aggregate reads a column. */
function foldSome(aggregate: Aggregate, type: FieldType, events: readonly Counted[], at: number): Folded {
  const values = aggregate.column === null ? [] : events.map(({ row }) => row[aggregate.column!]!);
  const numbers = values.map(Number);
  const largest = numbers.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  switch (aggregate.fn) {
    case 'count':
      return exact(events.length);
    case 'rate':
      return exact(events.length / ((at - aggregate.window!.delayMs - startOf(aggregate.window!, at)) / aggregate.unitMs!));
    case 'timeSinceLast':
      return exact(at - events.at(-1)!.time);
    case 'ratio': {
      const answers = events.map(({ row }) => holds(aggregate.predicate!, row)).filter((answer) => answer !== null);
      return exact(answers.length === 0 ? null : answers.filter((answer) => answer).length / answers.length);
    }
    case 'decayedCount':
    case 'decayedSum': {
      const weights = events.map(({ time }) => Math.pow(0.5, (at - time) / aggregate.halfLifeMs!));
      const weighted = aggregate.column === null ? weights : weights.map((weight, i) => weight * numbers[i]!);
      const scale = total(weighted.map(Math.abs)) + DENORMAL;
      return float(total(weighted), scale, scale);
    }
    case 'sum': {
      if (type.kind === 'int64') return wholeOrBeyond(values.reduce<bigint>((a, b) => a + BigInt(b as bigint), 0n));
      const scale = total(numbers.map(Math.abs));
      return float(total(numbers), scale, scale);
    }
    case 'avg':
      return float(total(numbers) / numbers.length, largest, total(numbers.map(Math.abs)));
    case 'varianceSample':
    case 'variancePopulation':
    case 'stddevSample':
    case 'stddevPopulation': {
      const by = aggregate.fn.endsWith('Sample') ? numbers.length - 1 : numbers.length;
      if (by === 0) return exact(null);
      const [deviation, scale] = [squares(numbers), largest ** 2];
      const working = 4 * numbers.length * scale;
      return aggregate.fn.startsWith('stddev') ? float(Math.sqrt(deviation / by), largest, working) : float(deviation / by, scale, working);
    }
    case 'min':
      return exact(values.reduce((a, b) => (before(b, a) ? b : a)));
    case 'max':
      return exact(values.reduce((a, b) => (before(a, b) ? b : a)));
    case 'first':
      return exact(values[0]!);
    case 'last':
      return exact(values.at(-1)!);
    case 'lastN':
      return exact(values.reverse().slice(0, aggregate.n!) as Scalar[]);
    case 'countDistinct':
      return exact(new Set(values).size);
    case 'approxCountDistinct':
      return exact(aboutHowMany(values as Scalar[]));
    case 'topK': {
      const times = (value: Value): number => values.filter((other) => other === value).length;
      const distinct = [...new Set(values)].sort((a, b) => times(b) - times(a) || (before(a, b) ? -1 : 1));
      return exact(distinct.slice(0, aggregate.n!) as Scalar[]);
    }
    case 'countBy':
      return exact(Object.fromEntries([...new Set(values)].map((value) => [String(value), values.filter((other) => other === value).length])));
    case 'percentile': {
      const rising = numbers.sort((a, b) => a - b);
      const rank = aggregate.fraction! * (rising.length - 1);
      const low = rising[Math.floor(rank)]!;
      const high = rising[Math.floor(rank) + 1] ?? low;
      return float(low * (Math.floor(rank) + 1 - rank) + high * (rank - Math.floor(rank)), Math.max(Math.abs(low), Math.abs(high)) + DENORMAL, high - low);
    }
    case 'approxPercentile': {
      const rising = numbers.map(toEightDigits).sort((a, b) => a - b);
      const rank = aggregate.fraction! * (rising.length - 1);
      const [low, high] = [rising[Math.floor(rank)]!, rising[Math.ceil(rank)]!];
      return exact(low + (rank - Math.floor(rank)) * (high - low));
    }
    case 'latest':
      throw new Error('latest has no window');
  }
}

/** Rounded to 8 binary digits, halves away from zero; never to infinity. */
function toEightDigits(number: number): number {
  const size = Math.abs(number);
  let power = 1;
  while (power > size && power > 2 ** -1022) power /= 2;
  while (power <= size / 2) power *= 2;
  const unit = power / 128;
  return Math.sign(number) * Math.min(Math.floor(size / unit + 0.5), power === 2 ** 1023 ? 255 : 256) * unit;
}

/** An integer beyond int64 is as infinite as a number beyond float64. */
function wholeOrBeyond(sum: bigint): Folded {
  return exact(BigInt.asIntN(64, sum) === sum ? sum : Infinity);
}

function exact(value: Value | null): Folded {
  return { value, scale: 0 };
}

/** `working`: no number on the way to the value is larger, in whichever order. */
function float(value: number, scale: number, working: number): Folded {
  return Number.isFinite(working) ? { value, scale } : { value, scale, otherwise: null };
}

/** Infinite only where the sum itself is beyond float64. */
function total(numbers: readonly number[]): number {
  const sum = numbers.reduce((a, b) => a + b, 0);
  if (Number.isFinite(sum)) return sum;
  return numbers.reduce((a, b) => a + b * 2 ** -64, 0) * 2 ** 64;
}

/** The sum of squared differences from the mean; infinite only where it is itself beyond float64. */
function squares(numbers: readonly number[]): number {
  const ofUnit = (unit: number): number => {
    const inUnits = numbers.map((number) => number / unit);
    const mean = total(inUnits) / numbers.length;
    return total(inUnits.map((number) => (number - mean) ** 2)) * unit * unit;
  };
  const plain = ofUnit(1);
  return Number.isFinite(plain) ? plain : ofUnit(Math.max(...numbers.map(Math.abs)));
}

function before(a: Value, b: Value): boolean {
  if (typeof a === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b as string)) < 0;
  return a < b;
}

function holds(where: Expression, row: Readonly<Record<string, Value | null>>): boolean | null {
  if (where.kind !== 'call') throw new Error('a condition is a call');
  const { fn, args } = where;
  if (fn === 'not') return negate(holds(args[0]!, row));
  if (fn === 'and' || fn === 'or') {
    const answers = args.map((arg) => holds(arg, row));
    const decisive = fn === 'or';
    return answers.includes(decisive) ? decisive : answers.includes(null) ? null : !decisive;
  }
  const field = args[0] as { readonly name: string };
  const value = row[field.name] ?? null;
  if (fn === 'isNull') return value === null;
  if (value === null) return null;
  const others = args.slice(1).map((arg) => {
    if (arg.kind !== 'literal') throw new Error('compared to a literal');
    return arg.type.kind === 'int64' ? BigInt(arg.value) : arg.value;
  });
  const other = others[0]!;
  switch (fn) {
    case 'in':
      return others.some((each) => each === value);
    case 'eq':
      return value === other;
    case 'ne':
      return value !== other;
    case 'lt':
      return before(value, other);
    case 'lte':
      return !before(other, value);
    case 'gt':
      return before(other, value);
    case 'gte':
      return !before(value, other);
    default:
      throw new Error(`${fn} is not built yet`);
  }
}

function negate(answer: boolean | null): boolean | null {
  return answer === null ? null : !answer;
}
