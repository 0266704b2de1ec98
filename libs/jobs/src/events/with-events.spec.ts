import type { EventScope } from '@granary/compiler';
import { EVENT, identifier, type ComputedSource, type FieldType, type Snapshot, type Source, type SourceField } from '@granary/contracts';
import { OfflineStore, type Row } from '@granary/offline-store';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ingestSource } from '../ingest/ingest-source.js';
import { DAY, START, append, naiveRows, randomFrom, randomSales, reports, sales, snapshot, type Sale } from '../testing/shop.js';
import { scratchFolder } from '../testing/stores.js';
import { currentHorizon, withEvents } from './with-events.js';

const seed = Number(process.env['SEED']);

const field = (name: string, type: FieldType, nullable = false): SourceField => ({ name, type, nullable });
const text: FieldType = { kind: 'string' };
const int64: FieldType = { kind: 'int64' };
const float64: FieldType = { kind: 'float64' };
const instant: FieldType = { kind: 'timestamp' };

function computedSource(name: string, computed: ComputedSource, fields: readonly SourceField[], more: Partial<Source> = {}): Source {
  return { kind: 'source', name, fields: [...fields], eventId: [], eventTime: 'at', knownAt: null, file: null, computed, ...more };
}

/** Turnover of each shop's day, told at its end. */
const days = computedSource(
  'days',
  {
    kind: 'sql',
    inputs: ['sales'],
    sql: `SELECT owner, shopId, toStartOfDay(at) + INTERVAL 1 DAY AS at, sum(amount) AS turnover, count() AS sales, 'cash;' AS payment -- ; {{no}}
      FROM {{sales}} GROUP BY owner, shopId, at`,
  },
  [field('owner', text), field('shopId', int64), field('turnover', float64, true), field('sales', { kind: 'int32' }), field('at', instant)],
  { eventId: ['owner', 'shopId', 'at'] },
);
/** Every version of every report, with what was known of its shop at its time. */
const enriched = computedSource(
  'enriched',
  {
    kind: 'enriched',
    events: 'reports',
    views: [
      { view: 'shop_sales', features: ['sales1d', 'lastPayment'] },
      { view: 'shop_reports', features: ['turnover7d'] },
    ],
  },
  [...reports.fields, field('sales1d', { kind: 'int32' }, true), field('lastPayment', text, true), field('turnover7d', float64, true)],
  { eventId: ['saleId'], knownAt: 'reportedAt' },
);

let folder: ReturnType<typeof scratchFolder>;
let store: OfflineStore;
beforeAll(async () => {
  folder = scratchFolder();
  store = await OfflineStore.open({ kind: 'embedded', path: folder.dir });
});
afterAll(async () => {
  await store.close();
  folder.remove();
});
beforeEach(async () => {
  for (const source of [sales, reports]) await store.dropTable(`events_${source.name}`);
});

// The base events have the key under the entity's name.
const views = snapshot.views.map((view) => ({ ...view, keyFields: ['tenant', 'shopId'] }));
const world = (...sources: readonly Source[]): Snapshot => ({ ...snapshot, views, sources: [...snapshot.sources, ...sources] });

/** The events of a computed source, in order of arrival, without their event columns. */
async function eventsOf(source: Source, others: readonly Source[] = [], horizon?: ReadonlyMap<string, number>): Promise<readonly Row[]> {
  return withEvents(store, world(source, ...others), [source], { horizon }, async ({ computed }) =>
    store.rows({ sql: `SELECT * EXCEPT (${[EVENT.id, EVENT.time, EVENT.knownAt, EVENT.sequence].map(identifier).join(', ')}) FROM ${identifier(computed!.get(source.name)!)} ORDER BY ${identifier(EVENT.sequence)}`, params: {} }),
  );
}

const sale = (id: string, more: Partial<Sale> = {}): Sale => ({ id, tenant: 'a', shopId: 1n, amount: 2, payment: 'cash', tags: [], at: START, ...more });

describe('a SQL source', () => {
  it('has a typed event for each row of its query, in order of time', async () => {
    await append(store, sales, [sale('s1'), sale('s2', { amount: null }), sale('s3', { at: START + DAY, amount: 5 }), sale('s4', { tenant: 'b', amount: null })]);
    expect(await eventsOf(days)).toEqual([
      { owner: 'a', shopId: 1n, turnover: 2, sales: 2, at: START + DAY },
      { owner: 'b', shopId: 1n, turnover: null, sales: 1, at: START + DAY },
      { owner: 'a', shopId: 1n, turnover: 5, sales: 1, at: START + 2 * DAY },
    ]);
  });

  it('sees the last versions of its inputs among what had arrived by the horizon, and one event of an id', async () => {
    await append(store, reports, [sale('s1'), sale('s1', { amount: 3, reportedAt: START + 2 }), sale('s2', { amount: 9 })]);
    const horizon = await currentHorizon(store, world(), [reports]);
    await append(store, reports, [sale('s2', { amount: 10, reportedAt: START + 1 })]);
    const twice = computedSource('twice', { kind: 'sql', inputs: ['reports'], sql: 'WITH all AS (SELECT saleId, amount, at FROM {{reports}}) SELECT * FROM all UNION ALL SELECT * FROM all' }, [field('saleId', text), field('amount', float64), field('at', instant)]);
    expect(await eventsOf(twice, [], horizon)).toHaveLength(2);
    expect(new Set((await eventsOf(twice, [], horizon)).map((row) => row['amount']))).toEqual(new Set([3, 9]));
    expect(new Set((await eventsOf(twice)).map((row) => row['amount']))).toEqual(new Set([3, 10]));
  });

  it('says what its query lacks, and which value is not as declared', async () => {
    await append(store, sales, [sale('s1'), sale('s2', { amount: null, shopId: 2n ** 40n })]);
    const of = (sql: string, ...fields: readonly SourceField[]): Promise<unknown> => eventsOf(computedSource('bad', { kind: 'sql', inputs: ['sales'], sql }, [field('at', instant), ...fields]));
    const invalid = (message: string): object => ({ code: 'DEFINITION_INVALID', message: expect.stringContaining(message), todo: expect.any(String) });
    await expect(of('SELECT at FROM {{sales}}', field('amount', float64))).rejects.toMatchObject(invalid('no column amount'));
    await expect(of('SELECT at, payment AS amount FROM {{sales}}', field('amount', float64))).rejects.toMatchObject(invalid('column amount is String, where float64'));
    await expect(of('SELECT toInt64(1) AS at FROM {{sales}}')).rejects.toMatchObject(invalid('column at is Int64, where timestamp'));
    await expect(of('SELECT at, gone FROM {{sales}}')).rejects.toMatchObject(invalid('gone'));
    await expect(of('SELECT at FROM {{reports}}')).rejects.toMatchObject(invalid('{{reports}}, which is none of its inputs'));
    await expect(of('SELECT at FROM {{sales}}; DROP TABLE events_sales')).rejects.toMatchObject(invalid('semicolon'));
    await expect(of('SELECT at FROM {{sales}}) UNION ALL (SELECT now()')).rejects.toMatchObject(invalid('bracket'));
    await expect(of('DROP TABLE events_sales')).rejects.toMatchObject(invalid('no query'));
    const wrong = (message: string): object => ({ code: 'INVALID_VALUE', message: `source bad: a value of ${message}` });
    await expect(of('SELECT at, amount FROM {{sales}}', field('amount', float64))).rejects.toMatchObject(wrong('amount is not float64'));
    await expect(of('SELECT at, shopId FROM {{sales}}', field('shopId', { kind: 'int32' }, true))).rejects.toMatchObject(wrong('shopId is not null or int32'));
    await expect(of('SELECT at, payment FROM {{sales}}', field('payment', { kind: 'enum', values: ['card'] }))).rejects.toMatchObject(wrong('payment is not enum'));
    await expect(of('SELECT at, [1, inf] AS sizes FROM {{sales}}', field('sizes', { kind: 'array', of: float64 }))).rejects.toMatchObject(wrong('sizes is not array<float64>'));
    expect(await of('SELECT at, amount / 0 AS amount FROM {{sales}}', field('amount', float64, true))).toEqual([{ at: START, amount: null }]);
    expect(await of('SELECT at, amount FROM {{sales}} WHERE amount IS NOT NULL', field('amount', float64))).toEqual([{ at: START, amount: 2 }]);
    expect(await store.rows({ sql: "SELECT name FROM system.tables WHERE startsWith(name, 'granary_stage')", params: {} })).toEqual([]);
  });
});

describe(`an enriched source (seed ${seed})`, () => {
  const random = randomFrom(seed);
  const sold = randomSales(random, 200, 6);
  // Reported late, corrected, moved to another shop.
  const told = randomSales(random, 150, 6).flatMap((each): Sale[] => {
    const first = { ...each, reportedAt: each.at + Math.floor(random() * 3) * DAY };
    return random() < 0.3 ? [first, { ...first, shopId: BigInt(Math.floor(random() * 6)), reportedAt: first.reportedAt + DAY }] : [first];
  });

  it('has every version of its base events, with features as of the event time', async () => {
    await append(store, sales, sold);
    await append(store, reports, told);
    const rows = await eventsOf(enriched);
    expect(rows).toEqual(
      told.map((each) => {
        const own = naiveRows(sold, each.at).get(`${each.tenant}/${each.shopId}`);
        const said = naiveRows(told, each.at).get(`${each.tenant}/${each.shopId}`);
        return {
          saleId: each.id, owner: each.tenant, tenant: `not ${each.tenant}`, shopId: each.shopId, amount: each.amount, payment: each.payment, tags: each.tags, at: each.at, reportedAt: each.reportedAt,
          sales1d: own?.[1] ?? null, lastPayment: own?.[5] ?? null, turnover7d: said === undefined ? null : expect.closeTo(said[2] ?? 0, 6),
        };
      }),
    );
  });

  it('can be read by others, which can be read by others', async () => {
    await append(store, sales, sold);
    await append(store, reports, told);
    const busy = computedSource('busy', { kind: 'sql', inputs: ['enriched', 'days'], sql: 'SELECT e.saleId AS saleId, e.at AS at, e.tenant AS tenant, e.shopId AS shopId, e.sales1d AS before, d.turnover AS turnover FROM {{enriched}} AS e LEFT JOIN {{days}} AS d ON d.owner = e.owner AND d.shopId = e.shopId AND d.at = toStartOfDay(e.at)' }, [
      field('saleId', text), field('tenant', text), field('shopId', int64), field('before', { kind: 'int32' }, true), field('turnover', float64, true), field('at', instant),
    ], { eventId: ['saleId'] });
    const last = computedSource('last', { kind: 'enriched', events: 'busy', views: [{ view: 'shop_sales', features: ['amount'] }] }, [...busy.fields, field('amount', float64, true)], { eventId: ['saleId'] });
    const rows = await eventsOf(last, [busy, enriched, days]);
    const newest = new Map(told.map((each) => [each.id, each]));
    expect(rows).toHaveLength(newest.size);
    for (const row of rows) {
      const each = newest.get(row['saleId'] as string)!;
      const own = naiveRows(sold, each.at).get(`${each.tenant}/${each.shopId}`);
      const day = Math.floor(each.at / DAY) * DAY;
      const amounts = sold.filter((s) => s.tenant === each.tenant && s.shopId === each.shopId && s.at >= day - DAY && s.at < day).flatMap(({ amount }) => (amount === null ? [] : [amount]));
      expect(row).toEqual({
        saleId: each.id, tenant: `not ${each.tenant}`, shopId: each.shopId, at: each.at, before: own?.[1] ?? null, amount: own?.[6] ?? null,
        turnover: amounts.length === 0 ? null : expect.closeTo(amounts.reduce((a, b) => a + b, 0), 6),
      });
    }
  });

  it('takes no events from outside', async () => {
    await expect(ingestSource(store, enriched, 'any.csv')).rejects.toMatchObject({ code: 'DEFINITION_INVALID', todo: 'Ingest reports.' });
  });

  it('is not there without its table', async () => {
    const none: EventScope = { computed: new Map() };
    const { compileEventSpine } = await import('@granary/compiler');
    expect(() => compileEventSpine(enriched, none)).toThrow('not put into a table');
  });
});
