import { isInteger, type ExpressionFunction, type FieldType } from '@granary/contracts';
import type { Emitter } from '../emit.js';
import { asFloat, asInteger, operand, repeatable, strict, widened, type Sql } from './sql.js';

/** What is not said is a call, and null where an argument is. */
type Emitted = Pick<Sql, 'sql'> & Partial<Pick<Sql, 'nullable' | 'form'>>;
interface Context {
  readonly emitter: Emitter;
  /** Of the result. */
  readonly type: FieldType;
}
type Emit = (args: readonly Sql[], context: Context) => Emitted;

const infix = (operator: string): Emit => ([a, b]) => ({ sql: `${operand(a!)} ${operator} ${operand(b!)}`, form: 'infix' });
const connective = (operator: string): Emit => (args) => ({ sql: `(${args.map(({ sql }) => sql).join(` ${operator} `)})` });
const call = (name: string): Emit => (args) => ({ sql: `${name}(${args.map(({ sql }) => sql).join(', ')})` });

/** NaN and infinity become null. */
const finite = (sql: string): Emitted => ({ sql: `ifNotFinite(${sql}, NULL)`, nullable: true });
const floats = (sql: (...args: string[]) => string): Emit => (args) => ({ sql: sql(...args.map((arg) => operand(asFloat(arg)))) });
const finiteFloats = (sql: (...args: string[]) => string): Emit => (args) => finite(sql(...args.map((arg) => operand(asFloat(arg)))));

/** Integers by `integers`, anything with a float by `others`. */
const widest = (integers: Emit, others: Emit): Emit => (args, context) => (isInteger(context.type) ? integers(args, context) : others(args, context));

/**
 * What `sql` makes of two int32 fits into int64. Other integers are computed as Int128, which no sum, product or negation
 * of int64 leaves, and are null beyond int64.
 */
const integers = (sql: (...args: string[]) => string): Emit => (args) => {
  if (args.every(({ type }) => type.kind === 'int32')) return { sql: `toInt64(${sql(...args.map((arg) => `toInt64(${arg.sql})`))})` };
  return { sql: `accurateCastOrNull(${sql(...args.map((arg) => `toInt128(${arg.sql})`))}, 'Int64')`, nullable: true };
};
const plain = (operator: string) => (a: string, b: string): string => `${a} ${operator} ${b}`;
const arithmetic = (operator: string): Emit => widest(integers(plain(operator)), finiteFloats(plain(operator)));

/**
 * Neither a zero nor a −1 may reach ClickHouse's own modulo: it throws at the one, and of the least int64 at the other. By the least
 * int64 as a constant it throws always, unless what it divides is wider.
 */
const integerModulo: Emit = ([a, b], { emitter }) => {
  const divisor: Sql = { ...asInteger(b!), sql: b!.nullable ? `ifNull(${asInteger(b!).sql}, 0)` : asInteger(b!).sql, form: b!.form === 'atom' && !b!.nullable ? 'atom' : 'call' };
  return { sql: repeatable(emitter, [divisor], ([by]) => `if(${by!.sql} = 0, NULL, toInt64(toInt128(${a!.sql}) % if(${by!.sql} IN (0, -1), 1, ${by!.sql})))`), nullable: true };
};

/** By its formula: ClickHouse's modulo computes the same, but leaves it to the machine how it is rounded. */
const floatModulo: Emit = (args, { emitter }) =>
  finite(repeatable(emitter, args.map(asFloat), ([a, b]) => `${a!.sql} - trunc(${a!.sql} / ${b!.sql}) * ${b!.sql}`));

/** ClickHouse's pow gives any number where a base or a result is beyond float64, or so near to 0 that it has fewer digits. */
const pow: Emit = (args, { emitter }) => {
  const [base, power] = args.map(asFloat) as [Sql, Sql];
  const normal: Sql = { ...base, sql: repeatable(emitter, [base], ([x]) => `if(abs(${x!.sql}) < 2.2250738585072014e-308, 0, ${x!.sql})`), form: 'call' };
  return finite(
    repeatable(emitter, [normal, power], (values) => {
      const [x, y] = values.map(({ sql }) => sql);
      const exponent = `${y} * log2(abs(${x}))`;
      return `if(${x} < 0 AND ${y} != trunc(${y}) OR ${exponent} > 1024, NULL, if(${exponent} < -1022, 0, pow(${x}, ${y})))`;
    }),
  );
};

/** ClickHouse's least and greatest pass over nulls. */
const extreme = (sql: (...args: string[]) => string): Emit => (args, { emitter, type }) => ({
  sql: strict(emitter, args.map((arg) => widened(arg, type)), (values) => sql(...values.map((value) => value.sql))),
});

const isAnyOf: Emit = ([first, ...others], { emitter }) => {
  // IN compares the bytes of floats: to it -0 is not 0.
  const exact = first!.type.kind !== 'float32' && first!.type.kind !== 'float64';
  const list = exact && others.every(({ type, nullable, form }) => form === 'atom' && !nullable && type.kind === first!.type.kind);
  if (list) return { sql: `${operand(first!)} IN (${others.map(({ sql }) => sql).join(', ')})`, form: 'infix' };
  return { sql: repeatable(emitter, [first!], ([one]) => `(${others.map((other) => `${operand(one!)} = ${operand(other)}`).join(' OR ')})`) };
};

const bucketise: Emit = ([x, ...boundaries], { emitter }) => ({
  sql: `toInt32(${repeatable(emitter, [x!], ([value]) => boundaries.map(({ sql }) => `(${sql} <= ${value!.sql})`).join(' + '))})`,
});

const wallClock = (name: string): Emit => ([time, zone]) => ({ sql: `toInt32(${name}(${time!.sql}, ${zone!.sql}))` });
const epochMs = ({ sql }: Sql): string => `toUnixTimestamp64Milli(${sql})`;

/** As `haversineKm` of @granary/aggregates; ClickHouse's own greatCircleDistance is approximate. */
const haversineKm: Emit = (args, { emitter }) =>
  finite(
    repeatable(emitter, args.map(asFloat), ([lat1, lon1, lat2, lon2]) => {
      const half = (sql: string): Sql => ({ sql: `(${sql}) * (pi() / 360)`, type: { kind: 'float64' }, nullable: true, form: 'call' });
      const halves = [half(`${lat2!.sql} - ${lat1!.sql}`), half(`${lon2!.sql} - ${lon1!.sql}`), half(`${lat1!.sql} + ${lat2!.sql}`)];
      return repeatable(emitter, halves, ([u, v, m]) => {
        const [cosV, sinV] = [`cos(${v!.sql})`, `sin(${v!.sql})`];
        return `2 * 6371.0088 * atan2(hypot(sin(${u!.sql}) * ${cosV}, cos(${m!.sql}) * ${sinV}), hypot(cos(${u!.sql}) * ${cosV}, sin(${m!.sql}) * ${sinV}))`;
      });
    }),
  );

export const FUNCTIONS: Readonly<Record<ExpressionFunction, Emit>> = {
  eq: infix('='),
  ne: infix('!='),
  lt: infix('<'),
  lte: infix('<='),
  gt: infix('>'),
  gte: infix('>='),
  in: isAnyOf,
  isNull: ([a]) => ({ sql: `${operand(a!)} IS NULL`, nullable: false, form: 'infix' }),
  and: connective('AND'),
  or: connective('OR'),
  not: ([a]) => ({ sql: `NOT ${a!.sql}`, form: 'infix' }),
  add: arithmetic('+'),
  sub: arithmetic('-'),
  mul: arithmetic('*'),
  div: finiteFloats(plain('/')),
  mod: widest(integerModulo, floatModulo),
  neg: widest(integers((a) => `negate(${a})`), floats((a) => `negate(${a})`)),
  abs: widest(integers((a) => `abs(${a})`), floats((a) => `abs(${a})`)),
  least: extreme((a, b) => `least(${a}, ${b})`),
  greatest: extreme((a, b) => `greatest(${a}, ${b})`),
  clamp: extreme((x, low, high) => `least(greatest(${x}, ${low}), ${high})`),
  pow,
  sqrt: finiteFloats((a) => `sqrt(${a})`),
  exp: finiteFloats((a) => `exp(${a})`),
  log: finiteFloats((a) => `log(${a})`),
  log1p: finiteFloats((a) => `log1p(${a})`),
  floor: floats((a) => `floor(${a})`),
  ceil: floats((a) => `ceil(${a})`),
  round: floats((a) => `floor(${a} + 0.5)`),
  if: ([condition, ...branches], { type }) => {
    const [then, otherwise] = branches.map((branch) => widened(branch, type));
    return { sql: `if(${condition!.sql}, ${then!.sql}, ${otherwise!.sql})`, nullable: then!.nullable || otherwise!.nullable };
  },
  coalesce: (args, { type }) => ({ sql: `coalesce(${args.map((arg) => widened(arg, type).sql).join(', ')})`, nullable: args.every(({ nullable }) => nullable) }),
  nullIf: ([a, b]) => ({ sql: `nullIf(${a!.sql}, ${b!.sql})`, nullable: true }),
  toFloat: ([a]) => ({ sql: `toFloat64(${a!.type.kind === 'timestamp' ? epochMs(a!) : a!.sql})` }),
  toText: ([a]) => ({ sql: `toString(${a!.type.kind === 'bool' ? `toBool(${a!.sql})` : a!.sql})` }),
  lower: call('lower'),
  upper: call('upper'),
  trim: call('trimBoth'),
  length: ([a]) => ({ sql: `toInt32(lengthUTF8(${a!.sql}))` }),
  concat: call('concat'),
  contains: ([text, part]) => ({ sql: `position(${text!.sql}, ${part!.sql}) > 0`, form: 'infix' }),
  startsWith: call('startsWith'),
  endsWith: call('endsWith'),
  year: wallClock('toYear'),
  month: wallClock('toMonth'),
  dayOfMonth: wallClock('toDayOfMonth'),
  dayOfWeek: ([time, zone]) => ({ sql: `toInt32(toDayOfWeek(${time!.sql}, 0, ${zone!.sql}))` }),
  hour: wallClock('toHour'),
  minute: wallClock('toMinute'),
  msBetween: ([later, earlier]) => ({ sql: `toFloat64(${epochMs(later!)} - ${epochMs(earlier!)})` }),
  bucketise,
  hashBucket: ([value, buckets], context) => ({ sql: `toInt32(murmurHash3_32(${FUNCTIONS.toText([value!], context).sql}) % ${buckets!.sql})` }),
  haversineKm,
};
