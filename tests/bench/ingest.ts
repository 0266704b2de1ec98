import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { eventsTable } from '@granary/contracts';
import { ingestSource } from '@granary/jobs';
import { OfflineStore } from '@granary/offline-store';
import { interleave, resetPeak, row } from './harness.js';
import { paymentsSnapshot, simulate } from './payments.js';
import type { Suite } from './suite.js';

const COLUMNS = "transactionId Int64, customerId Int64, terminalId Int64, amount Float64, fraud Bool, at DateTime64(3, 'UTC')";

/** A CSV file through ingest against ClickHouse's own reader of the same file into a table of the same fields. */
export const ingest: Suite = {
  name: 'ingest',
  about: 'CSV rows into the offline store · floor: INSERT … SELECT FROM file() of the same file',
  async run(bench) {
    const source = paymentsSnapshot().sources[0]!;
    const folder = bench.folder();
    const store = await OfflineStore.open({ kind: 'embedded', path: bench.folder() });
    bench.defer(() => store.close());
    for (const scale of bench.quick ? [1] : [1, 4, 16]) {
      const file = join(folder, `payments-${scale}.csv`);
      const count = await writeCsv(file, simulate(scale, bench.quick));
      const ours = async (): Promise<void> => {
        const report = await ingestSource(store, source, file, { signal: bench.signal });
        if (report.inserted !== count) throw new Error(`${report.inserted} of ${count} rows were inserted`);
      };
      const floor = (): Promise<void> =>
        store.command({ sql: `INSERT INTO bench_floor SELECT * FROM file({file:String}, 'CSVWithNames', {columns:String})`, params: { file, columns: COLUMNS } }, { signal: bench.signal });
      const before = async (): Promise<void> => {
        await store.dropTable(eventsTable(source));
        await store.dropTable('bench_floor');
        await store.command({ sql: `CREATE TABLE bench_floor (${COLUMNS}) ENGINE = MergeTree ORDER BY (at, transactionId)`, params: {} });
      };
      resetPeak();
      const times = await interleave({ ours, floor }, { rounds: 5, budgetMs: 5_000, warmUp: scale === 1, before, signal: bench.signal });
      const perSecond = (ms: number): number => (count / ms) * 1_000;
      bench.add(row({ suite: 'ingest', name: `CSV, ${count} payments`, unit: 'rows/s', value: perSecond(times.ours), floor: perSecond(times.floor), scale }));
    }
  },
};

async function writeCsv(file: string, payments: ReturnType<typeof simulate>): Promise<number> {
  function* lines(): Generator<string> {
    yield 'transactionId,customerId,terminalId,amount,fraud,at\n';
    for (const { transactionId, customerId, terminalId, amount, fraud, at } of payments) {
      yield `${transactionId},${customerId},${terminalId},${amount},${fraud},${new Date(at).toISOString().slice(0, -1).replace('T', ' ')}\n`;
    }
  }
  await pipeline(Readable.from(lines()), createWriteStream(file));
  return payments.length;
}
