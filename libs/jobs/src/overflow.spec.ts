import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Snapshot } from '@granary/contracts';
import { OfflineStore } from '@granary/offline-store';
import { backfill } from './backfill/backfill.js';
import { writeDataset } from './dataset/dataset.js';
import { readRows } from './testing/parquet.js';

const AT = Date.UTC(2026, 0, 2);
const int64 = { kind: 'int64' } as const;
const snapshot: Snapshot = {
  format: 1,
  id: '0'.repeat(64),
  entities: [{ kind: 'entity', name: 'user', keys: [{ name: 'userId', type: int64 }] }],
  sources: [
    {
      kind: 'source',
      name: 'points',
      fields: [{ name: 'userId', type: int64, nullable: false }, { name: 'won', type: int64, nullable: false }, { name: 'at', type: { kind: 'timestamp' }, nullable: false }],
      eventId: [],
      eventTime: 'at',
      knownAt: null,
      file: null,
    },
  ],
  views: [
    {
      kind: 'featureView',
      name: 'wins',
      version: '0123456789ab',
      entity: 'user',
      source: 'points',
      keyFields: ['userId'],
      ttlMs: null,
      features: [{ name: 'won1d', type: int64, aggregate: { fn: 'sum', column: 'won', where: null, window: { sizeMs: 86_400_000, delayMs: 0, bounds: '[]', includeRequest: false }, default: null } }],
    },
  ],
  services: [{ kind: 'featureService', name: 'won', views: [{ view: 'wins', features: ['won1d'] }], request: [] }],
  recommenders: [],
  scorers: [],
  derived: [],
};

let folder: string;
let store: OfflineStore;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'granary-overflow-'));
  store = await OfflineStore.open({ kind: 'embedded', path: folder });
});
afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

it('an integer sum beyond int64 is null, for that entity alone, until other events bring it back', async () => {
  const [source] = snapshot.sources;
  await store.ensureSource(source!);
  const event = (userId: bigint, won: bigint, at: number) => ({ eventId: String(at), eventTime: at, knownAt: at, values: [userId, won, at] });
  const most = 2n ** 63n - 1n;
  await store.appendEvents(source!, [event(9n, most, AT - 4), event(9n, 1n, AT - 3), event(1n, 7n, AT - 2), event(9n, -2n, AT - 1)]);
  await backfill(store, snapshot, { instants: [AT - 3, AT] });
  const { path } = await writeDataset(store, snapshot, 'won', { spine: { kind: 'source', source: 'points' }, path: join(folder, 'x.parquet'), folder });
  expect(await readRows(path)).toMatchObject([
    { won1d: most, won1d__state: 'present' },
    { won1d: null, won1d__state: 'null' },
    { won1d: 7n, won1d__state: 'present' },
    { won1d: most - 1n, won1d__state: 'present' },
  ]);
});
