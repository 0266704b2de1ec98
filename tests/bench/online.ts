import { EVENT, eventsTable, identifier, type Snapshot } from '@granary/contracts';
import { materialise } from '@granary/jobs';
import { OfflineStore } from '@granary/offline-store';
import { watermarkName, type PackedRow } from '@granary/online-store';
import { noteOnline } from '@granary/online-store/testing';
import { FeatureReader } from '@granary/serving';
import { openStores, type StorePair } from './bare-stores.js';
import { NOW, PROJECT, wideService, windowService } from './declarations.js';
import { callRows, interleave, resetPeak, row } from './harness.js';
import { intaking } from './intake.js';
import type { Bench, Suite } from './suite.js';
import { packedValues } from './packed-values.js';

const ENTITIES = 10_000;
const WINDOW_ENTITIES = 2_000;
const EVENTS = 100;
const MATERIALISED = 5_000;
/** Of either side. */
const ROUND_MS = 200;
const WAYS = ['matrix', 'rows'] as const;

/** Reads against the bare client reading the same bytes; materialise against a bare pipelined write of the same rows. */
export const online: Suite = {
  name: 'online',
  about: 'feature reads, materialise and intake, on LMDB and Redis · floor: the bare client, the same bytes',
  selective: true,
  async run(bench) {
    const stores = await openStores(bench);
    for (const shape of bench.quick ? [SHAPES[0]!, WINDOWS] : [...SHAPES, WINDOWS]) {
      const rows = bench.quick ? shape.rows.slice(0, 1) : shape.rows;
      const wanted = stores.filter((pair) => rows.some((count) => WAYS.some((way) => bench.wants(readName(pair, way, count, shape)))));
      if (wanted.length === 0) continue;
      const packed = packedValues(shape.snapshot, bench.quick ? 200 : shape.entities, shape.events);
      for (const pair of wanted) {
        await pair.store.write(packed);
        await noteOnline(pair.store, PROJECT, shape.snapshot.views, NOW);
        await pair.bareWrite(packed);
        for (const count of rows) await reads(bench, pair, shape, packed, count);
        await pair.clear(packed.map(({ key }) => key));
      }
    }
    const [filled, fed] = ['materialise', 'intake'].map((what) => stores.filter(({ kind }) => bench.wants(`${kind} ${what}`)));
    if (filled!.length + fed!.length === 0) return;
    const offline = await OfflineStore.open({ kind: 'embedded', path: bench.folder() });
    bench.defer(() => offline.close());
    if (filled!.length > 0) await materialising(bench, offline, filled!);
    for (const pair of fed!) await intaking(bench, offline, pair);
  },
};

interface Shape {
  readonly snapshot: Snapshot;
  readonly about: string;
  readonly entities: number;
  /** In each entity's log. */
  readonly events: number;
  /** Entities in one call. */
  readonly rows: readonly number[];
}

const SHAPES: readonly Shape[] = [
  { snapshot: wideService(50), about: '× 50', entities: ENTITIES, events: 0, rows: [1, 100, 500] },
  // feast-benchmarks' shapes beyond that.
  ...[150, 250].map((features) => ({ snapshot: wideService(features), about: `× ${features}`, entities: ENTITIES / 2, events: 0, rows: [1, 100] })),
];
const WINDOWS: Shape = { snapshot: windowService(), about: `× 30 windows, ${EVENTS} events`, entities: WINDOW_ENTITIES, events: EVENTS, rows: [1, 100] };

function readName({ kind }: StorePair, way: (typeof WAYS)[number], rows: number, { about }: Shape): string {
  return `${kind} ${way} ${rows} ${about}`;
}

/** Features as a model takes them (matrix) and as an API answers them (rows: an object of value, state and time for each). */
async function reads(bench: Bench, pair: StorePair, shape: Shape, packed: readonly PackedRow[], rows: number): Promise<void> {
  const { store, bareRead } = pair;
  const { snapshot, events } = shape;
  const reader = new FeatureReader(snapshot, store, { project: PROJECT, now: () => NOW });
  const [service, id] = [snapshot.services[0]!.name, snapshot.entities[0]!.keys[0]!.name];
  const keys = packed.map(({ key }) => key);
  const requests = keys.map((_key, i) => ({ [id]: BigInt(i) }));
  let next = 0;
  /** Other entities at each call, so that no cache serves the same ones again. */
  const from = (): number => (next = (next + 7_919) % (keys.length - rows));
  const asked = (): typeof requests => {
    const first = from();
    return requests.slice(first, first + rows);
  };
  const bare = (): Promise<unknown> => {
    const first = from();
    return bareRead(keys.slice(first, first + rows));
  };
  const ways = { matrix: () => reader.matrix(service, {}, asked()), rows: () => reader.rows(service, asked()) };
  const calls = bench.quick ? 20 : Math.max(350, Math.round(40_000 / (rows * (events === 0 ? 1 : 4) + 20)));
  for (const way of WAYS) {
    const name = readName(pair, way, rows, shape);
    if (!bench.wants(name)) continue;
    bench.add(...(await callRows('online', name, { ours: ways[way], floor: bare }, { calls, roundMs: ROUND_MS, rounds: bench.quick ? 1 : 3, scale: rows, signal: bench.signal })));
  }
}

async function materialising(bench: Bench, offline: OfflineStore, stores: readonly StorePair[]): Promise<void> {
  const snapshot = wideService(50);
  const [view, source] = [snapshot.views[0]!, snapshot.sources[0]!];
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
    const packed = packedValues(snapshot, count);
    const keys = packed.map(({ key }) => key);
    for (const { kind, store, bareWrite, clear } of stores) {
      const options = {
        rounds: 3,
        budgetMs: 1_000,
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
