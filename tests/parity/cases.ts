import type { Aggregate, Entity, Expression, Feature, FieldType, Literal, Source, Value, VersionedView, Window } from '@granary/contracts';
import * as fc from 'fast-check';
import type { OracleEvent, Question } from './oracle.js';

/** One random world: a declaration, the events in order of arrival, and questions about it. */
export interface ParityCase {
  readonly entity: Entity;
  readonly source: Source;
  readonly view: VersionedView;
  readonly events: readonly OracleEvent[];
  readonly questions: readonly Question[];
}

const START = Date.UTC(2024, 0, 31, 23, 59, 50);
const FIELDS: Readonly<Record<string, { type: FieldType; nullable: boolean; values: fc.Arbitrary<Value> }>> = {
  id: { type: { kind: 'int64' }, nullable: false, values: fc.constantFrom(1n, 11n, 2n ** 62n) },
  part: { type: { kind: 'string' }, nullable: false, values: fc.constantFrom('2', '12', 'é|`\'\\') },
  small: { type: { kind: 'int32' }, nullable: true, values: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }) },
  big: { type: { kind: 'int64' }, nullable: true, values: fc.bigInt({ min: -(2n ** 56n), max: 2n ** 56n }) },
  amount: { type: { kind: 'float64' }, nullable: true, values: fc.double({ min: -1e6, max: 1e6, noNaN: true }) },
  price: { type: { kind: 'float64' }, nullable: false, values: fc.constantFrom(0, 0.1, 19.99, 1e9) },
  note: { type: { kind: 'string' }, nullable: true, values: fc.constantFrom('', 'a', 'Z', '\u{1F33E}', '\uFFFD', 'naïve') },
  kind: { type: { kind: 'enum', values: ['view', 'cart', 'buy'] }, nullable: false, values: fc.constantFrom('view', 'cart', 'buy') },
  flag: { type: { kind: 'bool' }, nullable: true, values: fc.boolean() },
  seenAt: { type: { kind: 'timestamp' }, nullable: true, values: fc.integer({ min: -5_000_000, max: 5_000_000 }).map((ms) => START + ms) },
  tags: { type: { kind: 'array', of: { kind: 'string' } }, nullable: false, values: fc.array(fc.constantFrom('x', 'y', ''), { maxLength: 3 }) },
};
const KEYS = ['id', 'part'] as const;

/** Half-second steps, so that ties and events exactly on a bound are common; sometimes a millisecond beside one. */
const instant = fc.tuple(fc.integer({ min: 0, max: 16 }), fc.constantFrom(0, 0, 0, 0, -1, 1)).map(([steps, off]) => START + steps * 500 + off);
const duration = fc.constantFrom(1, 2, 499, 500, 501, 1000, 2500, 60_000, 40 * 86_400_000);

const windowArbitrary: fc.Arbitrary<Window> = fc.record({
  sizeMs: duration,
  delayMs: fc.constantFrom(0, 0, 0, 1, 500, 1000),
  bounds: fc.constantFrom('[)', '(]', '[]', '()'),
  includeRequest: fc.constantFrom(false, false, true),
});

function literalOf(name: string): fc.Arbitrary<Literal> {
  const { type, values } = FIELDS[name]!;
  return values.map((value) => ({ kind: 'literal', type, value: typeof value === 'bigint' ? String(value) : (value as Literal['value']) }));
}

const comparison: fc.Arbitrary<Expression> = fc.constantFrom('id', 'part', 'small', 'big', 'amount', 'price', 'note', 'kind', 'flag', 'seenAt').chain((name) => {
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

const COLUMNS = {
  latest: ['small', 'big', 'amount', 'note', 'kind', 'flag', 'seenAt', 'tags'],
  sum: ['small', 'big', 'amount', 'price'],
  avg: ['small', 'big', 'amount', 'price', 'flag'],
  min: ['small', 'big', 'amount', 'note', 'seenAt', 'price'],
  max: ['small', 'big', 'amount', 'note', 'seenAt', 'price'],
  last: ['small', 'big', 'amount', 'note', 'flag', 'kind'],
} as const;

const aggregateArbitrary: fc.Arbitrary<{ type: FieldType; aggregate: Aggregate }> = fc
  .constantFrom('latest' as const, 'count' as const, 'sum' as const, 'avg' as const, 'min' as const, 'max' as const, 'last' as const)
  .chain((fn) => {
    const column = fn === 'count' ? fc.constant(null) : fc.constantFrom(...COLUMNS[fn]);
    return fc.record({ fn: fc.constant(fn), column, where: fc.option(where), window: windowArbitrary, hasDefault: fc.constantFrom(false, false, true) });
  })
  .map(({ fn, column, where, window, hasDefault }) => {
    const type = outputType(fn, column);
    const value: Literal['value'] | null = type.kind === 'int64' ? '7' : type.kind === 'float64' || type.kind === 'int32' ? 7 : null;
    const latest = fn === 'latest';
    return {
      type,
      aggregate: {
        fn,
        column,
        where: latest ? null : where,
        window: latest ? null : window,
        default: hasDefault && value !== null ? { kind: 'literal', type, value } : null,
      },
    };
  });

function outputType(fn: Aggregate['fn'], column: string | null): FieldType {
  if (fn === 'count') return { kind: 'int32' };
  if (fn === 'avg') return { kind: 'float64' };
  const type = FIELDS[column!]!.type;
  if (fn !== 'sum') return type;
  return { kind: type.kind === 'int32' || type.kind === 'int64' ? 'int64' : 'float64' };
}

const rowArbitrary: fc.Arbitrary<Record<string, Value | null>> = fc.record(
  Object.fromEntries(Object.entries(FIELDS).map(([name, { nullable, values }]) => [name, nullable ? fc.option(values, { freq: 3 }) : values])),
);

export const parityCase: fc.Arbitrary<ParityCase> = fc
  .record({
    composite: fc.boolean(),
    corrected: fc.boolean(),
    ttlMs: fc.option(fc.constantFrom(1, 500, 1000, 3000)),
    features: fc.array(aggregateArbitrary, { minLength: 1, maxLength: 8 }),
    events: fc.array(fc.record({ id: fc.integer({ min: 1, max: 20 }), time: instant, lag: fc.constantFrom(0, 0, 500, 1500, 4000), row: rowArbitrary }), { maxLength: 30 }),
    questions: fc.array(fc.record({ at: instant, request: rowArbitrary, own: fc.option(fc.nat({ max: 29 })) }), { minLength: 1, maxLength: 10 }),
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
      eventTime: 'at',
      knownAt: raw.corrected ? 'reportedAt' : null,
      file: null,
    };
    const features: Feature[] = raw.features.map((feature, i) => ({ name: `f${i}`, ...feature }));
    const view: VersionedView = { kind: 'featureView', name: 'facts', entity: 'thing', source: 'happenings', keyFields: [...keys], ttlMs: raw.ttlMs, features, version: '0123456789ab' };
    const events: OracleEvent[] = raw.events.map(({ id, time, lag, row }) => {
      const knownAt = raw.corrected ? time + lag : time;
      return { id: `event-${id}`, time, knownAt, row: { ...row, at: time, reportedAt: time + lag } };
    });
    const questions: Question[] = raw.questions.map(({ at, request, own }) => {
      const event = own === null || events.length === 0 ? undefined : events[own % events.length];
      // A question that is an event asks about it as it happened.
      const row = event === undefined ? { ...request, at, reportedAt: at } : event.row;
      return { key: keys.map((name) => row[name]!), at: event?.time ?? at, request: row, eventId: event?.id ?? '' };
    });
    return { entity, source, view, events, questions };
  });
