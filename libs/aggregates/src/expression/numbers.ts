import { isInteger } from '@granary/contracts';
import { binary, unary, type Builder, type Operand } from './operand.js';

const [LEAST, MOST] = [-(2n ** 63n), 2n ** 63n - 1n];

const finite = (x: number): number | null => (Number.isFinite(x) ? x : null);
const fits = (x: bigint): bigint | null => (x >= LEAST && x <= MOST ? x : null);

/** The argument as float64; int32, float32 and float64 are one kind of number already. */
export function asFloat<R>(operand: Operand<R>): Operand<R> {
  const { type, read } = operand;
  if (type.kind !== 'int64') return operand;
  return {
    type: { kind: 'float64' },
    read(row) {
      const value = read(row);
      return value === null ? null : Number(value);
    },
  };
}

/** The integer argument as int64. */
export function asInteger<R>(operand: Operand<R>): Operand<R> {
  const { type, read } = operand;
  if (type.kind === 'int64') return operand;
  return {
    type: { kind: 'int64' },
    read(row) {
      const value = read(row);
      return value === null ? null : BigInt(value as number);
    },
  };
}

/** Of integers the first, of anything with a float the second. */
function widest(integers: Builder, floats: Builder): Builder {
  return (args) => (args.every(({ type }) => isInteger(type)) ? integers(args.map(asInteger)) : floats(args.map(asFloat)));
}

const floats1 = (compute: (a: number) => number): Builder => unary((a: number) => finite(compute(a)));
const floats2 = (compute: (a: number, b: number) => number): Builder => binary((a: number, b: number) => finite(compute(a, b)));
const integers1 = (compute: (a: bigint) => bigint): Builder => unary((a: bigint) => fits(compute(a)));
const integers2 = (compute: (a: bigint, b: bigint) => bigint): Builder => binary((a: bigint, b: bigint) => fits(compute(a, b)));

const asFloats = (builder: Builder): Builder => (args) => builder(args.map(asFloat));
const float1 = (compute: (a: number) => number): Builder => asFloats(floats1(compute));

export const add = widest(integers2((a, b) => a + b), floats2((a, b) => a + b));
export const sub = widest(integers2((a, b) => a - b), floats2((a, b) => a - b));
export const mul = widest(integers2((a, b) => a * b), floats2((a, b) => a * b));
export const div = asFloats(floats2((a, b) => a / b));
// Not `%`: it is exact for great quotients, and ClickHouse has no such function.
export const mod = widest(binary((a: bigint, b: bigint) => (b === 0n ? null : a % b)), floats2((a, b) => a - Math.trunc(a / b) * b));
export const neg = widest(integers1((a) => -a), floats1((a) => -a));
export const abs = widest(integers1((a) => (a < 0n ? -a : a)), floats1(Math.abs));
export const least = widest(binary((a: bigint, b: bigint) => (a < b ? a : b)), floats2(Math.min));
export const greatest = widest(binary((a: bigint, b: bigint) => (a > b ? a : b)), floats2(Math.max));

/** The high bound wins over a low one above it. */
export const clamp: Builder = ([x, low, high]) => {
  const type = [x!, low!].every((operand) => isInteger(operand.type)) ? { kind: 'int64' as const } : { kind: 'float64' as const };
  return least([{ type, read: greatest([x!, low!]) }, high!]);
};

/** Zero for what is nearer to it than the least float64 that has all its digits. */
const normal = (x: number): number => (Math.abs(x) < 2 ** -1022 ? 0 : x);
export const pow = asFloats(floats2((a, b) => normal(normal(a) ** b)));
export const sqrt = float1(Math.sqrt);
export const exp = float1(Math.exp);
export const log = float1(Math.log);
export const log1p = float1(Math.log1p);
export const floor = float1(Math.floor);
export const ceil = float1(Math.ceil);
export const round = float1((x) => Math.floor(x + 0.5));

/** How many boundaries, which rise, are ≤ x; integers and floats compare by their exact values. */
export const bucketise: Builder = ([x, ...boundaries]) => {
  const read = x!.read;
  const rising = boundaries.map(({ constant }) => constant as number | bigint);
  return (row) => {
    const value = read(row);
    if (value === null) return null;
    let below = 0;
    while (below < rising.length && rising[below]! <= (value as number | bigint)) below++;
    return below;
  };
};
