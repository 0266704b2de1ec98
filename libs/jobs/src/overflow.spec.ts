import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Snapshot } from '@granary/contracts';
import { OfflineStore } from '@granary/offline-store';
import { backfill } from './backfill/backfill.js';
import { writeDataset } from './dataset/dataset.js';
import { explainOverflow } from './overflow.js';
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

it('a count beyond int32 fails, and says of which entities, what counts them and what to do', async () => {
  const [source] = snapshot.sources;
  const crowded = { ...source!, name: 'crowded' };
  const [view] = snapshot.views;
  const counted = { ...view!, name: 'crowds', source: 'crowded', features: [{ ...view!.features[0]!, name: 'n1d', type: { kind: 'int32' } as const, aggregate: { ...view!.features[0]!.aggregate, fn: 'count' as const, column: null } }, ...view!.features] };
  await store.ensureSource(crowded);
  await store.appendEvents(crowded, [1n, 2n, 2n, 2n].map((userId, i) => ({ eventId: String(i), eventTime: AT + i, knownAt: AT + i, values: [userId, 1n, AT + i] })));
  const fails = (): Promise<unknown> => store.rows({ sql: "SELECT accurateCast(count() + 3000000000, 'Int32') FROM numbers(1)", params: {} });
  await expect(explainOverflow('feature view crowds', fails, { store, views: [{ view: counted, source: crowded }], most: 2 })).rejects.toMatchObject({
    code: 'INVALID_VALUE',
    message: 'feature view crowds: a count leaves int32 for userId=2, which has 3 events of crowded (crowds: n1d)',
    todo: expect.stringContaining('Shorten the windows'),
  });
  await expect(explainOverflow('feature view crowds', fails, { store, views: [{ view: counted, source: crowded }] })).rejects.toThrow('a count leaves int32 for at least one entity');
});
