import { isInteger, isNumeric, type FieldType, type Value } from '@granary/contracts';
import { compareValues } from '../compare.js';
import { asFloat, asInteger } from './numbers.js';
import { binary, type Builder, type Operand, type Read } from './operand.js';

/** Whether equal values of both types are identical in TypeScript too: int64 is bigint, other numbers are not. */
function alike(a: FieldType, b: FieldType): boolean {
  return !isNumeric(a) || (a.kind === 'int64') === (b.kind === 'int64');
}

const identical = (a: Value, b: Value): boolean => a === b;
const equal = (a: Value, b: Value): boolean => compareValues(a, b) === 0;
const equality = (a: FieldType, b: FieldType): ((a: Value, b: Value) => boolean) => (alike(a, b) ? identical : equal);

export const eq: Builder = (args) => binary(equality(args[0]!.type, args[1]!.type))(args);
export const ne: Builder = (args) => {
  const same = equality(args[0]!.type, args[1]!.type);
  return binary((a, b) => !same(a, b))(args);
};

/** By `texts` for strings, by `<` for all else. */
const ordered = (order: (difference: number) => boolean, compare: (a: Value, b: Value) => boolean): Builder => (args) =>
  binary(isText(args[0]!.type) ? (a, b) => order(compareValues(a, b)) : compare)(args);

const isText = ({ kind }: FieldType): boolean => kind === 'string' || kind === 'enum';

export const lt = ordered((difference) => difference < 0, (a, b) => a < b);
export const lte = ordered((difference) => difference <= 0, (a, b) => a <= b);
export const gt = ordered((difference) => difference > 0, (a, b) => a > b);
export const gte = ordered((difference) => difference >= 0, (a, b) => a >= b);

export const isNull: Builder = ([a]) => (row) => a!.read(row) === null;

export const not: Builder = ([a]) => (row) => {
  const value = a!.read(row);
  return value === null ? null : !value;
};

/** `decisive` if any argument is, else null if any is, else the other. */
const connective = (decisive: boolean): Builder => (args) => {
  const reads = args.map(({ read }) => read);
  return (row) => {
    let unknown = false;
    for (const read of reads) {
      const value = read(row);
      if (value === decisive) return decisive;
      if (value === null) unknown = true;
    }
    return unknown ? null : !decisive;
  };
};

export const and = connective(false);
export const or = connective(true);

/** As an `or` of `eq`, with the first argument read once. */
export const isIn: Builder = ([a, ...others]) => {
  const read = a!.read;
  const choices = others.map((other) => ({ read: other.read, same: equality(a!.type, other.type) }));
  return (row) => {
    const value = read(row);
    if (value === null) return null;
    let unknown = false;
    for (const choice of choices) {
      const other = choice.read(row);
      if (other === null) unknown = true;
      else if (choice.same(value, other)) return true;
    }
    return unknown ? null : false;
  };
};

/** The arguments in the one type that holds values of all of them. */
function united<R>(args: readonly Operand<R>[]): readonly Read<R>[] {
  const kinds = new Set(args.map(({ type }) => type.kind));
  const numbers = kinds.size > 1 && args.every(({ type }) => isNumeric(type));
  const convert = !numbers ? (arg: Operand<R>) => arg : args.every(({ type }) => isInteger(type)) ? asInteger<R> : asFloat<R>;
  return args.map((arg) => convert(arg).read);
}

export const choose: Builder = ([condition, ...branches]) => {
  const test = condition!.read;
  const [then, otherwise] = united(branches);
  return (row) => (test(row) === true ? then!(row) : otherwise!(row));
};

export const coalesce: Builder = (args) => {
  const reads = united(args);
  return (row) => {
    for (const read of reads) {
      const value = read(row);
      if (value !== null) return value;
    }
    return null;
  };
};

export const nullIf: Builder = ([a, b]) => {
  const same = equality(a!.type, b!.type);
  return (row) => {
    const value = a!.read(row);
    if (value === null) return null;
    const other = b!.read(row);
    return other !== null && same(value, other) ? null : value;
  };
};
