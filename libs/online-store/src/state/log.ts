import { columnValues, eventColumns, type ColumnValues, type EventColumn, type EventColumns, type EventSchema, type FixedValues } from '@granary/aggregates';
import type { SourceField, Value } from '@granary/contracts';
import { corruptRow, withColumn } from '../elements.js';
import { variableCodec, type VariableCodec } from '../variable.js';

/** The events of a base, column by column: u32 n, then for each column n values; those of variable width as u32 end × n | bytes. */
export interface LogCodec {
  /** Throws INVALID_VALUE. */
  encode(log: EventColumns): Buffer;
  /** How many events the log that begins at `at` has. */
  count(view: DataView, at: number): number;
  /** Reads the log `[at, end)`. Throws ARTIFACT_CORRUPT. */
  decode(bytes: Buffer, view: DataView, at: number, end: number): EventColumns;
}

type FixedConstructor = { new (memory: ArrayBuffer, at: number, count: number): FixedValues; readonly BYTES_PER_ELEMENT: number };
type Layout = { readonly field: SourceField } & ({ readonly values: FixedConstructor } | { readonly codec: VariableCodec });

const COUNT_BYTES = 4;
// Typed arrays begin at multiples of their element's size.
const ALIGNMENT = 8;
if (new Uint8Array(Uint16Array.of(1).buffer)[0] !== 1) throw new Error('the log of events is read as it lies: this needs a little-endian processor');

export function createLogCodec(schema: EventSchema): LogCodec {
  const columns = schema.columns.map((field): Layout => {
    const codec = variableCodec(field.type);
    return codec === null ? { field, values: (columnValues(field.type, 0) as FixedValues).constructor as FixedConstructor } : { field, codec };
  });
  const none = eventColumns(schema, 0);
  const instants = schema.knownAt ? 3 : 1;
  const flags = schema.conditions.length + schema.columns.filter(({ nullable }) => nullable).length;
  const perEvent = columns.reduce((sum, column) => sum + ('values' in column ? column.values.BYTES_PER_ELEMENT : 0), 8 * instants + flags);

  /** Walks over the columns of n events; each typed array gets its part of one piece of aligned memory. */
  function reader(bytes: Buffer, view: DataView, count: number, start: number, end: number) {
    // A damaged count must not become a request for memory: what is needed is in the bytes.
    const needed = count * perEvent;
    if (needed > end - start) throw corruptRow(`its log of ${count} events is longer than it`);
    const memory = new ArrayBuffer(needed + ALIGNMENT * (flags + columns.length));
    const target = Buffer.from(memory);
    let at = start;
    let free = 0;
    function take(length: number): number {
      const from = at;
      at += length;
      if (at > end) throw corruptRow(`its log of ${count} events is longer than it`);
      return from;
    }
    return {
      ends: () => at,
      take,
      fixed<T extends FixedValues>(values: { new (memory: ArrayBuffer, at: number, count: number): T; readonly BYTES_PER_ELEMENT: number }): T {
        const length = count * values.BYTES_PER_ELEMENT;
        const from = take(length);
        bytes.copy(target, free, from, from + length);
        const column = new values(memory, free, count);
        free += Math.ceil(length / ALIGNMENT) * ALIGNMENT;
        return column;
      },
      variable(codec: VariableCodec, nulls: Uint8Array | null): (Value | null)[] {
        const endsAt = take(COUNT_BYTES * count);
        const heap = take(view.getUint32(endsAt + COUNT_BYTES * (count - 1), true));
        const values = new Array<Value | null>(count).fill(null);
        let from = heap;
        for (let i = 0; i < count; i++) {
          const to = heap + view.getUint32(endsAt + COUNT_BYTES * i, true);
          if (to < from || to > at) throw corruptRow('a value of its log lies outside of it');
          if (nulls === null || nulls[i] === 0) values[i] = codec.decode(bytes, view, from, to);
          from = to;
        }
        return values;
      },
    };
  }

  return {
    encode(log) {
      const head = Buffer.alloc(COUNT_BYTES);
      head.writeUInt32LE(log.count);
      if (log.count === 0) return head;
      const instants = schema.knownAt ? [log.times, log.known!, log.until!] : [log.times];
      const parts = [head, ...instants.map(bytesOf), ...log.conditions.map(bytesOf)];
      log.columns.forEach(({ nulls, values }, i) => {
        const column = columns[i]!;
        if (nulls !== null) parts.push(bytesOf(nulls));
        if ('codec' in column) parts.push(...encodeVariable(column.field, column.codec, values as (Value | null)[], nulls));
        else parts.push(nulls === null ? bytesOf(values as FixedValues) : zeroed(values as FixedValues, nulls));
      });
      return Buffer.concat(parts);
    },

    count: (view, at) => view.getUint32(at, true),

    decode(bytes, view, at, end) {
      const count = view.getUint32(at, true);
      if (count === 0) {
        if (at + COUNT_BYTES !== end) throw corruptRow('it goes on after its log');
        return none;
      }
      const read = reader(bytes, view, count, at + COUNT_BYTES, end);
      const times = read.fixed(Float64Array);
      const known = schema.knownAt ? read.fixed(Float64Array) : null;
      const until = schema.knownAt ? read.fixed(Float64Array) : null;
      const conditions = schema.conditions.map(() => read.fixed(Uint8Array));
      const values = columns.map((column): EventColumn => {
        const nulls = column.field.nullable ? read.fixed(Uint8Array) : null;
        return { nulls, values: 'codec' in column ? read.variable(column.codec, nulls) : read.fixed<FixedValues>(column.values) };
      });
      if (read.ends() !== end) throw corruptRow('it goes on after its log');
      return { count, times, known, until, conditions, columns: values };
    },
  };
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
