import { clickhouseType, type ElementType, type FieldType, type StatementParam } from '@granary/contracts';
import { fixedCodec } from '../elements.js';

/** Collects the values that a statement is given. */
export class SqlParams {
  readonly params: Record<string, StatementParam> = {};
  #names = 0;

  /** `{name:Type}`. */
  bind(type: string, value: StatementParam): string {
    const name = `base${this.#names++}`;
    this.params[name] = value;
    return `{${name}:${type}}`;
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

/**
 * SQL of the bytes of an array's numbers, one after the other; `number` is SQL over `x`. Each is made a String by `concat`:
 * any other way from FixedString to String cuts zero bytes off.
 */
export function eachNumber(numbers: string, number: string): string {
  return `arrayStringConcat(arrayMap(x -> concat(${bytesOf(number)}, ''), ${numbers}))`;
}

export function uint32(number: string): string {
  return bytesOf(`toUInt32(${number})`);
}

/** SQL of the bytes of an array's fixed values, one after the other, as `fixedCodec` writes each; null as zeros. */
export function eachFixed(params: SqlParams, type: FieldType, values: string, nullable: boolean): string {
  return eachNumber(values, numberOf(params, type, 'x', nullable));
}

/** SQL of the number whose bytes stand for a value. */
function numberOf(params: SqlParams, type: FieldType, value: string, nullable: boolean): string {
  const there = (number: string): string => (nullable ? `ifNull(${number}, 0)` : number);
  switch (type.kind) {
    case 'bool':
      return there(`toUInt8(${value})`);
    case 'timestamp':
      return there(`toFloat64(toUnixTimestamp64Milli(${value}))`);
    case 'enum': {
      const values = params.bind('Array(String)', type.values);
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
export function heapTexts(params: SqlParams, type: FieldType, values: string, nullable: boolean): string {
  if (type.kind === 'string') return nullable ? `arrayMap(v -> ifNull(v, ''), ${values})` : values;
  return `arrayMap(v -> ${heapBytes(params, type, 'v')}, ${values})`;
}

function heapBytes(params: SqlParams, type: FieldType, value: string): string {
  if (type.kind === 'array') return arrayBytes(params, type.of, value);
  if (type.kind !== 'map') throw new Error(`${type.kind} is no type with elements`);
  const sorted = `mapSort(${value})`;
  const keys = textArrayBytes(`mapKeys(${sorted})`);
  return `concat(${uint32(`length(${keys})`)}, ${keys}, ${arrayBytes(params, type.of, `mapValues(${sorted})`)})`;
}

function arrayBytes(params: SqlParams, of: ElementType, value: string): string {
  return isFixed(of) ? eachFixed(params, of, value, false) : textArrayBytes(value);
}

function textArrayBytes(texts: string): string {
  return `concat(${uint32(`length(${texts})`)}, ${endsOf(texts)}, arrayStringConcat(${texts}))`;
}

/** SQL of where each of several texts ends, as uint32 each. */
export function endsOf(texts: string): string {
  return eachNumber(`arrayCumSum(arrayMap(x -> length(x), ${texts}))`, 'toUInt32(x)');
}
