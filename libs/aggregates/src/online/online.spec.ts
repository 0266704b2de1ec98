import { describe, expect, it } from '@jest/globals';
import { aggregateFunctions, aggregateType, boundsKinds, takesHop, type Aggregate, type Expression, type Feature, type FieldType, type Literal, type Scalar, type Source, type SourceField, type Value, type Window } from '@granary/contracts';
import * as fc from 'fast-check';
import { compileCompact, compileEvaluate, compileTailEvent, eventColumns, finish, foldRequest, isDouble, representView, type EntityState, type ViewRepresentation } from '../index.js';
import { timelineOf } from './timeline.js';

type Row = Readonly<Record<string, Value | null>>;
interface Event {
  readonly id: string;
  readonly sequence: number;
  readonly time: number;
  readonly known: number;
  readonly row: Row;
}

const FIELDS: readonly SourceField[] = [
  { name: 'n', type: { kind: 'int32' }, nullable: true },
  { name: 'l', type: { kind: 'int64' }, nullable: false },
  { name: 'f', type: { kind: 'float64' }, nullable: true },
  { name: 'g', type: { kind: 'float32' }, nullable: false },
  { name: 's', type: { kind: 'string' }, nullable: true },
  { name: 'e', type: { kind: 'enum', values: ['web', 'app', 'shop'] }, nullable: false },
  { name: 'b', type: { kind: 'bool' }, nullable: true },
  { name: 'd', type: { kind: 'timestamp' }, nullable: false },
  { name: 'tags', type: { kind: 'array', of: { kind: 'string' } }, nullable: false },
];
// Doubles whose squares are too small to have all their digits are left out.
const row: fc.Arbitrary<Row> = fc.record({
  n: fc.option(fc.integer({ min: -3, max: 9 })),
  l: fc.oneof(fc.bigInt({ min: -4n, max: 4n }), fc.bigInt({ min: -(2n ** 56n), max: 2n ** 56n })),
  f: fc.option(fc.oneof(fc.constantFrom(0.5, -0, 0, 2.25), fc.double({ min: -1e6, max: 1e6, noNaN: true }).map((x) => (Math.abs(x) < 1e-9 ? 0 : x)))),
  g: fc.float({ min: -100, max: 100, noNaN: true }),
  s: fc.option(fc.constantFrom('', 'a', 'b', '\uFFFD', '\u{1F33E}')),
  e: fc.constantFrom('web', 'app', 'shop'),
  b: fc.option(fc.boolean()),
  d: fc.integer({ min: 0, max: 50 }),
  tags: fc.array(fc.constantFrom('x', 'y'), { maxLength: 2 }),
});

/** Conditions, and what they say as plainly as it can be said. */
const CONDITIONS: readonly (readonly [Expression, (row: Row) => boolean | null])[] = [
  [{ kind: 'call', fn: 'gt', args: [{ kind: 'field', name: 'n' }, { kind: 'literal', type: { kind: 'int32' }, value: 2 }] }, ({ n }) => (n === null ? null : (n as number) > 2)],
  [{ kind: 'call', fn: 'ne', args: [{ kind: 'field', name: 'e' }, { kind: 'literal', type: { kind: 'string' }, value: 'web' }] }, ({ e }) => e !== 'web'],
  [{ kind: 'call', fn: 'isNull', args: [{ kind: 'field', name: 's' }] }, ({ s }) => s === null],
  [{ kind: 'field', name: 'b' }, ({ b }) => b as boolean | null],
];
const says = (condition: Expression, event: Row): boolean | null => CONDITIONS.find(([expression]) => expression === condition)![1](event);

const feature: fc.Arbitrary<Omit<Feature, 'name'>> = fc.constantFrom(...aggregateFunctions).chain((fn) => {
  const columns = [null, ...FIELDS].filter((field) => gives(fn, field?.type ?? null) !== null);
  return fc
    .record({
      column: fc.constantFrom(...columns),
      where: fc.option(fc.constantFrom(...CONDITIONS.map(([expression]) => expression))),
      sizeMs: fn === 'rate' ? fc.integer({ min: 1, max: 30 }) : fc.option(fc.integer({ min: 1, max: 30 }), { freq: 2 }),
      delayMs: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 12 })),
      bounds: fc.constantFrom(...boundsKinds),
      includeRequest: fc.boolean(),
      hopMs: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
      n: fc.integer({ min: 1, max: 4 }),
      fraction: fc.double({ min: 0, max: 1, noNaN: true }),
      halfLifeMs: fc.integer({ min: 1, max: 40 }),
      predicate: fc.constantFrom(...CONDITIONS.map(([expression]) => expression)),
      standIn: fc.boolean(),
    })
    .map(({ column, where, sizeMs, delayMs, bounds, includeRequest, hopMs, standIn, ...rest }) => {
      const type = gives(fn, column?.type ?? null)!;
      const hops = hopMs !== undefined && sizeMs !== null && hopMs <= sizeMs && bounds.startsWith('[') && takesHop(fn);
      const window = { sizeMs, delayMs, bounds, includeRequest, ...(hops ? { hopMs } : {}) };
      const none: Literal | null = standIn && type.kind === 'float64' ? { kind: 'literal', type, value: 7.5 } : null;
      const common = { fn, column: column?.name ?? null, default: none };
      if (fn === 'latest') return { type, aggregate: { ...common, where: null, window: null } };
      return { type, aggregate: { ...common, where, window, unitMs: 7, n: rest.n, fraction: rest.fraction, halfLifeMs: rest.halfLifeMs, ...(fn === 'ratio' ? { predicate: rest.predicate } : {}) } };
    });
});

function gives(fn: Aggregate['fn'], column: FieldType | null): FieldType | null {
  try {
    return aggregateType(fn, column);
  } catch {
    return null;
  }
}

const TIME = fc.integer({ min: 0, max: 60 });
const world = fc.record({
  knownAt: fc.boolean(),
  features: fc.array(feature, { minLength: 1, maxLength: 12 }),
  /** In order of arrival. The first `stored` of them may be versions of each other; later ones come one by one. */
  events: fc.array(fc.record({ id: fc.integer({ min: 0, max: 9 }), time: TIME, late: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 40 })), row }), { maxLength: 30 }),
  stored: fc.nat({ max: 20 }),
  materialisedAt: TIME,
  steps: fc.array(
    fc.record({
      /** Where in the stretch since the last step, more or less. */
      arrived: fc.nat({ max: 8 }),
      again: fc.array(fc.nat(), { maxLength: 3 }),
      shuffle: fc.array(fc.nat(), { minLength: 30, maxLength: 30 }),
      compact: fc.option(fc.record({ back: fc.nat({ max: 3 }), later: fc.nat({ max: 15 }) })),
      ages: fc.array(fc.nat({ max: 40 }), { minLength: 1, maxLength: 2 }),
      request: row,
    }),
    { minLength: 1, maxLength: 5 },
  ),
});

/** A base of history, then streamed events and foldings of them: what a reader finds online at each of many instants. */
function play({ knownAt, features, events: drawn, stored, materialisedAt, steps }: typeof world extends fc.Arbitrary<infer T> ? T : never): number {
  const source: Pick<Source, 'fields' | 'knownAt'> = { fields: [...FIELDS], knownAt: knownAt ? 'd' : null };
  const view = { features: features.map((each, i) => ({ name: `x${i}`, ...each })) };
  const events = drawn.map((event, i): Event => ({ id: knownAt && i < stored ? `v${event.id}` : `e${i}`, sequence: i + 1, time: event.time, known: event.time + (knownAt ? event.late : 0), row: event.row }));
  const representation = representView(view, source);
  const asDoubles = view.features.filter(isDouble);
  const doubles = new Float64Array(asDoubles.length);
  const [evaluate, compact] = [compileEvaluate(representation, { doubles: asDoubles.map(({ name }) => name) }), compileCompact(representation)];
  const frame = tailOf(representation, source);
  const history = events.slice(0, stored);
  let asOf = materialisedAt;
  let state = compact(logOf(representation, source, history), { sequence: history.length, asOf });
  let arrived = history.length;
  let compared = 0;
  for (const step of steps) {
    const fresh = events.slice(arrived, arrived + step.arrived);
    arrived += fresh.length;
    const replayed = step.again.flatMap((i) => (arrived > 0 ? events.slice(i % arrived, (i % arrived) + 1) : [])).filter(({ id }) => id.startsWith('e'));
    const tail = [...state.tail, ...[...fresh, ...replayed].map(frame)].map((event, i) => ({ event, rank: step.shuffle[i % 30]! })).sort((a, b) => a.rank - b.rank);
    state = { ...state, tail: tail.map(({ event }) => event) };
    if (step.compact !== null) {
      const before = state;
      asOf += step.compact.later;
      state = compact(before, { sequence: Math.max(arrived - step.compact.back, 0), asOf });
      expect(state.asOf).toBe(asOf);
      state = { ...state, tail: before.tail };
    }
    for (const age of step.ages) {
      const at = asOf + age;
      const { parts, eventTime } = evaluate(state, at, doubles);
      const visible = visibleAt(events.slice(0, arrived), at);
      expect(eventTime).toBe(visible.at(-1)?.time ?? null);
      view.features.forEach((each, i) => {
        const isIncluded = each.aggregate.window?.includeRequest === true;
        const written = doubles[asDoubles.indexOf(each)];
        const actual = finish(each, isIncluded ? foldRequest(each, parts[i]!, step.request, at, source) : parts[i]!, at);
        if (written !== undefined && !agree(Number.isNaN(written) ? null : written, ask(each, visible, at, false))) throw new Error(`${JSON.stringify(each)} at ${at}: as a double ${written}`);
        const answer = ask(each, isIncluded ? [...visible, { id: '', sequence: Infinity, time: at, known: at, row: step.request }] : visible, at, isIncluded);
        if (!agree(actual, answer)) throw new Error(`${JSON.stringify(each)} at ${at}: ${show(actual)}, and not ${show(answer.value)}`);
        compared++;
      });
    }
  }
  return compared;
}

function tailOf({ events }: ViewRepresentation, source: Pick<Source, 'fields'>) {
  const take = compileTailEvent(events, source);
  return ({ sequence, time, known, row }: Event) => take({ sequence, eventTime: time, knownAt: known, values: FIELDS.map(({ name }) => row[name] ?? null) });
}

/** All events in a log, as if nothing had been folded. */
function logOf(representation: ViewRepresentation, source: Pick<Source, 'fields'>, events: readonly Event[]): EntityState {
  const nothing = { sequence: 0, asOf: 0, row: null, log: eventColumns(representation.events, 0), tail: [] };
  const { events: log } = timelineOf(representation.events, { ...nothing, tail: events.map(tailOf(representation, source)) });
  [...events].sort(byOrder).forEach((event, i) => {
    const later = events.filter((other) => other.id === event.id && (other.known - event.known || other.sequence - event.sequence) > 0);
    if (log.until !== null) log.until[i] = Math.min(...later.map(({ known }) => known));
  });
  return { ...nothing, sequence: events.length, log };
}

function byOrder(a: Event, b: Event): number {
  return a.time - b.time || a.known - b.known || a.sequence - b.sequence;
}

function visibleAt(events: readonly Event[], at: number): Event[] {
  const known = events.filter((event) => event.known <= at);
  const newest = known.filter((event) => !known.some((other) => other.id === event.id && (other.known - event.known || other.sequence - event.sequence) > 0));
  return newest.filter(({ time }) => time <= at).sort(byOrder);
}

interface Answer {
  readonly value: Value | null;
  /** How large the floats are that went into it. */
  readonly scale: number;
}

function ask({ aggregate, type }: Feature, visible: readonly Event[], at: number, isIncluded: boolean): Answer {
  const { window, where, column, fn } = aggregate;
  const none = aggregate.default === null ? null : (aggregate.default.value as number);
  if (fn === 'latest') return { value: visible.at(-1)?.row[column!] ?? none ?? (type.kind === 'array' ? [] : null), scale: 0 };
  const inside = visible.filter(({ time, sequence }) => {
    if (isIncluded && sequence === Infinity) return true;
    const [start, end] = [startOf(window!, at), at - window!.delayMs];
    return (window!.bounds[0] === '[' ? time >= start : time > start) && (window!.bounds[1] === ']' ? time <= end : time < end);
  });
  const counted = inside.filter(({ row }) => (where === null || says(where, row) === true) && (column === null || row[column] !== null));
  const answer = counted.length === 0 ? null : fold(aggregate, type, counted, at);
  if (answer !== null && answer.value !== null) return answer;
  if (none !== null) return { value: none, scale: 0 };
  return { value: fn === 'sum' && type.kind === 'int64' ? 0n : ['count', 'countDistinct', 'approxCountDistinct', 'sum'].includes(fn) ? 0 : null, scale: 0 };
}

function startOf({ sizeMs, delayMs, hopMs = 1 }: Window, at: number): number {
  return sizeMs === null ? -Infinity : Math.floor((at - delayMs - sizeMs) / hopMs) * hopMs;
}

function fold(aggregate: Aggregate, type: FieldType, events: readonly Event[], at: number): Answer {
  const values = aggregate.column === null ? [] : events.map(({ row }) => row[aggregate.column!]! as Scalar);
  const numbers = values.map(Number);
  const total = (all: readonly number[]): number => all.reduce((a, b) => a + b, 0);
  const largest = Math.max(...numbers.map(Math.abs));
  const rising = [...values].sort((a, b) => (typeof a === 'string' ? Buffer.compare(Buffer.from(a), Buffer.from(b as string)) : a < b ? -1 : a > b ? 1 : 0));
  const times = (value: Scalar): number => values.filter((other) => other === value).length;
  const exact = (value: Value | null): Answer => ({ value, scale: 0 });
  switch (aggregate.fn) {
    case 'count':
      return exact(events.length);
    case 'rate':
      return { value: (events.length * aggregate.unitMs!) / (at - aggregate.window!.delayMs - startOf(aggregate.window!, at)), scale: 1 };
    case 'timeSinceLast':
      return exact(at - events.at(-1)!.time);
    case 'ratio': {
      const answers = events.map(({ row }) => says(aggregate.predicate!, row)).filter((answer) => answer !== null);
      return exact(answers.length === 0 ? null : answers.filter((answer) => answer).length / answers.length);
    }
    case 'decayedCount':
    case 'decayedSum': {
      const weights = events.map(({ time }, i) => 0.5 ** ((at - time) / aggregate.halfLifeMs!) * (numbers[i] ?? 1));
      return { value: total(weights), scale: total(weights.map(Math.abs)) };
    }
    case 'sum':
      return type.kind === 'int64' ? exact(values.reduce<bigint>((a, b) => a + BigInt(b), 0n)) : { value: total(numbers), scale: total(numbers.map(Math.abs)) };
    case 'avg':
      return { value: total(numbers) / numbers.length, scale: largest };
    case 'varianceSample':
    case 'variancePopulation':
    case 'stddevSample':
    case 'stddevPopulation': {
      const by = aggregate.fn.endsWith('Sample') ? numbers.length - 1 : numbers.length;
      const mean = total(numbers) / numbers.length;
      const variance = total(numbers.map((x) => (x - mean) ** 2)) / by;
      if (by === 0) return exact(null);
      return aggregate.fn.startsWith('stddev') ? { value: Math.sqrt(variance), scale: 1e3 * largest } : { value: variance, scale: largest ** 2 };
    }
    case 'min':
      return exact(rising[0]!);
    case 'max':
      return exact(rising.at(-1)!);
    case 'first':
      return exact(values[0]!);
    case 'last':
      return exact(values.at(-1)!);
    case 'lastN':
      return exact([...values].reverse().slice(0, aggregate.n));
    case 'countDistinct':
    case 'approxCountDistinct':
      return exact(new Set(values).size);
    case 'topK':
      return exact([...new Set(rising)].sort((a, b) => times(b) - times(a)).slice(0, aggregate.n));
    case 'countBy':
      return exact(Object.fromEntries(values.map((value) => [String(value), times(value)])));
    case 'percentile': {
      const rank = aggregate.fraction! * (rising.length - 1);
      const [below, above] = [Number(rising[Math.floor(rank)]), Number(rising[Math.ceil(rank)])];
      return { value: below * (Math.floor(rank) + 1 - rank) + above * (rank - Math.floor(rank)), scale: largest };
    }
    case 'approxPercentile': {
      const rounded = numbers.map((x) => (x === 0 ? 0 : Math.sign(x) * Math.floor(Math.abs(x) / unitOf(x) + 0.5) * unitOf(x))).sort((a, b) => a - b);
      const rank = aggregate.fraction! * (rounded.length - 1);
      const [below, above] = [rounded[Math.floor(rank)]!, rounded[Math.ceil(rank)]!];
      return { value: below + (rank - Math.floor(rank)) * (above - below), scale: 0 };
    }
    case 'latest':
      throw new Error('latest has no window');
  }
}

/** Of the last of eight binary digits. */
function unitOf(x: number): number {
  return 2 ** (Math.floor(Math.log2(Math.abs(x))) - 7);
}

function agree(actual: Value | null, { value, scale }: Answer): boolean {
  if (typeof actual === 'number' && typeof value === 'number') return actual === value || Math.abs(actual - value) <= 1e-9 * Math.max(scale, Math.abs(value));
  return show(actual) === show(value);
}

function show(value: Value | null): string {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return show(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(String));
  return JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? `${each}n` : Object.is(each, -0) ? 0 : each));
}

describe('an entity online', () => {
  it('has the values that a fold of all events gives, whenever it is read and however often its tail was folded', () => {
    let compared = 0;
    fc.assert(
      fc.property(world, (drawn) => {
        compared += play(drawn);
      }),
      { numRuns: 600, seed: Number(process.env['SEED']) },
    );
    expect(compared).toBeGreaterThan(10_000);
  });
});
