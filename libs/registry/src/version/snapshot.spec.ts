import { describe, expect, it } from '@jest/globals';
import type { Definition, ElementType, FeatureView, FieldType, Snapshot, Source } from '@granary/contracts';
import fc from 'fast-check';
import { bank } from '../bank.fixture.js';
import { shop } from '../shop.fixture.js';
import { canonicalJson } from './canonical.js';
import { parseSnapshot, requireCurrent, resolveSnapshot } from './snapshot.js';

const seed = Number(process.env['SEED']);
const options = { seed, numRuns: 200 };
console.info(`fast-check seed ${seed}`);

function edit<K extends Definition['kind']>(kind: K, name: string, change: (it: Extract<Definition, { kind: K }>) => Definition): Snapshot {
  return resolveSnapshot(shop().map((each) => (each.kind === kind && each.name === name ? change(each as Extract<Definition, { kind: K }>) : each)));
}
const version = (snapshot: Snapshot, name = 'activity'): string => snapshot.views.find((each) => each.name === name)!.version;
const base = resolveSnapshot(shop());
const editView = (change: (view: FeatureView) => FeatureView): Snapshot => edit('featureView', 'activity', change);
const editSource = (change: (source: Source) => Source): Snapshot => edit('source', 'events', change);

describe('canonical JSON', () => {
  it('is the same for any order of keys, and reads back as what was written', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const text = canonicalJson(value);
        expect(canonicalJson(reversed(value))).toBe(text);
        expect(canonicalJson(JSON.parse(text))).toBe(text);
      }),
      options,
    );
  });

  it('differs for values that differ', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (x, y) => {
        const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
        let equal = true;
        try {
          expect(plain(x)).toEqual(plain(y));
        } catch {
          equal = false;
        }
        expect(canonicalJson(x) === canonicalJson(y)).toBe(equal);
      }),
      options,
    );
  });
});

describe('a snapshot', () => {
  it('has one id for any order, place and file of its declarations', () => {
    const definitions = shop();
    fc.assert(
      fc.property(fc.shuffledSubarray([...definitions], { minLength: definitions.length }), fc.string(), fc.nat(), (shuffled, file, line) => {
        const moved = shuffled.map((each) => ({ ...(reversed(each) as Definition), site: { file, line } }));
        expect(resolveSnapshot(moved)).toEqual(base);
      }),
      options,
    );
  });

  it('survives storage, and is refused when anything in it was changed', () => {
    const stored = JSON.parse(JSON.stringify(base, null, 2)) as Snapshot;
    expect(parseSnapshot(stored)).toEqual(base);
    const wrong = { ...stored, views: stored.views.map((view) => ({ ...view, ttlMs: 1 })) };
    expect(() => parseSnapshot(wrong)).toThrow(expect.objectContaining({ code: 'ARTIFACT_CORRUPT' }));
    expect(() => parseSnapshot(null)).toThrow(expect.objectContaining({ code: 'ARTIFACT_CORRUPT' }));
  });

  it('gets another id, and its view another version, by a change of meaning', () => {
    const changes: Snapshot[] = [
      editView((view) => ({ ...view, features: [...view.features].reverse() })),
      editView((view) => ({ ...view, features: view.features.map((each) => (each.aggregate.window ? { ...each, aggregate: { ...each.aggregate, window: { ...each.aggregate.window, delayMs: 1 } } } : each)) })),
      editView((view) => ({ ...view, features: view.features.map((each) => (each.aggregate.fn === 'count' ? { ...each, aggregate: { ...each.aggregate, where: null } } : each)) })),
      editSource((source) => ({ ...source, eventId: ['id', 'userId'] })),
      editSource((source) => ({ ...source, knownAt: 'at' })),
      editSource((source) => ({ ...source, fields: source.fields.map((field) => (field.name === 'kind' ? { ...field, nullable: true } : field)) })),
    ];
    for (const changed of changes) {
      expect(changed.id).not.toBe(base.id);
      expect(version(changed)).not.toBe(version(base));
    }
    expect(new Set(changes.map((each) => each.id)).size).toBe(changes.length);
  });

  // Stored rows and online rows hold a value of an enum by its position.
  it('gives a view another version by another order of an enum\'s values, wherever the view stores them', () => {
    const swap = (type: FieldType): FieldType => (type.kind === 'enum' ? { ...type, values: [...type.values].reverse() } : type.kind === 'array' ? { ...type, of: swap(type.of) as ElementType } : type);
    const kinds = { kind: 'enum' as const, values: ['view', 'buy'] };
    const versionWith = (kind: FieldType, of: (kind: FieldType) => { key: FieldType; read: FieldType; fn: 'latest' | 'last' }): string => {
      const { key, read, fn } = of(kind);
      const fields = [{ name: 'id', type: { kind: 'string' as const }, nullable: false }, { name: 'key', type: key, nullable: false }, { name: 'read', type: read, nullable: false }, { name: 'at', type: { kind: 'timestamp' as const }, nullable: false }];
      const window = fn === 'latest' ? null : { sizeMs: 1, delayMs: 0, bounds: '(]' as const, includeRequest: false };
      const snapshot = resolveSnapshot([
        { kind: 'entity', name: 'thing', keys: [{ name: 'key', type: key }] },
        { kind: 'source', name: 'things', fields, eventId: ['id'], eventTime: 'at', knownAt: null, file: null },
        { kind: 'featureView', name: 'stored', entity: 'thing', source: 'things', keyFields: ['key'], ttlMs: null, features: [{ name: 'value', type: read, aggregate: { fn, column: 'read', where: null, window, default: null } }] },
      ]);
      return version(snapshot, 'stored');
    };
    const text: FieldType = { kind: 'string' };
    const uses: ((kind: FieldType) => { key: FieldType; read: FieldType; fn: 'latest' | 'last' })[] = [
      (kind) => ({ key: text, read: kind, fn: 'latest' }),
      (kind) => ({ key: text, read: kind, fn: 'last' }),
      (kind) => ({ key: text, read: { kind: 'array', of: kind as ElementType }, fn: 'latest' }),
      (kind) => ({ key: kind, read: text, fn: 'latest' }),
    ];
    for (const use of uses) {
      expect(versionWith(kinds, use)).toBe(versionWith(kinds, use));
      expect(versionWith(swap(kinds), use)).not.toBe(versionWith(kinds, use));
    }
  });

  it('keeps a view\'s version when its stored values keep their meaning', () => {
    const changes = [
      editView((view) => ({ ...view, ttlMs: 1_000 })),
      editSource((source) => ({ ...source, file: { path: 'elsewhere.csv', format: 'csv' } })),
      editSource((source) => ({ ...source, fields: [...source.fields, { name: 'unread', type: { kind: 'string' }, nullable: true }] })),
      editSource((source) => ({ ...source, fields: [...source.fields].reverse() })),
    ];
    for (const changed of changes) {
      expect(changed.id).not.toBe(base.id);
      expect(version(changed)).toBe(version(base));
    }
  });

  it('is one with those of before there were derived views, and keeps their versions', () => {
    const { derived, ...older } = JSON.parse(JSON.stringify(base)) as Snapshot;
    expect(derived).toEqual([]);
    expect(parseSnapshot(older)).toEqual(base);
    // As Granary wrote them before aggregates had parameters and services derived features.
    expect(base.id).toBe('6ed3deb2a22396a5c029900a41ddfe6119cbabd852b736d6f7e16d90a913c84b');
    expect(base.views.map((view) => view.version)).toEqual(['cbc59c9a394b', 'db549cbe0f33']);
  });

  it('is refused where a view of it meant something else to the release that applied it', () => {
    const about = (view: FeatureView): FeatureView => ({ ...view, features: [...view.features, { name: 'kinds', type: { kind: 'int32' }, aggregate: { fn: 'approxCountDistinct', column: 'kind', where: null, window: { sizeMs: null, delayMs: 0, bounds: '[)', includeRequest: false }, default: null } }] });
    const now = editView(about);
    expect(requireCurrent(parseSnapshot(JSON.parse(JSON.stringify(now))))).toEqual(now);
    // As Granary gave it while it stored all values of the function.
    const former = { ...now, views: now.views.map((view) => ({ ...view, version: view.name === 'activity' ? '0298884a70e7' : view.version })) };
    expect(() => requireCurrent(former)).toThrow(expect.objectContaining({ code: 'SCHEMA_MISMATCH', details: expect.objectContaining({ views: ['activity'] }) as unknown }));
  });

  it('is never made of invalid definitions', () => {
    expect(() => editSource((source) => ({ ...source, eventTime: 'nothing' }))).toThrow(expect.objectContaining({ code: 'DEFINITION_INVALID', todo: 'Correct it, then plan again.' }));
  });
});

describe('the version of a view over computed events', () => {
  const before = resolveSnapshot(bank());
  const after = (name: string, change: (text: string) => string): Snapshot => resolveSnapshot(bank().map((each) => (each.name === name ? (JSON.parse(change(JSON.stringify(each))) as Definition) : each)));
  const renewed = (now: Snapshot): readonly string[] => now.views.filter((view) => version(before, view.name) !== view.version).map((view) => view.name);
  const replace = (a: string, b: string) => (text: string): string => {
    expect(text).toContain(a);
    return text.replace(a, b);
  };

  it('changes with the query, and with what the query reads', () => {
    expect(renewed(after('daily', replace('toStartOfDay', 'toStartOfHour')))).toEqual(['account_days']);
    expect(renewed(after('transfers', replace('"fields":[', '"fields":[{"name":"note","type":{"kind":"string"},"nullable":true},')))).toEqual(['account_days']);
  });

  it('changes with the view that events are enriched by, in the features it reads', () => {
    expect(renewed(after('account_transfers', replace('"fn":"sum"', '"fn":"decayedSum","halfLifeMs":1000')))).toEqual(['account_habits', 'account_transfers']);
    expect(renewed(after('account_transfers', replace('"n":5', '"n":6')))).toEqual(['account_transfers']);
    expect(renewed(after('account_transfers', replace('"ttlMs":7776000000', '"ttlMs":1000')))).toEqual(['account_habits']);
  });

  it('stays by what only services read', () => {
    expect(renewed(after('amounts', replace('"div"', '"mul"')))).toEqual([]);
    expect(renewed(after('transfers', replace('"file":null', '"file":null,"retentionMs":99999999999')))).toEqual([]);
  });
});

/** The same data with every object's keys the other way round. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).reverse().map(([key, member]) => [key, reversed(member)]));
}
