import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Derived, Expression, Feature, Snapshot, Value, VersionedView } from '@granary/contracts';
import type { GivenEvent } from '@granary/online-store/testing';
import fc from 'fast-check';
import { FeatureReader } from './feature-reader.js';
import { DAY, NOW, PROJECT, feature, openTestStore, snapshot as shop, sourceOf, type, view, type TestStore } from './shop.testing.js';

const seed = Number(process.env['SEED']);
const FLOAT32_MAX = new Float32Array(Uint32Array.of(0x7f7fffff).buffer)[0]!;
console.info(`matrix.spec: seed ${seed}`);

let store: TestStore;
beforeAll(async () => {
  store = await openTestStore();
});
afterAll(() => store.close());

const number = { int32: fc.integer(), int64: fc.bigInt({ min: -(2n ** 61n), max: 2n ** 61n - 1n }), float32: fc.float({ noNaN: true, noDefaultInfinity: true }), float64: fc.double({ noNaN: true, noDefaultInfinity: true }), bool: fc.boolean(), string: fc.string({ unit: 'binary' }) };
type Kind = keyof typeof number;
const kind = fc.constantFrom<Kind>('int32', 'int64', 'float32', 'float64', 'bool', 'string');

/** A field of every kind. */
const FIELDS = { int32: 'small', int64: 'units', float32: 'rough', float64: 'amount', bool: 'flag', string: 'text' } as const satisfies Record<Kind, string>;
const events = sourceOf(Object.fromEntries(Object.entries(FIELDS).map(([of, name]) => [name, type(of as Kind)])));

/** A feature of any aggregate over a field of a type that suits it, of a week or of all history. */
function anyFeature(name: string, request: boolean): fc.Arbitrary<Feature> {
  return fc.constantFrom(7 * DAY, null).chain((sizeMs) => {
    const own = { request, sizeMs };
    return fc.oneof(
      fc.constant(feature(name, type('int32'), 'count', own)),
      fc.constant(feature(name, type('float64'), 'sum', own)),
      fc.constant(feature(name, type('int64'), 'sum', { ...own, column: 'units' })),
      fc.boolean().map((byDefault) => feature(name, type('float64'), 'avg', { ...own, default: byDefault ? { kind: 'literal', type: type('float64'), value: 0.1 } : null })),
      fc.constantFrom<Feature>(
        feature(name, type('float64'), 'ratio', { ...own, predicate: { kind: 'call', fn: 'gt', args: [{ kind: 'field', name: 'amount' }, { kind: 'literal', type: type('float64'), value: 0 }] }, column: null }),
        feature(name, type('float64'), 'rate', { request, unitMs: 3_600_000, column: null }),
        feature(name, type('float64'), 'timeSinceLast', { ...own, column: null }),
        feature(name, type('float64'), 'percentile', { ...own, fraction: 0.9 }),
        feature(name, type('float64'), 'stddevSample', own),
        feature(name, type('float64'), 'decayedSum', { ...own, halfLifeMs: DAY }),
        feature(name, type('int32'), 'countDistinct', { ...own, column: 'amount' }),
      ),
      fc.tuple(kind, fc.constantFrom('min', 'max', 'last', 'latest')).map(([kindOf, fn]) => {
        const of = request ? 'float64' : kindOf;
        return feature(name, type(of), request && fn === 'latest' ? 'last' : (fn as 'min'), { ...own, column: FIELDS[of] });
      }),
    );
  });
}

function anyView(name: string, entity: string, keyFields: readonly string[]) {
  return fc.tuple(fc.boolean(), fc.boolean()).chain(([request, ttl]) =>
    fc.integer({ min: 1, max: 6 }).chain((n) =>
      fc.tuple(...Array.from({ length: n }, (_, i) => anyFeature(`${name}${i}`, request))).map((features) => view(name, entity, keyFields, features, ttl ? 10 * DAY : null)),
    ),
  );
}

const ages = fc.constantFrom(0, 1, 7 * DAY - 1, 7 * DAY, 10 * DAY, 10 * DAY + 1, 20 * DAY);
const values = fc.record(Object.fromEntries(Object.entries(FIELDS).map(([of, name]) => [name, fc.option(number[of as Kind] as fc.Arbitrary<Value>, { freq: 4 })])));
const anyEntity: fc.Arbitrary<readonly GivenEvent[]> = fc.array(
  fc.tuple(ages, values).map(([age, event]) => ({ ...event, at: NOW - age })),
  { minLength: 1, maxLength: 4 },
);

const world = fc.tuple(anyView('u', 'user', ['userId']), anyView('b', 'branch', ['country', 'branchNo'])).chain(([user, branch]) =>
  fc.record({
    views: fc.constant([user, branch]),
    users: fc.array(fc.option(anyEntity, { freq: 4 }), { minLength: 1, maxLength: 2 }),
    branches: fc.array(fc.option(anyEntity, { freq: 4 }), { minLength: 1, maxLength: 6 }),
    amounts: fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 6, maxLength: 6 }),
  }),
);

const REQUEST = [{ name: 'amount', type: type('float64') }, { name: 'units', type: type('int64') }];

/** What each feature of the first view makes with one of the second, under its own name and under the alias, and with the request. */
function mixed(user: VersionedView, branch: VersionedView): Derived {
  const field = (name: string, of?: string): Expression => ({ kind: 'field', name, of });
  const call = (fn: 'sub' | 'toFloat' | 'div' | 'add' | 'length', ...args: Expression[]): Expression => ({ kind: 'call', fn, args });
  const number = (of: string, { name, type: { kind: is } }: Feature): Expression => call('toFloat', is === 'string' ? call('length', field(name, of)) : field(name, of));
  const features = user.features.map((each, i) => {
    const other = branch.features[i % branch.features.length]!;
    const left = i % 2 === 0 ? call('add', number('u', each), field('amount')) : number('u', each);
    return { name: `mixed${i}`, type: type('float64'), expression: i % 3 === 0 ? call('div', left, number('other', other)) : call('sub', left, number('b', other)) };
  });
  const views = [{ view: 'u' }, { view: 'b' }, { view: 'b', alias: 'other', keys: { branchNo: 'otherNo' } }];
  return { kind: 'derived', name: 'mixed', inputs: views.map((use) => ({ kind: 'view', ...use })), request: REQUEST, features };
}

let run = 0;

describe('matrix', () => {
  it('has the values and states of rows, whatever is shared', async () => {
    await fc.assert(
      fc.asyncProperty(world, fc.boolean(), fc.boolean(), async ({ views, users, branches, amounts }, shareUser, shareAmount) => {
        const project = `run${run++}`;
        const derived = mixed(views[0], views[1]);
        const own = views.map((each) => ({ view: each.name, features: each.features.map(({ name }) => name) }));
        const other = { ...own[1]!, alias: 'other', keys: { branchNo: 'otherNo' } };
        const snapshot: Snapshot = {
          ...shop,
          sources: [events],
          views: [...views],
          derived: [derived],
          services: [
            { kind: 'featureService', name: 'all', request: REQUEST, views: [...own, other], derived: [{ derived: 'mixed', features: derived.features.map(({ name }) => name) }] },
            // Nothing else reads what becomes a column.
            { kind: 'featureService', name: 'columns', request: REQUEST, views: [...own, other] },
          ],
        };
        const reader = new FeatureReader(snapshot, store.store, { project, now: () => NOW });
        await store.materialised(snapshot, project);
        for (const [i, own] of users.entries()) if (own !== null) await store.put('u', [BigInt(i)], own, snapshot, project);
        for (const [i, own] of branches.entries()) if (own !== null) await store.put('b', ['DE', i], own, snapshot, project);
        const shared = { country: 'DE', units: 3, ...(shareUser ? { userId: 0 } : {}), ...(shareAmount ? { amount: amounts[0]! } : {}) };
        const candidates = branches.map((_, i) => ({ branchNo: i, otherNo: branches.length - i, ...(shareUser ? {} : { userId: i % users.length }), ...(shareAmount ? {} : { amount: amounts[i]! }) }));

        const columns = views.map((each) => each.features.filter(({ type: { kind: of } }) => of !== 'string').map(({ name }) => name));
        const numbers = [...columns.flat(), ...columns[1]!.map((name) => `otherB${name.slice(1)}`)];
        await compare('all', [...numbers, ...derived.features.map(({ name }) => name)]);
        await compare('columns', numbers);

        async function compare(service: string, expected: readonly string[]): Promise<void> {
          const { data, mask, names } = await reader.matrix(service, shared, candidates);
          const rows = await reader.rows(service, candidates.map((candidate) => ({ ...shared, ...candidate })));
          expect(names).toEqual(expected);
          rows.forEach((row, r) =>
            names.forEach((name, c) => {
              const { value, state } = row.values[name]!;
              const at = r * names.length + c;
              expect([name, mask[at]]).toEqual([name, state === 'present' ? 1 : 0]);
              expect([name, data[at]]).toEqual([name, state === 'present' ? Math.fround(Math.max(-FLOAT32_MAX, Math.min(FLOAT32_MAX, Number(value)))) : 0]);
            }),
          );
        }
      }),
      { seed, numRuns: 80 },
    );
  });

  it('reads one row of the user and one of each distinct candidate', async () => {
    const reader = new FeatureReader(shop, store.store, { project: PROJECT, now: () => NOW });
    await store.put('user_activity', [7n], [{ at: NOW, amount: 0.25 }, { at: NOW, amount: 0.25 }, { at: NOW, amount: 0.5 }]);
    await store.put('branch_stats', ['DE', 1], [{ at: NOW, amount: 6 }, { at: NOW, amount: 4 }]);
    store.reads.length = 0;
    const candidates = Array.from({ length: 100 }, (_, i) => ({ country: 'DE', branchNo: 1 + (i % 4) }));
    const { data, mask, names } = await reader.matrix('ranking', { userId: 7 }, candidates);
    expect(store.reads.map((keys) => keys.length)).toEqual([5]);
    expect(names).toEqual(['branchMean', 'turnover', 'visits', 'meanPrice']);
    expect([...data.subarray(0, 8)]).toEqual([5, 10, 3, Math.fround(1 / 3), 0, 0, 3, Math.fround(1 / 3)]);
    expect([...mask.subarray(0, 8)]).toEqual([1, 1, 1, 1, 0, 0, 1, 1]);
    expect(data).toHaveLength(400);
  });

  it('of a number beyond float32 has the greatest float32, not an infinity that would count as missing', async () => {
    const reader = new FeatureReader(shop, store.store, { project: PROJECT, now: () => NOW });
    await store.materialised();
    await store.put('branch_stats', ['FR', 1], [{ at: NOW, amount: 1e300 }]);
    await store.put('branch_stats', ['FR', 2], [{ at: NOW, amount: -1e300 }]);
    const { data, mask } = await reader.matrix('ranking', { userId: 70 }, [{ country: 'FR', branchNo: 1 }, { country: 'FR', branchNo: 2 }]);
    expect([data[0], data[4], mask[0], mask[4]]).toEqual([FLOAT32_MAX, -FLOAT32_MAX, 1, 1]);
    const fraud = await reader.matrix('fraud', { userId: 70 }, [{ amount: 1e39 }, { amount: 5 }]);
    const mean = fraud.names.indexOf('meanAmount');
    expect([fraud.data[mean], fraud.data[mean + fraud.names.length]]).toEqual([FLOAT32_MAX, 5]);
  });

  it('of nobody is empty, and of features that are no numbers leaves them out', async () => {
    const reader = new FeatureReader(shop, store.store, { project: PROJECT, now: () => NOW });
    expect(await reader.matrix('ranking', { userId: 7 }, [])).toEqual({ data: new Float32Array(0), mask: new Uint8Array(0), names: ['branchMean', 'turnover', 'visits', 'meanPrice'] });
    const { names, data } = await reader.matrix('user_page', {}, [{ userId: 7 }]);
    expect(names).toEqual(['visits', 'points', 'meanPrice', 'dearest', 'member']);
    expect(data).toHaveLength(5);
  });
});
