import { describe, expect, it } from '@jest/globals';
import { randomFrom } from '../test-support/rows.js';
import { MgetReplies } from './mget-replies.js';

/** Values in latin1, or an error. */
type Said = readonly (string | null)[] | string;

function encoded(said: Said, nothing: string): Buffer {
  if (typeof said === 'string') return Buffer.from(`-${said}\r\n`);
  const values = said.map((value) => (value === null ? nothing : `$${value.length}\r\n${value}\r\n`));
  return Buffer.from(`*${said.length}\r\n${values.join('')}`, 'latin1');
}

function understood(replies: MgetReplies, piece: Uint8Array): Said[] {
  return replies.take(piece).map(({ places, error }) => {
    if (error !== null) return error;
    return Array.from({ length: places.length / 2 }, (_value, i) => (places[2 * i] === -1 ? null : replies.bytes.toString('latin1', places[2 * i], places[2 * i + 1])));
  });
}

describe('replies to MGET', () => {
  const seed = Number(process.env.SEED);

  it.each([['$-1\r\n'], ['_\r\n']])('are understood whatever pieces they come in, with %j for what is not there', (nothing) => {
    const random = randomFrom(seed);
    const int = (below: number): number => Math.floor(random() * below);
    const value = (): string | null => (random() < 0.2 ? null : Array.from({ length: int(random() < 0.05 ? 5_000 : 12) }, () => '\r\n$-*_1é'[int(8)]).join(''));
    for (let round = 0; round < 30; round++) {
      const said = Array.from({ length: 1 + int(40) }, (): Said => (random() < 0.1 ? `WRONG reply ${round}` : Array.from({ length: int(30) }, value)));
      const bytes = Buffer.concat(said.map((each) => encoded(each, nothing)));
      const longest = [1, 3, 100, 70_000][round % 4]!;
      const replies = new MgetReplies();
      const got: Said[] = [];
      for (let from = 0; from < bytes.length; ) {
        const to = Math.min(bytes.length, from + 1 + int(longest));
        got.push(...understood(replies, bytes.subarray(from, to)));
        from = to;
      }
      expect(got).toEqual(said);
    }
  });

  it('give long ones the memory they need, and have it back', () => {
    const replies = new MgetReplies();
    const long = ['x'.repeat(20_000_000), null];
    expect(understood(replies, encoded(long, '_\r\n'))).toEqual([long]);
    expect(understood(replies, encoded(['short'], '_\r\n'))).toEqual([['short']]);
    expect(replies.bytes.length).toBeLessThan(1_000_000);
  });

  it.each(['+OK\r\n', '*1\r\n:1\r\n'])('that are none are refused: %j', (bytes) => {
    expect(() => new MgetReplies().take(Buffer.from(bytes))).toThrow(/begins with the byte/);
  });
});
