import type { Expression, ExpressionFunction, FieldType, Literal, Value } from '@granary/contracts';
import * as fc from 'fast-check';

/** Random expressions, and rows to compute each of them over. */
export interface ExpressionCase {
  readonly expressions: readonly Expression[];
  readonly rows: readonly Readonly<Record<string, Value | null>>[];
}

type Fn = ExpressionFunction;
/** What an expression gives; `number` is an integer or a float. */
type Kind = 'bool' | 'integer' | 'number' | 'text' | 'time';
type Trees = fc.Arbitrary<Expression>;

const DST = ['2024-03-10T07:00Z', '2024-11-03T06:00Z', '2024-03-31T01:00Z', '2024-10-27T01:00Z', '2024-04-06T15:00Z', '2011-12-30T10:00Z', '2200-07-01T00:00Z', '1970-01-01T00:00Z', '1901-05-05T12:34Z', '2299-12-30T23:59Z'];
const ZONES = ['UTC', 'America/New_York', 'Europe/Berlin', 'Asia/Kolkata', 'Australia/Lord_Howe', 'Pacific/Apia', 'America/Sao_Paulo', 'Asia/Kathmandu', 'Africa/Casablanca'];

const int32 = fc.oneof(fc.integer({ min: -5, max: 5 }), fc.constantFrom(-(2 ** 31), 2 ** 31 - 1, 65_536));
const int64 = fc.oneof(fc.bigInt({ min: -5n, max: 5n }), fc.constantFrom(-(2n ** 63n), 2n ** 63n - 1n, 2n ** 53n + 1n, 2n ** 62n, -(2n ** 53n) - 1n), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }));
const double = fc.oneof(
  fc.constantFrom(0, -0, 0.5, -0.5, 1, -1, 2.5, 0.1, 1e308, -1e308, 5e-324, 2.2e-308, 2 ** 53, 2 ** 63, -(2 ** 63), 0.49999999999999994, 52.52, -33.87, 179.9),
  fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e4, max: 1e4 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);
const float = double.map((x) => Math.fround(Math.abs(x) > 3e38 ? 3e38 : x));
const string = fc.oneof(fc.constantFrom('', ' ', ' a ', 'a', 'A', 'aB', 'ÀÉß', '\u{1F33E}', '\uFFFD', "it's\\\t\n", '42', 'true'), fc.string({ unit: 'grapheme', maxLength: 9 }));
const instant = fc.oneof(
  fc.tuple(fc.constantFrom(...DST), fc.constantFrom(-1, 0, 1, 1_800_000)).map(([at, off]) => Date.parse(at) + off),
  fc.integer({ min: Date.UTC(1970, 0, 1), max: Date.UTC(2200, 0, 1) }),
);

/** Each with how its values are made. */
const TYPES: Readonly<Record<string, { readonly type: FieldType; readonly values: fc.Arbitrary<Value>; readonly kind: Kind }>> = {
  b: { type: { kind: 'bool' }, values: fc.boolean(), kind: 'bool' },
  i: { type: { kind: 'int32' }, values: int32, kind: 'integer' },
  l: { type: { kind: 'int64' }, values: int64, kind: 'integer' },
  f: { type: { kind: 'float32' }, values: float, kind: 'number' },
  d: { type: { kind: 'float64' }, values: double, kind: 'number' },
  s: { type: { kind: 'string' }, values: string, kind: 'text' },
  e: { type: { kind: 'enum', values: ['a', 'B', 'é'] }, values: fc.constantFrom('a', 'B', 'é'), kind: 'text' },
  t: { type: { kind: 'timestamp' }, values: instant, kind: 'time' },
};

/** Of each type a field that may be null, and one that may not. */
export const EXPRESSION_FIELDS = Object.entries(TYPES).flatMap(([name, { type, values, kind }]) => [
  { name, type, nullable: true, kind, values: fc.option(values, { freq: 4 }) },
  { name: `${name}1`, type, nullable: false, kind, values },
]);

/** Whose results agree to 1e-9 relative only: no exact answer may hang on them. */
const APPROXIMATE: readonly Fn[] = ['pow', 'exp', 'log', 'log1p', 'haversineKm'];

export function isApproximate(expression: Expression): boolean {
  return expression.kind === 'call' && (APPROXIMATE.includes(expression.fn) || expression.args.some(isApproximate));
}

const call = (fn: Fn, ...args: readonly Expression[]): Expression => ({ kind: 'call', fn, args });
const literal = (type: FieldType, value: Value): Literal => ({ kind: 'literal', type, value: typeof value === 'bigint' ? String(value) : (value as Literal['value']) });

const isA = (kind: Kind) => (each: { readonly kind: Kind }): boolean => each.kind === kind || (kind === 'number' && each.kind === 'integer');

function leaf(kind: Kind): Trees {
  const fields = EXPRESSION_FIELDS.filter(isA(kind)).map(({ name }): Expression => ({ kind: 'field', name }));
  const literals = Object.values(TYPES).filter(isA(kind)).map(({ type, values }) => values.map((value): Expression => literal(type, value)));
  return fc.oneof({ weight: 3, arbitrary: fc.constantFrom(...fields) }, { weight: 1, arbitrary: fc.oneof(...literals) });
}

/** One of the functions, over arguments of the kinds given. */
const calls = (fns: readonly Fn[], ...args: readonly Trees[]): Trees => fc.tuple(fc.constantFrom(...fns), fc.tuple(...args)).map(([fn, each]) => call(fn, ...each));
const several = (fn: Fn, args: Trees, least: number): Trees => fc.array(args, { minLength: least, maxLength: least + 1 }).map((each) => call(fn, ...each));

const known = new Map<string, Trees>();

/** Expressions of a kind; `exact` ones give the same to the last bit. */
function tree(kind: Kind, depth: number, exact: boolean): Trees {
  const id = `${kind} ${depth} ${exact}`;
  let made = known.get(id);
  if (made === undefined) {
    made = depth === 0 ? leaf(kind) : fc.oneof({ withCrossShrink: true }, leaf(kind), ...branches(kind, depth - 1, exact).map((arbitrary) => ({ weight: 2, arbitrary })));
    known.set(id, made);
  }
  return made;
}

function branches(kind: Kind, depth: number, exact: boolean): readonly Trees[] {
  const [bool, integer, number, text, time] = (['bool', 'integer', 'number', 'text', 'time'] as const).map((each) => tree(each, depth, true)) as [Trees, Trees, Trees, Trees, Trees];
  const same = tree(kind, depth, exact);
  const shared = [calls(['if'], bool, same, same), several('coalesce', same, 2), calls(['nullIf'], tree(kind, depth, true), tree(kind, depth, true))];
  switch (kind) {
    case 'bool':
      return [
        ...shared,
        ...[number, text.filter(isPlainText), time].map((of) => calls(['lt', 'lte', 'gt', 'gte'], of, of)),
        ...[number, text, time, bool].flatMap((of) => [calls(['eq', 'ne'], of, of), several('in', of, 2)]),
        ...[number, text, time, bool].map((of) => calls(['isNull'], of)),
        several('and', bool, 2),
        several('or', bool, 2),
        calls(['not'], bool),
        calls(['contains', 'startsWith', 'endsWith'], text, text),
      ];
    case 'integer':
      return [
        ...shared,
        calls(['add', 'sub', 'mul', 'mod', 'least', 'greatest'], integer, integer),
        calls(['neg', 'abs'], integer),
        calls(['clamp'], integer, integer, integer),
        calls(['length'], text),
        calls(['year', 'month', 'dayOfMonth', 'dayOfWeek', 'hour', 'minute'], time, fc.constantFrom(...ZONES).map((zone) => literal({ kind: 'string' }, zone))),
        fc.tuple(number, fc.uniqueArray(fc.integer({ min: -20, max: 20 }), { minLength: 1, maxLength: 4 })).map(([x, bounds]) => call('bucketise', x, ...bounds.sort((a, b) => a - b).map((bound) => literal({ kind: 'float64' }, bound / 2)))),
        fc.tuple(fc.oneof(integer, text, bool), fc.constantFrom(1, 2, 7, 1024, 2 ** 31 - 1)).map(([x, n]) => call('hashBucket', x, literal({ kind: 'int32' }, n))),
      ];
    case 'number':
      return [
        ...shared,
        integer,
        calls(['add', 'sub', 'mod'], number, number),
        calls(['mul', 'div', 'least', 'greatest'], same, same),
        calls(['neg', 'abs', 'sqrt'], same),
        calls(['clamp'], same, same, same),
        calls(['floor', 'ceil', 'round'], number),
        calls(['toFloat'], fc.oneof(number, bool, time)),
        calls(['msBetween'], time, time),
        ...(exact ? [] : [calls(['exp', 'log', 'log1p'], number), calls(['pow'], number, number), calls(['haversineKm'], number, number, number, number)]),
      ];
    case 'text':
      return [...shared, calls(['toText'], fc.oneof(integer, bool, text)), calls(['lower', 'upper', 'trim'], text), several('concat', text, 2)];
    case 'time':
      return shared;
  }
}

/** Enums have no order. */
function isPlainText(expression: Expression): boolean {
  if (expression.kind === 'call') return !['if', 'coalesce', 'nullIf'].includes(expression.fn) || expression.args.every(isPlainText);
  return expression.kind === 'literal' ? expression.type.kind !== 'enum' : !expression.name.startsWith('e');
}

/** Random expressions over `EXPRESSION_FIELDS`. */
export const expressionTree = fc.oneof(...(['bool', 'integer', 'number', 'text', 'time'] as const).map((kind) => ({ weight: kind === 'number' ? 4 : kind === 'time' ? 1 : 2, arbitrary: tree(kind, 4, false) })));
const row = fc.record(Object.fromEntries(EXPRESSION_FIELDS.map(({ name, values }) => [name, values]))) as fc.Arbitrary<Readonly<Record<string, Value | null>>>;

/** Many expressions over many rows: one statement computes them all. ClickHouse takes its time for an expression, none for a row. */
export const expressionCase: fc.Arbitrary<ExpressionCase> = fc.record({
  expressions: fc.array(expressionTree, { minLength: 1, maxLength: 40, size: 'max' }),
  // Fewer rows would show nothing more: a mismatch names the fields that its expression read.
  rows: fc.noShrink(fc.array(row, { minLength: 60, maxLength: 60 })).map((rows) => Object.assign(rows, { [fc.toStringMethod]: () => `${rows.length} rows` })),
});
