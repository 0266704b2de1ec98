import { eventColumns, type ColumnValues, type EventColumn, type EventColumns, type EventSchema, type FixedValues } from '@granary/aggregates';
import type { SourceField, Value } from '@granary/contracts';
import { corruptRow, withColumn } from '../elements.js';
import type { Memory } from '../memory-of.js';
import { variableCodec, type VariableCodec } from '../variable.js';
import { readFixed } from './read-fixed.js';

/** The events of a base, column by column: u32 n, then for each column n values; those of variable width as u32 end × n | bytes. */
export interface LogCodec {
  /** Throws INVALID_VALUE. */
  encode(log: EventColumns): Buffer;
  /** How many events the log that begins at `at` has. */
  count(view: DataView, at: number): number;
  /** Reads the log `[at, end)`. Throws ARTIFACT_CORRUPT. */
  decode(memory: Memory, at: number, end: number): EventColumns;
  /** As `decode`, without an allocation: the columns may have room for more than `count` events, and hold other ones after the next call. */
  peek(memory: Memory, at: number, end: number): EventColumns;
}

const COUNT_BYTES = 4;
// Room for so many events is kept from one `peek` to the next.
const MOST_KEPT = 16_384;
if (new Uint8Array(Uint16Array.of(1).buffer)[0] !== 1) throw new Error('the log of events is written as it lies: this needs a little-endian processor');

export function createLogCodec(schema: EventSchema): LogCodec {
  const columns = schema.columns.map((field) => ({ field, codec: variableCodec(field.type) }));
  const none = eventColumns(schema, 0);
  const instants = schema.knownAt ? 3 : 1;
  const flags = schema.conditions.length + schema.columns.filter(({ nullable }) => nullable).length;
  const perEvent = none.columns.reduce((sum, { values }) => sum + (Array.isArray(values) ? COUNT_BYTES : values.BYTES_PER_ELEMENT), 8 * instants + flags);
  let kept = none;
  let keptBytes: Uint8Array = new Uint8Array(0);

  function roomFor(count: number): EventColumns {
    if (count <= kept.count) return kept;
    const room = eventColumns(schema, Math.max(64, 2 ** Math.ceil(Math.log2(count))));
    if (room.count > MOST_KEPT) return room;
    keptBytes = new Uint8Array(room.times.buffer);
    return (kept = { ...room, columns: room.columns.map((column) => ({ ...column, scratch: new Float64Array(room.count) })) });
  }

  function peek(memory: Memory, start: number, end: number): EventColumns {
    const { view } = memory;
    const count = view.getUint32(start, true);
    let at = start + COUNT_BYTES;
    // A damaged count must not become a request for memory: what is needed is in the bytes.
    if (count * perEvent > end - at) throw corruptRow(`its log of ${count} events is longer than it`);
    if (count === 0) {
      if (at !== end) throw corruptRow('it goes on after its log');
      return none;
    }
    const room = roomFor(count);
    // All its arrays are in one piece of memory.
    const target = room === kept ? keptBytes : new Uint8Array(room.times.buffer);
    const fixed = (values: FixedValues): void => {
      if (at + count * values.BYTES_PER_ELEMENT > end) throw corruptRow(`its log of ${count} events is longer than it`);
      at = readFixed(memory, at, count, values, target);
    };
    fixed(room.times);
    if (room.known !== null) fixed(room.known);
    if (room.until !== null) fixed(room.until);
    for (let i = 0; i < room.conditions.length; i++) fixed(room.conditions[i]!);
    let values: EventColumn[] | null = null;
    for (let i = 0; i < columns.length; i++) {
      const column = room.columns[i]!;
      const { codec } = columns[i]!;
      if (column.nulls !== null) fixed(column.nulls);
      if (codec === null) {
        fixed(column.values as FixedValues);
      } else {
        values ??= [...room.columns];
        const read = readVariable(codec, memory, at, end, count, column.nulls);
        values[i] = { nulls: column.nulls, values: read.values };
        at = read.end;
      }
    }
    if (at !== end) throw corruptRow('it goes on after its log');
    return { count, times: room.times, known: room.known, until: room.until, conditions: room.conditions, columns: values ?? room.columns };
  }

  return {
    encode(log) {
      const head = Buffer.alloc(COUNT_BYTES);
      head.writeUInt32LE(log.count);
      if (log.count === 0) return head;
      const instants = schema.knownAt ? [log.times, log.known!, log.until!] : [log.times];
      const parts = [head, ...instants.map(bytesOf), ...log.conditions.map(bytesOf)];
      log.columns.forEach(({ nulls, values }, i) => {
        const { field, codec } = columns[i]!;
        if (nulls !== null) parts.push(bytesOf(nulls));
        if (codec !== null) parts.push(...encodeVariable(field, codec, values as (Value | null)[], nulls));
        else parts.push(nulls === null ? bytesOf(values as FixedValues) : zeroed(values as FixedValues, nulls));
      });
      return Buffer.concat(parts);
    },

    count: (view, at) => view.getUint32(at, true),
    peek,
    decode: (memory, at, end) => owned(peek(memory, at, end)),
  };
}

/** The same events in memory of their own. */
function owned({ count, times, known, until, conditions, columns }: EventColumns): EventColumns {
  return {
    count,
    times: times.slice(0, count),
    known: known?.slice(0, count) ?? null,
    until: until?.slice(0, count) ?? null,
    conditions: conditions.map((condition) => condition.slice(0, count)),
    columns: columns.map(({ nulls, values }) => ({ nulls: nulls?.slice(0, count) ?? null, values: values.slice(0, count) })),
  };
}

function readVariable(codec: VariableCodec, { bytes, view }: Memory, at: number, end: number, count: number, nulls: Uint8Array | null): { readonly values: (Value | null)[]; readonly end: number } {
  const heap = at + COUNT_BYTES * count;
  const limit = heap > end ? Infinity : heap + view.getUint32(heap - COUNT_BYTES, true);
  if (limit > end) throw corruptRow(`its log of ${count} events is longer than it`);
  const values = new Array<Value | null>(count).fill(null);
  let from = heap;
  for (let i = 0; i < count; i++) {
    const to = heap + view.getUint32(at + COUNT_BYTES * i, true);
    if (to < from || to > limit) throw corruptRow('a value of its log lies outside of it');
    if (nulls === null || nulls[i] === 0) values[i] = codec.decode(bytes, view, from, to);
    from = to;
  }
  return { values, end: limit };
}

function encodeVariable(field: SourceField, codec: VariableCodec, values: ColumnValues & (Value | null)[], nulls: Uint8Array | null): Buffer[] {
  const ends = Buffer.alloc(COUNT_BYTES * values.length);
  let end = 0;
  const heap = values.map((value, i) => {
    const bytes = nulls?.[i] === 1 ? Buffer.alloc(0) : withColumn(field.name, () => codec.encode(value));
    ends.writeUInt32LE((end += bytes.length), COUNT_BYTES * i);
    return bytes;
  });
  return [ends, ...heap];
}

/** What stands where a value is null means nothing: it must not make a difference in the bytes either. */
function zeroed(values: FixedValues, nulls: Uint8Array): Buffer {
  const width = values.BYTES_PER_ELEMENT;
  const bytes = Buffer.from(bytesOf(values));
  nulls.forEach((isNull, i) => {
    if (isNull === 1) bytes.fill(0, i * width, (i + 1) * width);
  });
  return bytes;
}

function bytesOf(values: FixedValues): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}
