import type { FieldType, SourceField, Value } from '@granary/contracts';
import type { EventPlace } from './event-place.js';
import type { EventColumns, FixedValues } from './event-schema.js';
import type { Totals } from './totals.js';

/** Events to be folded, and what of their columns has been put into another form on the way: once for all features. */
export interface Batch {
  readonly events: EventColumns;
  readonly numbers: (Float64Array | undefined)[];
  readonly words: (Int32Array | undefined)[];
  readonly masks: (Uint8Array | null | undefined)[];
  readonly totals: Totals[];
}

export function batchOf(events: EventColumns): Batch {
  return { events, numbers: [], words: [], masks: [], totals: [] };
}

/** A column of numbers as doubles, so that the loops over them meet one kind of array only. */
export function numbersOf(batch: Batch, column: number): Float64Array {
  const there = batch.numbers[column];
  if (there !== undefined) return there;
  const { count, columns } = batch.events;
  const { values, scratch } = columns[column]!;
  if (values instanceof Float64Array) return (batch.numbers[column] = values);
  const doubles = scratch ?? new Float64Array(count);
  if (values instanceof BigInt64Array) fillFromWords(doubles, wordsOf(batch, column), count);
  else fill(doubles, values as FixedValues, count);
  return (batch.numbers[column] = doubles);
}

/** A loop for each kind of array: one for all would meet many kinds, and be several times as slow. */
function fill(doubles: Float64Array, values: FixedValues, count: number): void {
  if (values instanceof Int32Array) for (let i = 0; i < count; i++) doubles[i] = values[i]!;
  else if (values instanceof Float32Array) for (let i = 0; i < count; i++) doubles[i] = values[i]!;
  else if (values instanceof Uint8Array) for (let i = 0; i < count; i++) doubles[i] = values[i]!;
  else for (let i = 0; i < count; i++) doubles[i] = Number(values[i]!);
}

/** An int64 column as pairs of its low and high 32 bits: reading a BigInt makes an object. Typed arrays are little-endian here. */
export function wordsOf(batch: Batch, column: number): Int32Array {
  const there = batch.words[column];
  if (there !== undefined) return there;
  const { buffer, byteOffset, length } = batch.events.columns[column]!.values as BigInt64Array;
  return (batch.words[column] = new Int32Array(buffer, byteOffset, 2 * length));
}

/** The high half and the low half are exact, and their sum rounds once, as Number(bigint) does. */
function fillFromWords(doubles: Float64Array, words: Int32Array, count: number): void {
  for (let i = 0; i < count; i++) doubles[i] = words[2 * i + 1]! * 4294967296 + (words[2 * i]! >>> 0);
}

/** Reads an event's value of a column, which must be there. */
export type ReadValue = (events: EventColumns, i: number) => Value;

export function valueReader({ type }: SourceField, column: number): ReadValue {
  const decode = decoderOf(type);
  return decode === null ? (events, i) => events.columns[column]!.values[i] as Value : (events, i) => decode((events.columns[column]!.values as FixedValues)[i] as number);
}

/** Null: values stand in their column as they are. */
function decoderOf(type: FieldType): ((stored: number) => Value) | null {
  if (type.kind === 'bool') return (stored) => stored === 1;
  return type.kind === 'enum' ? (position) => type.values[position]! : null;
}

/** Which events count, 1 or 0: those for which `where` is true, and whose value is not null. Null: all do. */
export function maskOf(batch: Batch, { where, column }: EventPlace): Uint8Array | null {
  const { conditions, columns } = batch.events;
  const answers = where === null ? null : conditions[where]!;
  const nulls = column === null ? null : columns[column]!.nulls;
  if (nulls === null) return answers;
  const key = column! * (conditions.length + 1) + (where === null ? 0 : where + 1);
  const there = batch.masks[key];
  return there === undefined ? (batch.masks[key] = withoutNulls(answers, nulls, batch.events.count)) : there;
}

function withoutNulls(answers: Uint8Array | null, nulls: Uint8Array, count: number): Uint8Array | null {
  let any = 0;
  for (let i = 0; i < count; i++) any |= nulls[i]!;
  if (any === 0) return answers;
  const mask = new Uint8Array(count);
  if (answers === null) for (let i = 0; i < count; i++) mask[i] = nulls[i]! ^ 1;
  else for (let i = 0; i < count; i++) mask[i] = answers[i]! & (nulls[i]! ^ 1);
  return mask;
}

/** Reads an event's value of a column, or null. */
export function valueOf(field: SourceField, column: number): (events: EventColumns, i: number) => Value | null {
  const read = valueReader(field, column);
  return (events, i) => (events.columns[column]!.nulls?.[i] === 1 ? null : read(events, i));
}
