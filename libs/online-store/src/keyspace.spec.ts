import { describe, expect, it } from '@jest/globals';
import { isGranaryError, type Entity, type EntityKey, type FieldType } from '@granary/contracts';
import fc from 'fast-check';
import { rowKey } from './keyspace.js';
import { testSeed } from './test-support/environment.js';

const seed = testSeed('keyspace.spec');

const VERSION = '3fa9c1d2e4b5';
type Keyed = Pick<Entity, 'name' | 'keys'>;

function entity(name: string, ...types: FieldType['kind'][]): Keyed {
  return { name, keys: types.map((kind, i) => ({ name: `k${i}`, type: { kind } as FieldType })) };
}

/** Redis Cluster's rule: between the first `{` and the first `}` after it, if there is anything. */
function hashTag(key: string): string {
  const open = key.indexOf('{');
  const close = key.indexOf('}', open + 1);
  return open < 0 || close <= open + 1 ? key : key.slice(open + 1, close);
}

describe('rowKey', () => {
  it('reads well', () => {
    expect(rowKey('granary', entity('user', 'int64'), [42n], 'user_activity', VERSION)).toBe('granary:{user|l2:42}:user_activity:3fa9c1d2e4b5');
  });

  it.each<[string, [Keyed, EntityKey], [Keyed, EntityKey]]>([
    ['(1, 12) and (11, 2)', [entity('pair', 'int64', 'int64'), [1n, 12n]], [entity('pair', 'int64', 'int64'), [11n, 2n]]],
    ["1 and '1'", [entity('user', 'int64'), [1n]], [entity('user', 'string'), ['1']]],
    ['int32 1 and int64 1', [entity('user', 'int32'), [1]], [entity('user', 'int64'), [1n]]],
    ['a text that spells out the rest of a key', [entity('user', 'string'), ['a}:user_activity:3fa9c1d2e4b5']], [entity('user', 'string'), ['a']]],
    ["('a', '') and ('', 'a')", [entity('pair', 'string', 'string'), ['a', '']], [entity('pair', 'string', 'string'), ['', 'a']]],
    ["'é' and its decomposed form", [entity('user', 'string'), ['\u00e9']], [entity('user', 'string'), ['e\u0301']]],
  ])('keeps apart %s', (_what, a, b) => {
    expect(rowKey('granary', a[0], a[1], 'user_activity', VERSION)).not.toBe(rowKey('granary', b[0], b[1], 'user_activity', VERSION));
  });

  it('is injective over hostile texts, and every view of an entity has its hash tag', () => {
    const hostile = fc.string({ unit: fc.constantFrom('{', '}', ':', '|', 's', '1', '2', 'é', '👩', ' ', '\0'), maxLength: 8 });
    const key = fc.tuple(hostile, hostile);
    const pair = entity('pair', 'string', 'string');
    fc.assert(
      fc.property(key, key, (a, b) => {
        const same = a[0] === b[0] && a[1] === b[1];
        expect(rowKey('granary', pair, a, 'view_a', VERSION) === rowKey('granary', pair, b, 'view_a', VERSION)).toBe(same);
        const tags = [rowKey('granary', pair, a, 'view_a', VERSION), rowKey('granary', pair, a, 'view_b', '000000000000')].map(hashTag);
        expect(tags[0]).toBe(tags[1]);
        expect(tags[0]!.startsWith('pair|')).toBe(true);
      }),
      { seed, numRuns: 2000 },
    );
  });

  it('refuses half a surrogate pair, which UTF-8 would turn into the same bytes as any other', () => {
    let error: unknown;
    try {
      rowKey('granary', entity('user', 'string'), ['\ud83d'], 'user_activity', VERSION);
    } catch (caught) {
      error = caught;
    }
    expect(isGranaryError(error, 'INVALID_KEY')).toBe(true);
  });

  it('treats names and versions that could break a key apart as bugs', () => {
    const user = entity('user', 'int64');
    expect(() => rowKey('a:b', user, [1n], 'v', VERSION)).toThrow('is no name');
    expect(() => rowKey('granary', entity('user|x', 'int64'), [1n], 'v', VERSION)).toThrow('is no name');
    expect(() => rowKey('granary', user, [1n], 'v', 'latest')).toThrow('is no version');
    expect(() => rowKey('granary', user, [], 'v', VERSION)).toThrow('has 1 keys, not 0');
  });
});
