import {
  aggregateFunctions,
  type Aggregate,
  type AggregateFunction,
  type ElementType,
  type Entity,
  type Expression,
  type Feature,
  type FieldType,
  type Literal,
  type Source,
  type Value,
  type VersionedView,
  type Window,
} from '@granary/contracts';
import { PLANS, type Plan } from '@granary/compiler';
import type { PublisherOptions } from '@granary/jobs';
import * as fc from 'fast-check';
import type { OracleEvent, Question } from './oracle.js';

/** One random world: a declaration, the events in order of arrival, and questions about it. */
export interface ParityCase {
  readonly entity: Entity;
  readonly source: Source;
  readonly view: VersionedView;
  readonly events: readonly OracleEvent[];
  readonly questions: readonly Question[];
  readonly stream: EventStream;
  readonly asked: Asked;
}

/** Which of all paths a world asks: many worlds find more than many paths do, and a path costs a statement or more. */
export interface Asked {
  readonly online: 'lmdb' | 'redis';
  readonly offline: readonly OfflinePath[];
  /** Plans that statements may choose from. Left out: those they choose from by themselves. */
  readonly plans?: readonly Plan[];
  /** Whether its events lie days apart. */
  readonly stretched: boolean;
}

export const offlinePaths = ['backfill', 'probes', 'spine', 'questions', 'events'] as const;
export type OfflinePath = (typeof offlinePaths)[number];

/** How the events come in, and what else goes on while they do. What is left after the last delivery comes as one more. */
export interface EventStream {
  readonly deliveries: readonly Delivery[];
  /** Limits of the publishers: small ones, so that a few events reach them. */
  readonly limits: Pick<PublisherOptions, 'batchRows' | 'materialiseRows' | 'tailBytes' | 'slackMs'>;
}

/** One batch: stored, told to the publishers or not, and what happens then. */
export interface Delivery {
  readonly rows: number;
  /** `stored`: the process ends before it publishes; `cut off`: in the midst of it, and another one begins again; `twice`: who sent it has sent it again. */
  readonly published: 'told' | 'stored' | 'twice' | 'cut off';
  /** `restart`: other publishers from here on. */
  readonly then: 'nothing' | 'restart' | 'catch up' | 'materialise' | 'materialise in full';
  /** The clock moves on to the next instant that is asked about. */
  readonly later: boolean;
}

const START = Date.UTC(2024, 0, 31, 23, 59, 50);
const FIELDS: Readonly<Record<string, { type: FieldType; nullable: boolean; values: fc.Arbitrary<Value> }>> = {
  id: { type: { kind: 'int64' }, nullable: false, values: fc.constantFrom(1n, 1n, 1n, 11n, 2n ** 62n) },
  part: { type: { kind: 'string' }, nullable: false, values: fc.constantFrom('2', '2', '2', '12', 'é|`\'\\') },
  small: { type: { kind: 'int32' }, nullable: true, values: fc.oneof(fc.constantFrom(-(2 ** 31), 2 ** 31 - 1, 0, 3), fc.integer({ min: -5, max: 5 })) },
  big: { type: { kind: 'int64' }, nullable: true, values: fc.oneof(fc.constantFrom(-(2n ** 56n), 2n ** 56n, 0n), fc.bigInt({ min: -(2n ** 56n), max: 2n ** 56n })) },
  // Their sums leave int64, and come back.
  edge: { type: { kind: 'int64' }, nullable: true, values: fc.constantFrom(-(2n ** 63n), 2n ** 63n - 1n, 2n ** 53n + 1n, 2n ** 53n, 0n) },
  amount: { type: { kind: 'float64' }, nullable: true, values: fc.oneof({ weight: 3, arbitrary: fc.double({ min: -1e6, max: 1e6, noNaN: true }) }, { weight: 1, arbitrary: fc.constantFrom(-0, 0, 5e-324, -1e100, 1e100) }) },
  price: { type: { kind: 'float64' }, nullable: false, values: fc.constantFrom(0, 0.1, 19.99, 1e9) },
  // Their sums and squares leave float64.
  vast: { type: { kind: 'float64' }, nullable: true, values: fc.constantFrom(0, 3, 1e100, 1e154, -1e200, 1e200, -Number.MAX_VALUE, Number.MAX_VALUE) },
  size: { type: { kind: 'float32' }, nullable: true, values: fc.constantFrom(0, -0, 0.1, 1e30, -7.25).map(Math.fround) },
  note: { type: { kind: 'string' }, nullable: true, values: fc.constantFrom('', 'a', 'Z', '\u{1F33E}', '\uFFFD', 'naïve', '__proto__', '10', '9') },
  kind: { type: { kind: 'enum', values: ['view', 'cart', 'buy'] }, nullable: false, values: fc.constantFrom('view', 'cart', 'buy') },
  flag: { type: { kind: 'bool' }, nullable: true, values: fc.boolean() },
  seenAt: { type: { kind: 'timestamp' }, nullable: true, values: fc.oneof(fc.constantFrom(0, -1, START), fc.integer({ min: -5_000_000, max: 5_000_000 }).map((ms) => START + ms)) },
  tags: { type: { kind: 'array', of: { kind: 'string' } }, nullable: false, values: fc.array(fc.constantFrom('x', 'y', ''), { maxLength: 3 }) },
};
const NUMBERS = ['small', 'big', 'edge', 'amount', 'vast', 'price', 'size'] as const;
const SINGLE = [...NUMBERS, 'note', 'kind', 'flag', 'seenAt'] as const;
const ORDERED = [...NUMBERS, 'note', 'seenAt'] as const;
const KEYS = ['id', 'part'] as const;

/** Half-second steps, so that ties and events exactly on a bound are common; sometimes a millisecond beside one. */
const instant = fc.tuple(fc.integer({ min: 0, max: 16 }), fc.constantFrom(0, 0, 0, 0, -1, 1)).map(([steps, off]) => START + steps * 500 + off);
const duration = fc.constantFrom(1, 2, 499, 500, 501, 1000, 2500, 60_000, 40 * 86_400_000);

/** Of these a window may have a hop. */
const HOPPING: readonly AggregateFunction[] = ['count', 'sum', 'avg', 'min', 'max', 'varianceSample', 'variancePopulation', 'stddevSample', 'stddevPopulation', 'countDistinct', 'approxCountDistinct', 'topK', 'countBy', 'approxPercentile', 'ratio', 'rate', 'decayedCount', 'decayedSum'];

const windowArbitrary = fc.record({
  sizeMs: fc.option(duration, { freq: 6 }),
  delayMs: fc.constantFrom(0, 0, 0, 1, 500, 1000),
  bounds: fc.constantFrom('[)', '(]', '[]', '()'),
  includeRequest: fc.constantFrom(false, false, true),
  hopMs: fc.constantFrom(undefined, undefined, 1, 250, 500, 1000),
});

function windowOf(fn: AggregateFunction, { hopMs, ...exact }: typeof windowArbitrary extends fc.Arbitrary<infer T> ? T : never): Window | null {
  if (fn === 'latest') return null;
  const window = { ...exact, sizeMs: fn === 'rate' ? (exact.sizeMs ?? 1000) : exact.sizeMs };
  if (hopMs === undefined || window.sizeMs === null || hopMs > window.sizeMs || !HOPPING.includes(fn)) return window;
  return { ...window, bounds: window.bounds.endsWith(')') ? '[)' : '[]', hopMs };
}

function literalOf(name: string): fc.Arbitrary<Literal> {
  const { type, values } = FIELDS[name]!;
  return values.map((value) => ({ kind: 'literal', type, value: typeof value === 'bigint' ? String(value) : (value as Literal['value']) }));
}

const comparison: fc.Arbitrary<Expression> = fc.constantFrom('id', 'part', ...SINGLE).chain((name) => {
  const field: Expression = { kind: 'field', name };
  const ordered = name === 'kind' || name === 'flag' ? [] : (['lt', 'lte', 'gt', 'gte'] as const);
  return fc.oneof(
    fc.tuple(fc.constantFrom('eq' as const, 'ne' as const, ...ordered), literalOf(name)).map(([fn, other]) => ({ kind: 'call' as const, fn, args: [field, other] })),
    fc.array(literalOf(name), { minLength: 1, maxLength: 3 }).map((others) => ({ kind: 'call' as const, fn: 'in' as const, args: [field, ...others] })),
    fc.constant({ kind: 'call' as const, fn: 'isNull' as const, args: [field] }),
  );
});
const where: fc.Arbitrary<Expression> = fc.oneof(
  { weight: 3, arbitrary: comparison },
  { weight: 1, arbitrary: comparison.map((arg) => ({ kind: 'call' as const, fn: 'not' as const, args: [arg] })) },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom('and' as const, 'or' as const), comparison, comparison).map(([fn, a, b]) => ({ kind: 'call' as const, fn, args: [a, b] })) },
);

const COLUMNS: Readonly<Record<AggregateFunction, readonly string[] | null>> = {
  latest: [...SINGLE, 'tags'],
  count: null,
  sum: NUMBERS,
  avg: [...NUMBERS, 'flag'],
  min: ORDERED,
  max: ORDERED,
  varianceSample: NUMBERS,
  variancePopulation: NUMBERS,
  stddevSample: NUMBERS,
  stddevPopulation: NUMBERS,
  countDistinct: SINGLE,
  approxCountDistinct: SINGLE,
  first: SINGLE,
  last: SINGLE,
  lastN: SINGLE,
  timeSinceLast: null,
  topK: SINGLE,
  countBy: ['note', 'kind', 'flag', 'small', 'edge'],
  ratio: null,
  rate: null,
  percentile: NUMBERS,
  approxPercentile: NUMBERS,
  decayedCount: null,
  decayedSum: NUMBERS,
};

const aggregateArbitrary: fc.Arbitrary<{ type: FieldType; aggregate: Aggregate }> = fc
  .constantFrom(...aggregateFunctions)
  .chain((fn) =>
    fc.record({
      fn: fc.constant(fn),
      column: COLUMNS[fn] === null ? fc.constant(null) : fc.constantFrom(...COLUMNS[fn]),
      where: fc.option(where, { freq: 1 }),
      window: windowArbitrary,
      hasDefault: fc.constantFrom(false, false, true),
      n: fc.integer({ min: 1, max: 4 }),
      fraction: fc.oneof(fc.constantFrom(0, 0.25, 0.5, 0.9, 1, 1e-7), fc.double({ min: 0, max: 1, noNaN: true })),
      unitMs: fc.constantFrom(1, 1000, 30 * 86_400_000),
      halfLifeMs: fc.constantFrom(1, 7, 500, 86_400_000),
      predicate: where,
    }),
  )
  .map(({ fn, column, where, window, hasDefault, n, fraction, unitMs, halfLifeMs, predicate }) => {
    const type = outputType(fn, column);
    const latest = fn === 'latest';
    return {
      type,
      aggregate: {
        fn,
        column,
        where: latest ? null : where,
        window: windowOf(fn, window),
        default: hasDefault ? defaultOf(type) : null,
        ...(fn === 'lastN' || fn === 'topK' ? { n } : {}),
        ...(fn === 'percentile' || fn === 'approxPercentile' ? { fraction } : {}),
        ...(fn === 'rate' ? { unitMs } : {}),
        ...(fn === 'decayedCount' || fn === 'decayedSum' ? { halfLifeMs } : {}),
        ...(fn === 'ratio' ? { predicate } : {}),
      },
    };
  });

/** As the declaration says it, said again here: nothing that is judged has a part in it. */
function outputType(fn: AggregateFunction, column: string | null): FieldType {
  if (fn === 'count' || fn === 'countDistinct' || fn === 'approxCountDistinct') return { kind: 'int32' };
  if (fn === 'countBy') return { kind: 'map', of: { kind: 'int32' } };
  const type = column === null ? null : FIELDS[column]!.type;
  if (fn === 'lastN' || fn === 'topK') return { kind: 'array', of: type as ElementType };
  if (fn === 'sum') return { kind: type!.kind === 'int32' || type!.kind === 'int64' ? 'int64' : 'float64' };
  return ['latest', 'min', 'max', 'first', 'last'].includes(fn) ? type! : { kind: 'float64' };
}

function defaultOf(type: FieldType): Literal | null {
  switch (type.kind) {
    case 'array':
    case 'map':
      return null;
    case 'int64':
      return { kind: 'literal', type, value: '7' };
    case 'bool':
      return { kind: 'literal', type, value: true };
    case 'string':
      return { kind: 'literal', type, value: "it's" };
    case 'enum':
      return { kind: 'literal', type, value: type.values[0]! };
    default:
      return { kind: 'literal', type, value: 7 };
  }
}

const rowArbitrary: fc.Arbitrary<Record<string, Value | null>> = fc.record(
  Object.fromEntries(Object.entries(FIELDS).map(([name, { nullable, values }]) => [name, nullable ? fc.option(values, { freq: 3 }) : values])),
);

const streamArbitrary: fc.Arbitrary<EventStream> = fc.record({
  // Biased, most streams were one delivery: bases, and hardly a tail.
  deliveries: fc.noBias(
    fc.array(
      fc.record({
        rows: fc.integer({ min: 0, max: 12 }),
        published: fc.constantFrom('told', 'told', 'told', 'told', 'stored', 'twice', 'cut off'),
        // What computes all anew hides what went wrong before.
        then: fc.oneof({ weight: 9, arbitrary: fc.constantFrom('nothing' as const, 'nothing' as const, 'restart' as const, 'catch up' as const) }, { weight: 1, arbitrary: fc.constantFrom('materialise' as const, 'materialise in full' as const) }),
        later: fc.constantFrom(false, false, true),
      }),
      { maxLength: 6, size: 'max' },
    ),
  ),
  limits: fc.record({
    batchRows: fc.constantFrom(3, 5_000),
    materialiseRows: fc.constantFrom(10, 100_000, 100_000, 100_000),
    tailBytes: fc.constantFrom(0, 300, 4_096),
    slackMs: fc.constantFrom(0, 1, 500, 60_000),
  }),
});

const askedArbitrary: fc.Arbitrary<Asked> = fc.noBias(
  fc.record(
    {
      online: fc.constantFrom('lmdb' as const, 'redis' as const),
      offline: fc.uniqueArray(fc.constantFrom(...offlinePaths), { minLength: 2, maxLength: 2 }),
      plans: fc.constantFrom<(readonly Plan[])[]>(PLANS, ['merged'], []),
      stretched: fc.boolean(),
    },
    { requiredKeys: ['online', 'offline', 'stretched'] },
  ),
);

/** Of every event of the entity there is: it says what any window misses. */
const ALL: Feature = { name: 'all', type: { kind: 'int32' }, aggregate: { fn: 'count', column: null, where: null, window: { sizeMs: null, delayMs: 0, bounds: '[]', includeRequest: false }, default: null } };

export const parityCase: fc.Arbitrary<ParityCase> = fc
  .record({
    composite: fc.boolean(),
    // A corrected event comes again with other content; a timeless row is a version of a thing.
    kind: fc.constantFrom('plain', 'plain', 'corrected', 'corrected', 'corrected', 'timeless'),
    asked: askedArbitrary,
    // All events are of one entity, and none comes twice if it is not as another version: its windows hold many.
    crowded: fc.boolean(),
    ttlMs: fc.option(fc.constantFrom(1, 500, 1000, 3000)),
    // Without its bias fast-check makes every other array short, and what goes wrong in full windows is hardly ever seen.
    features: fc.noBias(fc.array(aggregateArbitrary, { minLength: 1, maxLength: 10, size: 'max' })),
    events: fc.noBias(fc.array(fc.record({ id: fc.integer({ min: 1, max: 24 }), time: instant, lag: fc.constantFrom(0, 0, 500, 1500, 4000), row: rowArbitrary }), { maxLength: 40, size: 'max' })),
    // Few instants for many questions: each costs a backfill.
    instants: fc.array(instant, { minLength: 1, maxLength: 3 }),
    questions: fc.array(fc.record({ at: fc.nat({ max: 2 }), request: rowArbitrary, own: fc.oneof({ weight: 5, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.nat({ max: 39 }) }) }), { minLength: 1, maxLength: 10, size: 'max' }),
    stream: streamArbitrary,
  })
  .map((raw) => {
    const keys = raw.composite ? KEYS : (['id'] as const);
    const entity: Entity = { kind: 'entity', name: 'thing', keys: keys.map((name) => ({ name, type: FIELDS[name]!.type })) };
    const source: Source = {
      kind: 'source',
      name: 'happenings',
      fields: [
        ...Object.entries(FIELDS).map(([name, { type, nullable }]) => ({ name, type, nullable })),
        { name: 'at', type: { kind: 'timestamp' }, nullable: false },
        { name: 'reportedAt', type: { kind: 'timestamp' }, nullable: false },
      ],
      // The events below carry their ids themselves: which field it is does not matter, only that one is declared.
      eventId: ['part'],
      eventTime: raw.kind === 'timeless' ? null : 'at',
      knownAt: raw.kind === 'corrected' ? 'reportedAt' : null,
      file: null,
    };
    const features: Feature[] = [ALL, ...raw.features.map((feature, i) => ({ name: `f${i}`, ...feature }))];
    const view: VersionedView = { kind: 'featureView', name: 'facts', entity: 'thing', source: 'happenings', keyFields: [...keys], ttlMs: raw.ttlMs, features, version: '0123456789ab' };
    const key = Object.fromEntries(raw.crowded ? keys.map((name) => [name, raw.events[0]?.row[name] ?? null]) : []);
    const events: OracleEvent[] = raw.events.map(({ id, time, lag, row }, i) => {
      const moment = raw.kind === 'timeless' ? 0 : time;
      const repeated = raw.kind === 'plain' ? id : Math.ceil(id / 2);
      return { id: `event-${raw.crowded && raw.kind === 'plain' ? i : repeated}`, time: moment, knownAt: raw.kind === 'corrected' ? time + lag : moment, row: { ...row, ...key, at: time, reportedAt: time + lag } };
    });
    const questions: Question[] = raw.questions.map(({ at: pick, request, own }) => {
      const at = raw.instants[pick % raw.instants.length]!;
      const event = own === null || events.length === 0 || raw.kind === 'timeless' ? undefined : events[own % events.length];
      // A question that is an event asks about it as it happened.
      const row = event === undefined ? { ...request, at, reportedAt: at } : event.row;
      return { key: keys.map((name) => row[name]!), at: event?.time ?? at, request: row, eventId: event?.id ?? '' };
    });
    // A timeless row has no time to ask about itself, nor one to lie days from another.
    const asked = raw.kind === 'timeless' ? { ...raw.asked, offline: raw.asked.offline.filter((path) => path !== 'events'), stretched: false } : raw.asked;
    return { entity, source, view, events, questions, stream: raw.stream, asked };
  });
