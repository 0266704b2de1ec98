import { EVENT, eventsTable, identifier } from '@granary/contracts';
import { materialise } from '@granary/jobs';
import { OfflineStore } from '@granary/offline-store';
import { watermarkName } from '@granary/online-store';
import { FeatureReader } from '@granary/serving';
import { openStores, type StorePair } from './bare-stores.js';
import { NOW, PROJECT, wideService } from './declarations.js';
import { callRows, interleave, resetPeak, row } from './harness.js';
import type { Bench, Suite } from './suite.js';
import { packedRows } from './wide-rows.js';

const ENTITIES = 10_000;
const MATERIALISED = 5_000;

/** Reads against the bare client reading the same bytes; materialise against a bare pipelined write of the same rows. */
export const online: Suite = {
  name: 'online',
  about: 'feature reads and materialise, on LMDB and Redis · floor: the bare client, the same bytes',
  async run(bench) {
    const stores = await openStores(bench);
    const shapes = bench.quick ? SHAPES.slice(0, 1) : SHAPES;
    for (const features of new Set(shapes.map((shape) => shape.features))) {
      const snapshot = wideService(features);
      const packed = packedRows(snapshot, ENTITIES);
      for (const pair of stores) {
        await pair.store.write(packed);
        await pair.bareWrite(packed);
        const reader = new FeatureReader(snapshot, pair.store, { project: PROJECT, now: () => NOW });
        for (const shape of shapes.filter((each) => each.features === features)) await reads(bench, pair, reader, packed.map(({ key }) => key), shape);
      }
    }
    await materialising(bench, stores);
  },
};

interface Shape {
  readonly rows: number;
  readonly features: number;
  readonly matrix: boolean;
}

const SHAPES: readonly Shape[] = [
  ...[1, 100, 500].map((rows) => ({ rows, features: 50, matrix: true })),
  // feast-benchmarks' shapes beyond those.
  ...[150, 250].flatMap((features) => [1, 100].map((rows) => ({ rows, features, matrix: false }))),
];

async function reads(bench: Bench, { kind, bareRead }: StorePair, reader: FeatureReader, keys: readonly string[], { rows, features, matrix }: Shape): Promise<void> {
  let next = 0;
  /** Other entities at each call, so that no cache serves the same ones again. */
  const window = (): number => (next = (next + 7_919) % (ENTITIES - rows));
  const requests = keys.map((_key, id) => ({ driverId: BigInt(id) }));
  const bare = (): Promise<unknown> => {
    const from = window();
    return bareRead(keys.slice(from, from + rows));
  };
  const ways = {
    rows: () => {
      const from = window();
      return reader.rows('wide_service', requests.slice(from, from + rows));
    },
    ...(matrix && {
      matrix: () => {
        const from = window();
        return reader.matrix('wide_service', {}, requests.slice(from, from + rows));
      },
    }),
  };
  const calls = bench.quick ? 20 : Math.max(40, Math.round(8_000 / (rows * (features / 50) + 20)));
  for (const [way, ours] of Object.entries(ways)) {
    const name = `${kind} ${way} ${rows} × ${features}`;
    bench.add(...(await callRows('online', name, { ours, floor: bare }, { calls, rounds: bench.quick ? 1 : 3, scale: rows, signal: bench.signal })));
  }
}

async function materialising(bench: Bench, stores: readonly StorePair[]): Promise<void> {
  const snapshot = wideService(50);
  const [view, source] = [snapshot.views[0]!, snapshot.sources[0]!];
  const offline = await OfflineStore.open({ kind: 'embedded', path: bench.folder() });
  bench.defer(() => offline.close());
  for (const scale of bench.quick ? [1] : [1, 4, 16]) {
    const count = bench.quick ? 500 : MATERIALISED * scale;
    await offline.dropTable(eventsTable(source));
    await offline.ensureSource(source);
    const values = source.fields.map(({ name }) => (name === 'driverId' ? 'toInt64(number)' : name === 'at' ? AT : `randNormal(0, 1, ${name.slice(1)})`));
    const columns = [EVENT.id, EVENT.time, EVENT.knownAt, EVENT.sequence, ...source.fields.map(({ name }) => name)].map(identifier);
    await offline.command({
      sql: `INSERT INTO ${identifier(eventsTable(source))} (${columns.join(', ')}) SELECT toString(number), ${AT}, ${AT}, number + 1, ${values.join(', ')} FROM numbers({count:UInt64})`,
      params: { now: NOW - 1_000, count },
    });
    const packed = packedRows(snapshot, count);
    const keys = packed.map(({ key }) => key);
    for (const { kind, store, bareWrite, clear } of stores) {
      const options = {
        rounds: 5,
        budgetMs: 2_500,
        signal: bench.signal,
        before: async () => {
          await clear(keys);
          await store.writeMeta(watermarkName(PROJECT, view), null);
        },
      };
      const ours = async (): Promise<void> => {
        const [result] = await materialise(offline, store, snapshot, { at: NOW, project: PROJECT, signal: bench.signal });
        if (result!.written !== count) throw new Error(`${result!.written} of ${count} rows were written`);
      };
      resetPeak();
      const times = await interleave({ ours, floor: () => bareWrite(packed) }, options);
      const perSecond = (ms: number): number => (count / ms) * 1_000;
      bench.add(row({ suite: 'online', name: `${kind} materialise ${count} × 50`, unit: 'rows/s', value: perSecond(times.ours), floor: perSecond(times.floor), scale }));
    }
  }
}

const AT = "fromUnixTimestamp64Milli({now:Int64}, 'UTC')";
