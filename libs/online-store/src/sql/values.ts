import { clickhouseType, type ElementType, type FieldType, type StatementParam } from '@granary/contracts';
import { fixedCodec } from '../elements.js';

/** Writes the SQL of bytes, and collects the values that its statement is given. */
export class BytesSql {
  readonly params: Record<string, StatementParam> = {};
  readonly #reinterpretsArrays: boolean;
  #names = 0;

  /** Whether the engine gives an array's bytes at once (`reinterpret`, since ClickHouse 26.7): several times faster than one by one. */
  constructor(reinterpretsArrays: boolean) {
    this.#reinterpretsArrays = reinterpretsArrays;
  }

  /** `{name:Type}`. */
  bind(type: string, value: StatementParam): string {
    const name = `base${this.#names++}`;
    this.params[name] = value;
    return `{${name}:${type}}`;
  }

  /** SQL of the bytes of an array's numbers, one after the other; `number` is SQL over `x`. */
  eachNumber(numbers: string, number: string): string {
    if (this.#reinterpretsArrays) return `reinterpret(${number === 'x' ? numbers : `arrayMap(x -> ${number}, ${numbers})`}, 'String')`;
    // Each is made a String by `concat`: any other way from FixedString to String cuts zero bytes off.
    return `arrayStringConcat(arrayMap(x -> concat(${bytesOf(number)}, ''), ${numbers}))`;
  }
}

/** Whether values of the type have a width of their own; the others lie in a heap. */
export function isFixed(type: FieldType): boolean {
  return type.kind !== 'array' && type.kind !== 'map' && fixedCodec(type) !== null;
}

/** Bytes of each value of a fixed type. */
export function widthOf(type: FieldType): number {
  const codec = type.kind === 'array' || type.kind === 'map' ? null : fixedCodec(type);
  if (codec === null) throw new Error(`${type.kind} has no width`);
  return codec.width;
}

/** SQL of a number's bytes, little-endian. A FixedString: reinterpretAsString would cut zero bytes off. */
export function bytesOf(number: string): string {
  return `reinterpretAsFixedString(${number})`;
}

export function uint32(number: string): string {
  return bytesOf(`toUInt32(${number})`);
}

/** SQL of the bytes of an array's fixed values, one after the other, as `fixedCodec` writes each; null as zeros. */
export function eachFixed(sql: BytesSql, type: FieldType, values: string, nullable: boolean): string {
  return sql.eachNumber(values, numberOf(sql, type, 'x', nullable));
}

/** SQL of the number whose bytes stand for a value. */
function numberOf(sql: BytesSql, type: FieldType, value: string, nullable: boolean): string {
  const there = (number: string): string => (nullable ? `ifNull(${number}, 0)` : number);
  switch (type.kind) {
    case 'bool':
      return there(`toUInt8(${value})`);
    case 'timestamp':
      return there(`toFloat64(toUnixTimestamp64Milli(${value}))`);
    case 'enum': {
      const values = sql.bind('Array(String)', type.values);
      const position = `indexOf(${values}, ${nullable ? `ifNull(${value}, ${values}[1])` : value})`;
      return `toUInt16(${position} - 1 + throwIf(${position} = 0, '${UNKNOWN_ENUM_VALUE}'))`;
    }
    default:
      return there(`to${clickhouseType(type)}(${value})`);
  }
}

/** What a statement fails with that meets an enum's value which is not declared. */
export const UNKNOWN_ENUM_VALUE = 'a value is none of those that its enum declares';

/** SQL of an array of heap values' bytes, as `variableCodec` writes each; of a null none. */
export function heapTexts(sql: BytesSql, type: FieldType, values: string, nullable: boolean): string {
  if (type.kind === 'string') return nullable ? `arrayMap(v -> ifNull(v, ''), ${values})` : values;
  return `arrayMap(v -> ${heapBytes(sql, type, 'v')}, ${values})`;
}

function heapBytes(sql: BytesSql, type: FieldType, value: string): string {
  if (type.kind === 'array') return arrayBytes(sql, type.of, value);
  if (type.kind !== 'map') throw new Error(`${type.kind} is no type with elements`);
  const sorted = `mapSort(${value})`;
  const keys = textArrayBytes(sql, `mapKeys(${sorted})`);
  return `concat(${uint32(`length(${keys})`)}, ${keys}, ${arrayBytes(sql, type.of, `mapValues(${sorted})`)})`;
}

function arrayBytes(sql: BytesSql, of: ElementType, value: string): string {
  return isFixed(of) ? eachFixed(sql, of, value, false) : textArrayBytes(sql, value);
}

function textArrayBytes(sql: BytesSql, texts: string): string {
  return `concat(${uint32(`length(${texts})`)}, ${endsOf(sql, texts)}, arrayStringConcat(${texts}))`;
}

/** SQL of where each of several texts ends, as uint32 each. */
export function endsOf(sql: BytesSql, texts: string): string {
  return sql.eachNumber(`arrayCumSum(arrayMap(x -> length(x), ${texts}))`, 'toUInt32(x)');
}
