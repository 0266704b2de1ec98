import type { FieldType, Value } from '@granary/contracts';

/** Reads rows in ClickHouse's format RowBinary: the values of `types` (none of them nullable, no arrays or maps), then bytes. */
export function* readRowBinary(bytes: Buffer, types: readonly FieldType[]): Generator<{ readonly values: readonly Value[]; readonly packed: Buffer }> {
  const cursor = { at: 0 };
  while (cursor.at < bytes.length) {
    const values = types.map((type) => readValue(bytes, cursor, type));
    yield { values, packed: readBytes(bytes, cursor) };
  }
}

interface Cursor {
  at: number;
}

function readValue(bytes: Buffer, cursor: Cursor, type: FieldType): Value {
  const fixed = <T>(width: number, read: (at: number) => T): T => {
    cursor.at += width;
    return read(cursor.at - width);
  };
  switch (type.kind) {
    case 'bool':
      return fixed(1, (at) => bytes[at] === 1);
    case 'int32':
      return fixed(4, (at) => bytes.readInt32LE(at));
    case 'int64':
      return fixed(8, (at) => bytes.readBigInt64LE(at));
    case 'float32':
      return fixed(4, (at) => bytes.readFloatLE(at));
    case 'float64':
      return fixed(8, (at) => bytes.readDoubleLE(at));
    case 'timestamp':
      return fixed(8, (at) => Number(bytes.readBigInt64LE(at)));
    case 'string':
    case 'enum':
      return readBytes(bytes, cursor).toString('utf8');
    default:
      throw new Error(`a ${type.kind} can't be the key of an entity`);
  }
}

/** Their number (LEB128), then they themselves. */
function readBytes(bytes: Buffer, cursor: Cursor): Buffer {
  let length = 0;
  for (let scale = 1; ; scale *= 128) {
    const byte = bytes[cursor.at++]!;
    length += (byte & 127) * scale;
    if (byte < 128) break;
  }
  cursor.at += length;
  return bytes.subarray(cursor.at - length, cursor.at);
}
