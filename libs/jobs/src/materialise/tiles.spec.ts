import { compileCompact, compileTailEvent, eventColumns, representView, type EntityState } from '@granary/aggregates';
import { compileState } from '@granary/compiler';
import { aggregateType, type AggregateFunction, type Feature, type Window } from '@granary/contracts';
import { OfflineStore } from '@granary/offline-store';
import { BASE, createStateCodec, packBases } from '@granary/online-store';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DAY, START, append, randomFrom, randomSales, reports, sales, shopReports, shopSales, snapshot, type Sale } from '../testing/shop.js';
import { scratchFolder } from '../testing/stores.js';

const random = randomFrom(Number(process.env['SEED']));
const below = (n: number): number => Math.floor(random() * n);
const HOUR = DAY / 24;
const SALES = 600;

const window: Window = { sizeMs: 3 * DAY, delayMs: 0, bounds: '[)', includeRequest: false, hopMs: 6 * HOUR };
function hopping(name: string, fn: AggregateFunction, column: string | null, more: Partial<Window> = {}, parameters: Partial<Feature['aggregate']> = {}): Feature {
  const type = aggregateType(fn, column === null ? null : sales.fields.find((field) => field.name === column)!.type);
  return { name, type, aggregate: { fn, column, where: null, window: { ...window, ...more }, default: null, ...parameters } };
}

const CASH: Feature['aggregate']['where'] = { kind: 'call', fn: 'eq', args: [{ kind: 'field', name: 'payment' }, { kind: 'literal', type: { kind: 'string' }, value: 'cash' }] };
const features: readonly Feature[] = [
  hopping('sales', 'count', null),
  hopping('week', 'count', null, { sizeMs: 7 * DAY }),
  hopping('turnover', 'sum', 'amount', {}, { where: CASH }),
  hopping('mean', 'avg', 'amount', { bounds: '[]' }),
  hopping('least', 'min', 'amount'),
  hopping('newest', 'max', 'at', { delayMs: DAY }),
  hopping('first', 'min', 'saleId', { hopMs: 7 * HOUR }),
  hopping('whose', 'max', 'shopId'),
  hopping('shops', 'sum', 'shopId', { delayMs: DAY }),
  hopping('spread', 'stddevSample', 'amount', { sizeMs: DAY }),
  hopping('variance', 'variancePopulation', 'amount'),
  hopping('cash', 'ratio', null, {}, { predicate: CASH }),
  hopping('pace', 'rate', null, { hopMs: 3 * DAY }, { unitMs: HOUR }),
  hopping('buyers', 'approxCountDistinct', 'payment'),
  hopping('sums', 'approxCountDistinct', 'amount', { sizeMs: 7 * DAY }, { where: CASH }),
  hopping('payers', 'countDistinct', 'payment'),
  hopping('amounts', 'countDistinct', 'amount', { delayMs: DAY }, { where: CASH }),
  hopping('top', 'topK', 'payment', {}, { n: 2 }),
  hopping('usual', 'topK', 'amount', { sizeMs: 7 * DAY }, { n: 3 }),
  hopping('ways', 'countBy', 'payment', { sizeMs: DAY }),
  hopping('middle', 'approxPercentile', 'amount', {}, { fraction: 0.5 }),
  hopping('fading', 'decayedSum', 'amount', {}, { halfLifeMs: 5 * HOUR }),
];

describe('tiles', () => {
  const folder = scratchFolder();
  let store: OfflineStore;
  beforeAll(async () => {
    store = await OfflineStore.open({ kind: 'embedded', path: folder.dir });
  });
  afterAll(async () => {
    await store.close();
    folder.remove();
  });

  it.each([{ source: sales, declared: shopSales }, { source: reports, declared: shopReports }])('of $source.name that materialise writes are those that a publisher folds, step by step', async ({ source, declared }) => {
    const view = { ...declared, features: [...features] };
    const { version } = view;
    const events = randomSales(random, SALES, 4).map((sale): Sale => ({ ...sale, at: sale.at + below(3) - 1, reportedAt: sale.at + 2 + below(2 * DAY) }));
    const arrived = events.map((sale) => ({ sale, rank: random() })).sort((a, b) => a.rank - b.rank).map(({ sale }) => sale);
    await append(store, source, arrived);
    const representation = representView(view, source);
    const codec = createStateCodec(representation, version);
    const asOf = START + 4 * DAY + below(64) * 6 * HOUR + below(3) - 1;
    const statement = packBases(representation, compileState(view, snapshot.entities[0]!, source, { at: asOf }), { keys: ['tenant', 'shopId'], version, sequence: SALES, asOf });
    const rows = await store.rows({ sql: `SELECT shopId, hex(${BASE}) AS base FROM (${statement.sql})`, params: statement.params });
    expect(rows).toHaveLength(4);

    const [compact, take] = [compileCompact(representation), compileTailEvent(representation.events, source)];
    for (const row of rows) {
      const frames = arrived.flatMap(({ id, tenant, shopId, amount, payment, tags, at, reportedAt = at }, i) =>
        String(shopId) === String(row['shopId']) ? [take({ sequence: i + 1, eventTime: at, knownAt: source.knownAt === null ? at : reportedAt, values: [id, tenant, `not ${tenant}`, shopId, amount, payment, tags, at, reportedAt] })] : [],
      );
      let state: EntityState = { sequence: 0, asOf: 0, row: null, log: eventColumns(representation.events, 0), tail: [] };
      for (let step = 1; step <= 4; step++) state = compact({ ...state, tail: frames }, { sequence: (step * SALES) / 4, asOf: asOf - (4 - step) * below(3 * DAY) });
      const materialised = codec.decode(Buffer.from(row['base'] as string, 'hex'));
      expect(near(materialised.row!, state.row!)).toEqual(state.row);
      expect(materialised.log.times).toEqual(state.log.times);
      for (const { startsAt } of representation.tiles) expect(materialised.row![startsAt]).not.toEqual([]);
    }
  });
});

/** The same, with floats of `expected` in the place of those that are as good. */
function near(actual: unknown, expected: unknown): unknown {
  if (Array.isArray(actual)) return actual.map((each, i) => near(each, (expected as readonly unknown[] | null)?.[i]));
  if (typeof actual !== 'number' || typeof expected !== 'number') return actual;
  return Math.abs(actual - expected) <= 1e-9 * Math.max(1, Math.abs(expected)) ? expected : actual;
}
