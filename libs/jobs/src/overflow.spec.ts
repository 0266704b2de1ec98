import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Snapshot } from '@granary/contracts';
import { OfflineStore } from '@granary/offline-store';
import { backfill } from './backfill/backfill.js';
import { writeDataset } from './dataset/dataset.js';

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

it('names the view or service whose integer sum leaves int64, as a mistake in the data and not of the store', async () => {
  const [source] = snapshot.sources;
  await store.ensureSource(source!);
  const event = (eventId: string, won: bigint) => ({ eventId, eventTime: AT - 1000, knownAt: AT - 1000, values: [9n, won, AT - 1000] });
  await store.appendEvents(source!, [event('a', 2n ** 63n - 1n), event('b', 1n)]);
  const code = { code: 'INVALID_VALUE', kind: 'input' };
  await expect(backfill(store, snapshot, { instants: [AT] })).rejects.toMatchObject({ ...code, message: expect.stringContaining('feature view wins') });
  await expect(writeDataset(store, snapshot, 'won', { spine: { kind: 'source', source: 'points' }, path: join(folder, 'x.parquet'), folder })).rejects.toMatchObject({ ...code, message: expect.stringContaining('feature service won') });
});
