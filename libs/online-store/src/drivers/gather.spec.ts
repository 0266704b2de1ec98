import { describe, expect, it } from '@jest/globals';
import { gathering } from './gather.js';

function sender() {
  const sent: (readonly string[])[] = [];
  const send = async (keys: readonly string[]): Promise<string[]> => {
    sent.push(keys);
    await new Promise((resolve) => setImmediate(resolve));
    if (keys.includes('bad')) throw new Error('no');
    return keys.map((key) => key.toUpperCase());
  };
  return { sent, fetch: gathering(send, 4) };
}

describe('gathering', () => {
  it('sends calls that come together as one, and gives each its own answers', async () => {
    const { sent, fetch } = sender();
    expect(await Promise.all([fetch(['a']), fetch(['b', 'c']), fetch([])])).toEqual([['A'], ['B', 'C'], []]);
    expect(sent).toEqual([['a', 'b', 'c']]);
    expect(await fetch(['d'])).toEqual(['D']);
  });

  it('sends no more keys at once than it needs to, and a call about many keys alone', async () => {
    const { sent, fetch } = sender();
    const many = ['1', '2', '3', '4', '5'];
    expect(await Promise.all([fetch(['a', 'b']), fetch(many), fetch(['c', 'd']), fetch(['e'])])).toEqual([['A', 'B'], many, ['C', 'D'], ['E']]);
    expect(sent).toEqual([many, ['a', 'b', 'c', 'd'], ['e']]);
  });

  it('fails all calls that went together, and no other', async () => {
    const { fetch } = sender();
    const together = await Promise.allSettled([fetch(['a']), fetch(['bad'])]);
    expect(together.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await fetch(['a'])).toEqual(['A']);
  });
});
