import { describe, expect, it } from '@jest/globals';
import { createInteractions, historyOf, lastTimeOf, rowOf } from './interactions.js';
import { createRandom } from './random.js';
import { createVocabulary, indexOf, keyText, parseKeyText } from './vocabulary.js';

describe('vocabulary', () => {
  it('keeps ids of different types and composite ids apart', () => {
    const ids = [1, 1n, '1', true, 'true', ['a', 'b'], ['ab', ''], ['', 'ab'], [1, 12], [11, 2], ['1', 12], 'n1', -0.5];
    const vocabulary = createVocabulary(ids);
    ids.forEach((id, i) => expect(indexOf(vocabulary, id)).toBe(i));
    expect(indexOf(vocabulary, 2)).toBe(-1);
    for (const id of ids) expect(parseKeyText(keyText(id))).toEqual(id);
  });

  it.each(['', 'x1', 'an5:1', 'as'])('refuses the text %j', (text) => {
    expect(() => parseKeyText(text)).toThrow(expect.objectContaining({ code: 'ARTIFACT_CORRUPT' }));
  });
});

describe('interactions', () => {
  it('orders each user by time, then arrival, and keeps repeats as events but once as pairs', () => {
    const x = createInteractions({
      users: ['a', 'b', 'a', 'a', 'a'],
      items: [10n, 11n, 12n, 10n, 11n],
      weights: [1, 2, 3, 4, 5],
      times: [50, 10, 20, 20, 50],
    });
    const a = indexOf(x.users, 'a');
    expect([...historyOf(x, a)].map((i) => x.items.keys[i])).toEqual([12n, 10n, 10n, 11n]);
    expect([...x.events.weights.subarray(0, 4)]).toEqual([3, 4, 1, 5]);
    expect([...rowOf(x.byUser, a)]).toEqual([0, 1, 2]);
    expect([...rowOf(x.byItem, indexOf(x.items, 11n))]).toEqual([0, 1]);
    expect(lastTimeOf(x, a)).toBe(50);
  });

  it('holds exactly the events given, by user and by item', () => {
    const seed = Number(process.env['SEED']);
    const random = createRandom(seed);
    const size = 3000;
    const users = Array.from({ length: size }, () => random.integer(80));
    const items = Array.from({ length: size }, () => random.integer(60));
    const times = Array.from({ length: size }, () => random.integer(500));
    const x = createInteractions({ users, items, times });
    const pairs = new Set(users.map((user, i) => `${user} ${items[i]}`));
    const byUser = x.users.keys.flatMap((user, u) => [...rowOf(x.byUser, u)].map((i) => `${user} ${x.items.keys[i]}`));
    const byItem = x.items.keys.flatMap((item, i) => [...rowOf(x.byItem, i)].map((u) => `${x.users.keys[u]} ${item}`));
    expect({ seed, byUser: byUser.sort(), byItem: byItem.sort() }).toEqual({ seed, byUser: [...pairs].sort(), byItem: [...pairs].sort() });
    x.users.keys.forEach((user, u) => {
      const expected = times.map((time, i) => ({ time, i })).filter(({ i }) => users[i] === user).sort((a, b) => a.time - b.time || a.i - b.i);
      expect([...historyOf(x, u)].map((i) => x.items.keys[i])).toEqual(expected.map(({ i }) => items[i]));
    });
  });

  it('may be empty', () => {
    const x = createInteractions({ users: [], items: [], times: [] });
    expect(x.byUser.columns).toHaveLength(0);
  });

  it.each([
    [{ users: [1], items: [1, 2], times: [1] }],
    [{ users: [1], items: [1], times: [NaN] }],
    [{ users: [1], items: [1], times: [1], weights: [-1] }],
    [{ users: [1], items: [1], times: [1], weights: [1, 2] }],
  ])('refuses %j', (columns) => {
    expect(() => createInteractions(columns)).toThrow(expect.objectContaining({ code: 'INVALID_VALUE' }));
  });
});
