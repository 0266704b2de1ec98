import { compileBackfill, compileDataset, compileEventSpine, SPINE } from '@granary/compiler';
import { eventsTable, identifier, type Snapshot, type Source, type Statement } from '@granary/contracts';
import { OfflineStore } from '@granary/offline-store';
import { latestService } from './declarations.js';
import { WINDOWS, asofJoins, paymentWindows } from './hand-written.js';
import { interleave, resetPeak, row } from './harness.js';
import { DAY, paymentsSnapshot, simulate } from './payments.js';
import type { Bench, Suite } from './suite.js';

/** The compiled SQL against the plainest hand-written query that gives the same numbers; equality is checked first. */
export const features: Suite = {
  name: 'features',
  about: 'backfill and training set of payments by the compiled SQL · floor: hand-written SQL, the same numbers',
  async run(bench) {
    const snapshot = paymentsSnapshot();
    const source = snapshot.sources[0]!;
    const store = await OfflineStore.open({ kind: 'embedded', path: bench.folder() });
    bench.defer(() => store.close());
    for (const scale of bench.quick ? [1] : [1, 4, 16, ...(bench.full ? [35] : [])]) {
      const events = simulate(scale, bench.quick);
      await store.dropTable(eventsTable(source));
      await store.ensureSource(source);
      const rows = events.map((each) => ({
        eventId: String(each.transactionId),
        eventTime: each.at,
        knownAt: each.at,
        values: [BigInt(each.transactionId), BigInt(each.customerId), BigInt(each.terminalId), each.amount, each.fraud, each.at],
      }));
      await store.appendEvents(source, rows, { signal: bench.signal });
      const tasks = backfills(snapshot, source, events.at(-1)!.at - 7 * DAY);
      tasks.push(await dataset(store, snapshot, source));
      for (const task of tasks) await measure(bench, store, task, events.length, scale);
    }
    await store.dropTable(eventsTable(source));
    await latest(bench, store);
  },
};

interface Task {
  readonly name: string;
  readonly ours: Statement;
  readonly floor: Statement;
  /** Of both results: what tells one row from another, and the numbers. `ours` may be an expression over our columns. */
  readonly key: string;
  readonly numbers: readonly { readonly ours: string; readonly floor: string }[];
}

async function measure(bench: Bench, store: OfflineStore, task: Task, events: number, scale: number, what = `${events} payments`): Promise<void> {
  const options = { signal: bench.signal };
  const rows = await verify(bench, store, task);
  bench.note(`${task.name}, ${what}: ${rows} rows, the same numbers both ways`);
  resetPeak();
  // Every column is computed and the result is in order, as if it were written; nothing is sent or stored.
  const run = ({ sql, params }: Statement) => () => store.command({ sql: `${sql}\nFORMAT Null`, params }, options);
  const times = await interleave({ ours: run(task.ours), floor: run(task.floor) }, { rounds: 5, budgetMs: 4_000, warmUp: false, ...options });
  const perSecond = (ms: number): number => (events / ms) * 1_000;
  bench.add(row({ suite: 'features', name: `${task.name}, ${what}`, unit: 'rows/s', value: perSecond(times.ours), floor: perSecond(times.floor), scale }));
}

/** Throws unless both give the same rows and, to 1e-9 relative, the same numbers. Returns how many rows. */
async function verify(bench: Bench, store: OfflineStore, { name, ours, floor, key, numbers }: Task): Promise<number> {
  const options = { signal: bench.signal };
  for (const [table, { sql, params }] of [['bench_ours', ours], ['bench_floor', floor]] as const) {
    await store.dropTable(table);
    await store.command({ sql: `CREATE TABLE ${table} ENGINE = Memory AS ${sql}`, params }, options);
  }
  const differs = numbers.map((number) => `abs(${number.ours} - ${number.floor}) > 1e-9 * greatest(1, abs(${number.floor}))`);
  const [found] = await store.rows(
    {
      sql: `SELECT (SELECT count() FROM bench_ours) AS ours, (SELECT count() FROM bench_floor) AS floor, count() AS both, countIf(ifNull(${differs.join(' OR ')}, true)) AS different
FROM bench_ours AS o INNER JOIN bench_floor AS f ON o.${key} = f.${key}`,
      params: {},
    },
    options,
  );
  const counts = { ours: Number(found!['ours']), floor: Number(found!['floor']), both: Number(found!['both']), different: Number(found!['different']) };
  if (counts.ours !== counts.floor || counts.both !== counts.ours || counts.different > 0) throw new Error(`${name}: the floor is no floor, it answers differently: ${JSON.stringify(counts)}`);
  for (const table of ['bench_ours', 'bench_floor']) await store.dropTable(table);
  return counts.ours;
}

function backfills(snapshot: Snapshot, source: Source, at: number): Task[] {
  const table = identifier(eventsTable(source));
  const instant = "fromUnixTimestamp64Milli({at:Int64}, 'UTC')";
  const inWindow = (days: number, delay: number): string => `at > ${instant} - INTERVAL ${days + delay} DAY AND at <= ${instant} - INTERVAL ${delay} DAY`;
  const compiled = (view: string): Statement => {
    const found = snapshot.views.find((each) => each.name === view)!;
    return compileBackfill(found, snapshot.entities.find((each) => each.name === found.entity)!, source, at);
  };
  const byHand = (key: string, mean: string, delay: number): Statement => ({
    sql: `SELECT ${key}, ${WINDOWS.map((days) => `countIf(${inWindow(days, delay)}) AS c${days}, avgIf(${mean}, ${inWindow(days, delay)}) AS m${days}`).join(', ')} FROM ${table} WHERE at <= ${instant} GROUP BY ${key}`,
    params: { at },
  });
  const numbers = (count: string, mean: string): Task['numbers'] =>
    WINDOWS.flatMap((days) => [
      { ours: `o.${count}${days}d`, floor: `f.c${days}` },
      // Stored as parts; an average of nothing is null of ours and NaN of theirs.
      { ours: `ifNull(o.${mean}${days}d__sum / nullIf(o.${mean}${days}d__count, 0), 0)`, floor: `ifNotFinite(f.m${days}, 0)` },
    ]);
  return [
    { name: 'backfill customers', ours: compiled('customer_spending'), floor: byHand('customerId', 'amount', 0), key: 'customerId', numbers: numbers('payments', 'meanAmount') },
    { name: 'backfill terminals', ours: compiled('terminal_risk'), floor: byHand('terminalId', 'fraud', 7), key: 'terminalId', numbers: numbers('terminalPayments', 'terminalRisk') },
  ];
}

/** For every payment, its customer's and its terminal's windows as of it. */
async function dataset(store: OfflineStore, snapshot: Snapshot, source: Source): Promise<Task> {
  const spine = compileEventSpine(source);
  await store.dropTable('bench_spine');
  await store.command({ sql: `CREATE TABLE bench_spine ENGINE = MergeTree ORDER BY ${SPINE.row} AS ${spine.sql}`, params: spine.params });
  const service = snapshot.services.find((each) => each.name === 'fraud_features')!;
  return {
    name: 'training set',
    ours: compileDataset(snapshot, service, { table: 'bench_spine', columns: ['transactionId'], events: source.name }),
    floor: paymentWindows(source),
    key: 'transactionId',
    numbers: WINDOWS.flatMap((days) => [
      { ours: `o.payments${days}d`, floor: `f.c${days}` },
      { ours: `o.meanAmount${days}d`, floor: `f.m${days}` },
      { ours: `o.terminalPayments${days}d`, floor: `f.tc${days}` },
      { ours: `o.terminalRisk${days}d`, floor: `ifNotFinite(f.tm${days}, 0)` },
    ]),
  };
}

/** The newest value of five views at a million rows, of twenty million events with `full`. */
async function latest(bench: Bench, store: OfflineStore): Promise<void> {
  const [rows, events, things] = bench.quick ? [1_000, 4_000, 100] : bench.full ? [1_000_000, 4_000_000, 100_000] : [200_000, 800_000, 20_000];
  const views = Array.from({ length: 5 }, (_, i) => ({ feature: `value${i}`, name: `facts_${i}` }));
  const snapshot = latestService(views);
  const sources = views.map(({ name }) => snapshot.sources.find((source) => source.name === name)!);
  for (const [i, source] of sources.entries()) {
    await store.ensureSource(source);
    await store.command({
      sql: `INSERT INTO ${identifier(eventsTable(source))} (__event_id, __event_time, __known_at, __sequence, id, thingId, value, at)
SELECT toString(number), fromUnixTimestamp64Milli(toInt64(number * 1000), 'UTC') AS t, t, number + 1, number, cityHash64(number, ${i}) % ${things}, number / 3, t FROM numbers(${events})`,
      params: {},
    }, { signal: bench.signal });
  }
  await store.dropTable('bench_spine');
  await store.command({
    sql: `CREATE TABLE bench_spine ENGINE = MergeTree ORDER BY __row AS
SELECT number + 1 AS __row, fromUnixTimestamp64Milli(toInt64(cityHash64(number) % ${events * 1000}), 'UTC') AS __time, toInt64(cityHash64(number, 'ask') % ${things}) AS thingId FROM numbers(${rows})`,
    params: {},
  });
  const task: Task = {
    name: 'point in time',
    ours: compileDataset(snapshot, snapshot.services[0]!, { table: 'bench_spine', columns: [SPINE.row], events: null }),
    floor: asofJoins(views.map((view, i) => ({ ...view, source: sources[i]! })), 'bench_spine'),
    key: SPINE.row,
    numbers: views.map(({ feature }) => ({ ours: `ifNull(o.${feature}, -1)`, floor: `ifNull(f.${feature}, -1)` })),
  };
  await measure(bench, store, task, rows, 1, `${rows} rows with ${views.length * events} events in ${views.length} views`);
  for (const source of sources) await store.dropTable(eventsTable(source));
}
