import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createIntake, createPublisher, materialise } from '@granary/jobs';
import { OfflineStore } from '@granary/offline-store';
import { openOnlineStore, type OnlineStore } from '@granary/online-store';
import { resolveSnapshot } from '@granary/registry';
import { count, entity, featureView, source, sqlSource, t } from '@granary/sdk';
import { createStyle } from '../terminal/style.js';
import { onlineStatus, renderOnline } from './online-status.js';

const reader = entity('reader', { readerId: t.int64 });
const fields = { clickId: t.string, readerId: t.int64, at: t.timestamp };
const clicks = source('clicks', { fields, eventId: 'clickId', eventTime: 'at' });
const even = sqlSource('even', { inputs: [clicks], sql: 'SELECT * FROM {{clicks}} WHERE readerId % 2 = 0', fields, eventId: 'clickId', eventTime: 'at' });
const views = [['pushed', clicks], ['computed', even]] as const;
const declared = views.map(([name, from]) => featureView(name, { entity: reader, source: from, features: () => ({ clicks: count().over('7d') }) }));
const snapshot = resolveSnapshot([reader, clicks, even, ...declared].map(({ definition }) => definition as never));

const folder = mkdtempSync(join(tmpdir(), 'granary-status-'));
let offline: OfflineStore;
let online: OnlineStore;
beforeAll(async () => {
  offline = await OfflineStore.open({ kind: 'embedded', path: join(folder, 'offline') });
  await offline.ensureSource(clicks.definition);
  online = await openOnlineStore({ kind: 'lmdb', path: join(folder, 'online') });
});
afterAll(async () => {
  await online?.close();
  await offline?.close();
  rmSync(folder, { recursive: true, force: true });
});

it('knows of rows that came with their events, and says which views only a job brings up to date', async () => {
  const publisher = createPublisher(offline, online, snapshot, { project: 'p' });
  const intake = createIntake({ store: offline, snapshot, publisher });
  let sent = 0;
  const push = (...readers: readonly number[]) => intake.accept('clicks', readers.map((readerId) => ({ clickId: `c${(sent += 1)}`, readerId, at: Date.now() - 1_000 })), { origin: 'http' });
  const look = async () => {
    // An event is visible a moment before the watermark says so.
    await publisher.settled();
    return onlineStatus(online, snapshot, 'p', new Map([['clicks', await offline.lastSequence({ name: 'clicks' })]]));
  };
  const text = async (): Promise<string> => renderOnline(await look(), createStyle(false)).join('\n');

  expect(await text()).toMatch(/computed .* granary materialise --view computed\npushed .* granary materialise --view pushed, or granary up$/m);
  await push(1);
  await push(2, 3, 3);
  expect((await look()).views).toMatchObject([
    { view: 'computed', rows: 0, asOf: null, behind: 4, upkeep: 'materialise' },
    { view: 'pushed', rows: 3, rowsAtLeast: false, behind: 0, upkeep: 'events' },
  ]);
  expect(await text()).toMatch(/computed +\w+ +– +0 +4 +computed source, only brought up by: granary materialise --view computed/);
  await materialise(offline, online, snapshot, { project: 'p', at: Date.now() });
  await push(5);
  expect((await look()).views).toMatchObject([{ rows: 1, behind: 1 }, { rows: 4, behind: 0 }]);
  await materialise(offline, online, snapshot, { project: 'p', at: Date.now() });
  expect(await text()).toMatch(/computed .* 1 +0 +computed source: stays as of its last materialise\npushed +\w+ +\S+ +4 +0$/m);
  await intake.close();
});
