import type { FieldType, Value } from '@granary/contracts';
import { expect, it } from '@jest/globals';
import { RowBinaryReader } from './row-binary.js';

const TYPES: readonly FieldType[] = [{ kind: 'int64' }, { kind: 'string' }, { kind: 'bool' }];
const ROWS: readonly { readonly values: readonly Value[]; readonly packed: Buffer }[] = [
  { values: [-1n, 'naïve 🦆', true], packed: Buffer.alloc(300, 'a') },
  { values: [2n ** 40n, '', false], packed: Buffer.alloc(0) },
  { values: [3n, 'x'.repeat(200), true], packed: Buffer.alloc(5_000, 'b') },
  { values: [4n, 'y', false], packed: Buffer.from([128]) },
];

it('reads rows of pieces that end anywhere, and knows where a row is not all there', () => {
  const bytes = Buffer.concat(ROWS.flatMap(({ values: [id, text, flag], packed }) => [int64(id as bigint), sized(Buffer.from(text as string)), Buffer.from([Number(flag)]), sized(packed)]));
  const all = ROWS.map(({ values, packed }) => ({ values, packed: packed.toString('latin1') }));
  for (let cut = 0; cut <= bytes.length; cut += cut < 700 || cut > bytes.length - 100 ? 1 : 97) {
    const read: { values: readonly Value[]; packed: string }[] = [];
    const reader = new RowBinaryReader(TYPES, (values, buffer, from, to) => read.push({ values, packed: buffer.toString('latin1', from, to) }));
    reader.read(bytes.subarray(0, cut));
    const whole = read.length;
    reader.read(bytes.subarray(cut));
    expect([cut, read, reader.isWithinRow]).toEqual([cut, all, false]);
    expect(whole).toBeLessThan(cut === bytes.length ? 5 : 4);
  }
  const single: Buffer[] = [];
  const reader = new RowBinaryReader(TYPES, (_values, buffer, from, to) => single.push(buffer.subarray(from, to)));
  for (const byte of bytes.subarray(0, 600)) reader.read(Buffer.from([byte]));
  expect([single, reader.isWithinRow]).toEqual([ROWS.slice(0, 2).map(({ packed }) => packed), true]);
});

function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return bytes;
}

function sized(bytes: Buffer): Buffer {
  const length: number[] = [];
  let rest = bytes.length;
  for (; rest > 127; rest >>= 7) length.push((rest & 127) | 128);
  return Buffer.concat([Buffer.from([...length, rest]), bytes]);
}
