import { clickhouseType, eventsTable } from '@granary/contracts';
import { createIntake, createPublisher } from '@granary/jobs';
import type { OfflineStore } from '@granary/offline-store';
import { rowKeys } from '@granary/online-store';
import { FeatureReader } from '@granary/serving';
import type { StorePair } from './bare-stores.js';
import { PROJECT } from './declarations.js';
import { callRows } from './harness.js';
import { paymentsSnapshot } from './payments.js';
import type { Bench } from './suite.js';

const FLOOR = 'bench_floor';
const CUSTOMERS = 1_000;

interface PaymentRow {
  readonly transactionId: number;
  readonly customerId: number;
  readonly terminalId: number;
  readonly amount: number;
  readonly fraud: boolean;
  readonly at: number;
}

/**
 * Payments taken in, stored, published to both of their views and acknowledged. The floor stores the same rows by a bare
 * insert into a table of the same columns: no check, no look for duplicates, nothing online.
 */
export async function intaking(bench: Bench, store: OfflineStore, { kind, store: online, bareRead }: StorePair): Promise<void> {
  const snapshot = paymentsSnapshot();
  const source = snapshot.sources[0]!;
  const [view, entity] = [snapshot.views[0]!, snapshot.entities.find(({ name }) => name === snapshot.views[0]!.entity)!];
  const names = source.fields.map(({ name }) => name);
  await store.dropTable(eventsTable(source));
  await store.dropTable(FLOOR);
  await store.createTable({ name: FLOOR, columns: source.fields.map(({ name, type }) => ({ name, type: clickhouseType(type) })), orderBy: ['at'] });
  const sink = createIntake({ store, snapshot, publisher: createPublisher(store, online, snapshot, { project: PROJECT }) });
  const reader = new FeatureReader(snapshot, online, { project: PROJECT });
  const keyOf = rowKeys(PROJECT, entity, view.name, view.version);

  let id = 0;
  const payment = (): PaymentRow => ({ transactionId: ++id, customerId: id % CUSTOMERS, terminalId: id % 500, amount: id % 90, fraud: false, at: Date.now() });
  const payments = (count: number): PaymentRow[] => Array.from({ length: count }, payment);
  const accept = async (rows: readonly PaymentRow[]): Promise<void> => {
    const { accepted } = await sink.accept(source.name, rows, { origin: 'bench' });
    if (accepted !== rows.length) throw new Error(`${accepted} of ${rows.length} payments were accepted`);
  };
  const insert = (rows: readonly PaymentRow[]): Promise<void> =>
    store.insertRows(FLOOR, names, rows.map(({ transactionId, customerId, terminalId, amount, fraud, at }) => [BigInt(transactionId), BigInt(customerId), BigInt(terminalId), amount, fraud, at]));

  const options = { rounds: bench.quick ? 1 : 3, signal: bench.signal };
  const calls = bench.quick ? 20 : 100;
  const visible = {
    ours: async (): Promise<void> => {
      const event = payment();
      await accept([event]);
      const [row] = await reader.rows('fraud_features', [{ customerId: event.customerId, terminalId: event.terminalId, amount: 1, at: Date.now() }]);
      // The request is counted as well.
      if ((row!.values['payments1d']!.value as number) < 2) throw new Error('an acknowledged payment is not in the next read');
    },
    floor: async (): Promise<unknown> => {
      const event = payment();
      await insert([event]);
      return bareRead([keyOf([BigInt(event.customerId)])]);
    },
  };
  try {
    bench.add(...(await callRows('online', `${kind} intake, 100 events a call`, { ours: () => accept(payments(100)), floor: () => insert(payments(100)) }, { ...options, calls, scale: 100 })));
    bench.add(...(await callRows('online', `${kind} intake, event to visible in a read`, visible, { ...options, calls, scale: 1 })));
  } finally {
    await sink.close();
  }
}
