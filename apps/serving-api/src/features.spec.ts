import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { watermarkName } from '@granary/online-store';
import { noteOnline } from '@granary/online-store/testing';
import { DAY, NOW, PROJECT, snapshot, startTestApp, type TestApp } from './testing/test-app.js';

const HUGE = 9_223_372_036_854_775_807n;
const ALL = 'visits7d { value state eventTime } points7d { value state } mean7d { value state } lastKind30d { value state } mood { value state } member { value state } since { value state } tags { value state }';

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp();
  const newest = { at: NOW - 1, amount: 0.5, mood: 'very good', member: false, since: Date.UTC(1999, 11, 31, 23, 59, 59, 999), tags: ['ä', ''] };
  const full = [{ at: NOW - 8 * DAY, kind: 'depot' }, { at: NOW - 3, amount: 0.25, points: HUGE }, { at: NOW - 2, amount: 0.25 }, newest];
  for (const id of [HUGE, -6n]) await app.put('user_activity', [id], full);
  await app.put('user_activity', [-5n], [{ at: NOW - 90 * DAY }]);
  await app.put('user_activity', [6n], [{ at: NOW - 90 * DAY - 1 }]);
  // At the very end of its windows, which leave it out.
  await app.put('user_activity', [7n], [{ at: NOW, amount: 1 }]);
  await app.put('branch_turnover', ['日本 "x"\n🏯', 12, 'shop'], [{ at: NOW - 1, amount: 1.5 }]);
  await app.put('branch_turnover', ['日本 "x"\n🏯', 1, 'shop'], [{ at: NOW - 1, amount: 2.5 }]);
  await app.put('branch_turnover', ['too much', 1, 'shop'], [{ at: NOW - 2, amount: 1e308 }, { at: NOW - 1, amount: 1e308 }]);
});
afterAll(() => app.close());

describe('a feature service', () => {
  it('gives every type its own scalar, exactly, with state and event time', async () => {
    const { status, data } = await app.query(`query ($id: Int64!) { userPage(userId: $id) { ${ALL} } }`, { id: String(HUGE) });
    expect(status).toBe(200);
    expect(data).toEqual({
      userPage: {
        visits7d: { value: 3, state: 'PRESENT', eventTime: '2026-01-31T11:59:59.999Z' },
        points7d: { value: '9223372036854775807', state: 'PRESENT' },
        mean7d: { value: 1 / 3, state: 'PRESENT' },
        lastKind30d: { value: 'depot', state: 'PRESENT' },
        mood: { value: 'very good', state: 'PRESENT' },
        member: { value: false, state: 'PRESENT' },
        since: { value: '1999-12-31T23:59:59.999Z', state: 'PRESENT' },
        tags: { value: ['ä', ''], state: 'PRESENT' },
      },
    });
  });

  it('tells the four states apart', async () => {
    const states = async (id: string) => (await app.query(`{ userPage(userId: ${id}) { visits7d { value state eventTime } mean7d { value state eventTime } } }`)).data.userPage as unknown;
    expect(await states('-5')).toMatchObject({ visits7d: { value: 0, state: 'PRESENT' } });
    expect(await states('6')).toEqual({ visits7d: { value: null, state: 'EXPIRED', eventTime: '2025-11-02T11:59:59.999Z' }, mean7d: { value: null, state: 'EXPIRED', eventTime: '2025-11-02T11:59:59.999Z' } });
    expect(await states('7')).toEqual({ visits7d: { value: 0, state: 'PRESENT', eventTime: '2026-01-31T12:00:00.000Z' }, mean7d: { value: null, state: 'NULL', eventTime: '2026-01-31T12:00:00.000Z' } });
    expect(await states('8')).toEqual({ visits7d: { value: null, state: 'MISSING', eventTime: null }, mean7d: { value: null, state: 'MISSING', eventTime: null } });
  });

  it('reads as of an instant, one or a batch; beside a request field `at` the argument is asOf', async () => {
    const later = '2026-01-31T12:00:00.001Z';
    const one = await app.query(`{ now: userPage(userId: "-5") { visits7d { state } } then: userPage(userId: "-5", at: "${later}") { visits7d { state } } }`);
    expect(one.data).toEqual({ now: { visits7d: { state: 'PRESENT' } }, then: { visits7d: { state: 'EXPIRED' } } });
    const batch = await app.query(`{ userPageBatch(entities: [{ userId: "-5" }], at: "${later}") { visits7d { state } } }`);
    expect(batch.data).toEqual({ userPageBatch: [{ visits7d: { state: 'EXPIRED' } }] });
    const request = await app.query(`{ fraudFeatures(userId: 7, amount: 1, at: "2026-01-31", asOf: "${later}") { payments1d { eventTime } } }`);
    expect(request.data).toEqual({ fraudFeatures: { payments1d: { eventTime: later } } });
    expect((await app.query('{ userPage(userId: 7, at: "noon") { visits7d { state } } }')).errors[0]).toMatchObject({ extensions: { code: 'INVALID_TIMESTAMP' } });
  });

  it('accepts int64 as text or number, as a literal or a variable, with every digit', async () => {
    const literals = await app.query(`{ a: userPage(userId: 9223372036854775807) { visits7d { value } } b: userPage(userId: "9223372036854775807") { visits7d { value } } c: userPage(userId: 9223372036854775806) { visits7d { state } } }`);
    expect(literals.data).toEqual({ a: { visits7d: { value: 3 } }, b: { visits7d: { value: 3 } }, c: { visits7d: { state: 'MISSING' } } });
    const byNumber = await app.query('query ($id: Int64!) { userPage(userId: $id) { visits7d { value } } }', { id: -6 });
    expect(byNumber.data.userPage.visits7d.value).toBe(3);
  });

  it('keeps composite and unicode keys apart, with an enum among them', async () => {
    const query = 'query ($country: String!, $no: Int!, $kind: BranchKind!) { branchPage(country: $country, branchNo: $no, kind: $kind) { turnover7d { value state } } }';
    const value = async (variables: object) => (await app.query(query, variables)).data.branchPage.turnover7d.value as unknown;
    const country = '日本 "x"\n🏯';
    expect(await value({ country, no: 12, kind: 'shop' })).toBe(1.5);
    expect(await value({ country, no: 1, kind: 'shop' })).toBe(2.5);
    expect(await value({ country: `${country}1`, no: 2, kind: 'shop' })).toBeNull();
    expect(await value({ country, no: 12, kind: 'depot' })).toBeNull();
  });

  it('folds the request into windows that include it, and takes dates as ISO text or epoch milliseconds', async () => {
    const query = 'query ($at: Timestamp!) { fraudFeatures(userId: 7, amount: 12.5, at: $at) { payments1d { value state } meanAmount1d { value state eventTime } } }';
    const expected = { payments1d: { value: 1, state: 'PRESENT' }, meanAmount1d: { value: 12.5, state: 'PRESENT', eventTime: '2026-01-31T12:00:00.000Z' } };
    for (const at of ['2026-01-31T12:00:00Z', '2026-01-31 12:00', '2026-01-31', NOW]) expect((await app.query(query, { at })).data).toEqual({ fraudFeatures: expected });
    expect((await app.query(query, { at: 'yesterday' })).errors[0]).toMatchObject({ extensions: { code: 'INVALID_VALUE' }, message: expect.stringContaining('yesterday') });
  });

  it('is null where the sum is beyond float64', async () => {
    const { data } = await app.query('{ branchPage(country: "too much", branchNo: 1, kind: shop) { turnover7d { value state } } }');
    expect(data).toEqual({ branchPage: { turnover7d: { value: null, state: 'NULL' } } });
  });

  it('answers a batch of a thousand in order, with repeats', async () => {
    const entities = Array.from({ length: 1_000 }, (_, i) => ({ userId: i % 10 }));
    const { status, data } = await app.query('query ($entities: [UserPageKey!]!) { userPageBatch(entities: $entities) { visits7d { state } } }', { entities });
    expect(status).toBe(200);
    const states: Record<number, string> = { 6: 'EXPIRED', 7: 'PRESENT' };
    expect(data.userPageBatch).toEqual(entities.map(({ userId }) => ({ visits7d: { state: states[userId] ?? 'MISSING' } })));
    expect((await app.query('{ userPageBatch(entities: []) { visits7d { state } } }')).data).toEqual({ userPageBatch: [] });
  });

  it('gives the same answers interpreted (first time) and compiled (from the second), alone and at once', async () => {
    const query = `query Same($id: Int64!, $with: Boolean!) { userPage(userId: $id) { ...F renamed: visits7d @include(if: $with) { value state } } } fragment F on UserPage { ${ALL} __typename }`;
    const first = await app.query(query, { id: '7', with: true });
    const many = await Promise.all(Array.from({ length: 100 }, (_, i) => app.query(query, { id: String(i % 2 === 0 ? 7 : -6), with: i % 4 === 0 })));
    expect(many[0]!.data).toEqual(first.data);
    many.forEach(({ data, status }, i) => {
      expect(status).toBe(200);
      expect(data.userPage.visits7d.value).toBe(i % 2 === 0 ? 0 : 3);
      expect(data.userPage).toEqual('renamed' in data.userPage ? { ...data.userPage, renamed: { value: i % 2 === 0 ? 0 : 3, state: 'PRESENT' } } : data.userPage);
      expect('renamed' in data.userPage).toBe(i % 4 === 0);
    });
  });

  it('is described by its declaration', async () => {
    const { data } = await app.query('{ __type(name: "UserPage") { fields { name description type { ofType { name } } } } state: __type(name: "FeatureState") { enumValues { name } } kind: __type(name: "UserActivityLastKind30d") { enumValues { name } } }');
    const fields = Object.fromEntries(data.__type.fields.map((each: { name: string }) => [each.name, each])) as Record<string, { description: string; type: { ofType: { name: string } } }>;
    expect(fields['visits7d']!.description).toBe('count where amount > 0 over 7d [), of events. int32; feature view user_activity of user. Expires after 90d.');
    expect(fields['lastKind30d']!.description).toContain('over 30d (], ending 1d ago');
    expect(Object.fromEntries(Object.entries(fields).map(([name, { type }]) => [name, type.ofType.name]))).toEqual({
      visits7d: 'IntFeature',
      points7d: 'Int64Feature',
      mean7d: 'FloatFeature',
      lastKind30d: 'UserActivityLastKind30dFeature',
      mood: 'StringFeature',
      member: 'BooleanFeature',
      since: 'TimestampFeature',
      tags: 'StringListFeature',
    });
    expect(data.state.enumValues.map((each: { name: string }) => each.name)).toEqual(['PRESENT', 'NULL', 'MISSING', 'EXPIRED']);
    expect(data.kind.enumValues.map((each: { name: string }) => each.name)).toEqual(['shop', 'depot']);
  });

  it('is listed by featureServices, and its views with their freshness by status', async () => {
    const spending = snapshot.views.find(({ name }) => name === 'spending')!;
    await app.store.writeMeta(watermarkName(PROJECT, spending), null);
    const { data } = await app.query('{ status { snapshotId appliedAt featureViews { name entity version asOf rows features { name type } } } featureServices { name field entities features { name type description } } }');
    expect(data.status.featureViews.map((each: { name: string; asOf: string | null }) => [each.name, each.asOf])).toEqual([
      ['branch_turnover', '2026-01-31T12:00:00.000Z'],
      ['spending', null],
      ['user_activity', '2026-01-31T12:00:00.000Z'],
    ]);
    await noteOnline(app.store, PROJECT, [spending], NOW);
    expect(data.status.snapshotId).toMatch(/^[0-9a-f]{64}$/);
    expect(data.featureServices).toContainEqual({
      name: 'branch_page',
      field: 'branchPage',
      entities: ['branch'],
      features: [{ name: 'turnover7d', type: 'float64', description: expect.stringContaining('sum of amount over 7d') }],
    });
  });
});
