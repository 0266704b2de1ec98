import { backfill, type BackfillOptions } from '@granary/jobs';
import { backfillTable, eventsTable, identifier, type Instant, type Snapshot, type Source } from '@granary/contracts';
import type { Payment } from '@granary/feature-defs/payments/simulator';
import { OfflineStore, type EventRow } from '@granary/offline-store';
import { median, resetPeak, row } from './harness.js';
import { DAY, paymentsSnapshot, simulate } from './payments.js';
import type { Bench, Suite } from './suite.js';

/** A series of daily instants over all payments, and what bringing it up to new ones costs. */
export const backfills: Suite = {
  name: 'backfill',
  about: 'daily series of the payments’ views · floors: a hand-written scan a day; the whole series again after 1 % new data; no limit of memory',
  async run(bench) {
    const snapshot = paymentsSnapshot();
    for (const scale of bench.quick ? [1] : [1, 4, 16]) {
      const store = await OfflineStore.open({ kind: 'embedded', path: bench.folder() });
      try {
        await measure(bench, store, snapshot, scale);
      } finally {
        await store.close();
      }
    }
  },
};

/** Of all payments: how many arrive at once after the first load. */
const NEW_SHARE = 0.01;
/** Of the new ones: how many are late by anything up to the whole history; the others are the newest. */
const LATE_SHARE = 0.05;
const ROUNDS = 3;

async function measure(bench: Bench, store: OfflineStore, snapshot: Snapshot, scale: number): Promise<void> {
  const source = snapshot.sources[0]!;
  const { first, later } = arrivals(simulate(scale, bench.quick));
  const payments = first.length;
  await store.ensureSource(source);
  await store.appendEvents(source, first.map(eventOf), { signal: bench.signal });
  const [begin, end] = [first[0]!.at, Math.max(...later.flat().map(({ at }) => at))];
  const instants = Array.from({ length: Math.ceil((end - begin) / DAY) + 1 }, (_, day) => begin + day * DAY);
  const name = (what: string): string => `${what}, ${payments} payments`;
  const run = async (more: Partial<BackfillOptions> = {}): Promise<{ readonly ms: number; readonly rows: number }> => {
    const started = performance.now();
    const results = await backfill(store, snapshot, { instants, signal: bench.signal, ...more });
    return { ms: performance.now() - started, rows: results.reduce((sum, { recomputed }) => sum + recomputed, 0) };
  };
  const drop = async (): Promise<void> => {
    for (const view of snapshot.views) await store.dropTable(backfillTable(view));
  };

  resetPeak();
  const whole = await run();
  const byHand = await scanEachDay(bench, store, snapshot, source, instants);
  if (byHand.rows !== whole.rows) throw new Error(`the floor is no floor: it has ${byHand.rows} rows, ours ${whole.rows}`);
  const perSecond = ({ ms, rows }: typeof whole): number => (rows / ms) * 1_000;
  bench.note(`${payments} payments, ${instants.length} days, ${snapshot.views.length} views: ${whole.rows} rows`);
  bench.add(row({ suite: 'backfill', name: name('whole series'), unit: 'rows/s', value: perSecond(whole), floor: perSecond(byHand), scale }));

  const times: number[] = [];
  let touched = 0;
  resetPeak();
  for (const events of later) {
    await store.appendEvents(source, events.map(eventOf), { signal: bench.signal });
    const { ms, rows } = await run();
    times.push(ms);
    touched += rows;
  }
  bench.note(`${later.length} times ${later[0]!.length} new payments touched ${touched} rows in all`);
  await drop();
  const again = await run();
  bench.add(row({ suite: 'backfill', name: name('series after 1 % new'), unit: 'ms', value: median(times), floor: Math.min(whole.ms, again.ms), scale }));

  const [size] = await store.rows({ sql: 'SELECT sum(data_uncompressed_bytes) AS bytes FROM system.parts WHERE active AND table = {table:String}', params: { table: eventsTable(source) } });
  const maxMemoryBytes = Math.max(16 * 1024 ** 2, Math.floor(Number(size!['bytes']) / 2));
  await drop();
  resetPeak();
  let chunks = 0;
  const bounded = await run({ maxMemoryBytes, onProgress: ({ total }) => void (chunks = Math.max(chunks, total ?? 0)) });
  bench.note(`with ${Math.round(maxMemoryBytes / 1024 ** 2)} MiB for all statements, half of the events' size: ${chunks} chunks`);
  bench.add(row({ suite: 'backfill', name: name('series within half the data’s size'), unit: 'ms', value: bounded.ms, floor: again.ms, scale }));
}

/** The first load, and what arrives later, in portions: the newest payments and a few late ones. */
function arrivals(payments: readonly Payment[]): { readonly first: readonly Payment[]; readonly later: readonly (readonly Payment[])[] } {
  const portion = Math.ceil(payments.length * NEW_SHARE);
  const late = Math.ceil(portion * LATE_SHARE);
  const newest = payments.length - ROUNDS * (portion - late);
  // Evenly over all the history.
  const held = new Set(Array.from({ length: ROUNDS * late }, (_, i) => Math.floor(((i + 0.5) * newest) / (ROUNDS * late))));
  const [old, lates] = [payments.slice(0, newest).filter((_, i) => !held.has(i)), [...held].map((i) => payments[i]!)];
  const later = Array.from({ length: ROUNDS }, (_, round) => [
    ...payments.slice(newest + round * (portion - late), newest + (round + 1) * (portion - late)),
    ...lates.filter((_, i) => i % ROUNDS === round),
  ]);
  return { first: old, later };
}

function eventOf({ transactionId, customerId, terminalId, amount, fraud, at }: Payment): EventRow {
  return { eventId: String(transactionId), eventTime: at, knownAt: at, values: [BigInt(transactionId), BigInt(customerId), BigInt(terminalId), amount, fraud, at] };
}

/** The plainest way to the same rows: each day's features by one scan over the payments, into a table. */
async function scanEachDay(bench: Bench, store: OfflineStore, snapshot: Snapshot, source: Source, instants: readonly Instant[]): Promise<{ readonly ms: number; readonly rows: number }> {
  const events = identifier(eventsTable(source));
  const instant = "fromUnixTimestamp64Milli({at:Int64}, 'UTC')";
  const within = (days: number, delay: number): string => `at > ${instant} - INTERVAL ${days + delay} DAY AND at <= ${instant} - INTERVAL ${delay} DAY`;
  const started = performance.now();
  let rows = 0;
  for (const [key, mean, delay] of [['customerId', 'amount', 0], ['terminalId', 'fraud', 7]] as const) {
    const columns = [1, 7, 30].flatMap((days) => [`countIf(${within(days, delay)}) AS c${days}`, `avgIf(${mean}, ${within(days, delay)}) AS m${days}`]);
    const select = `SELECT ${key}, ${instant} AS asOf, ${columns.join(', ')} FROM ${events} WHERE at <= ${instant} GROUP BY ${key}`;
    await store.dropTable('bench_by_hand');
    await store.command({ sql: `CREATE TABLE bench_by_hand ENGINE = MergeTree ORDER BY (asOf, ${key}) AS ${select} LIMIT 0`, params: { at: 0 } });
    for (const at of instants) await store.command({ sql: `INSERT INTO bench_by_hand ${select}`, params: { at } }, { signal: bench.signal });
    const [counted] = await store.rows({ sql: 'SELECT count() AS rows FROM bench_by_hand', params: {} });
    rows += Number(counted!['rows']);
  }
  const ms = performance.now() - started;
  await store.dropTable('bench_by_hand');
  if (rows === 0) throw new Error(`no rows of ${snapshot.views.length} views`);
  return { ms, rows };
}
