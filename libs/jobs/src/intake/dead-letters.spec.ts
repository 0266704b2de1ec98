import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Source } from '@granary/contracts';
import { OfflineStore } from '@granary/offline-store';
import { sales, snapshot } from '../testing/shop.js';
import { scratchFolder } from '../testing/stores.js';
import { ingestSource } from '../ingest/ingest-source.js';
import { exportDeadLetters, replayDeadLetters, replayFile } from './dead-letters.js';
import { createIntake } from './intake.js';
import { noPublisher } from './publisher.js';

const folder = scratchFolder();
let store: OfflineStore;
beforeAll(async () => {
  store = await OfflineStore.open({ kind: 'embedded', path: join(folder.dir, 'db') });
});
afterAll(async () => {
  await store?.close();
  folder.remove();
});

test('dead letters are read again with fields corrected; what is right now leaves them, what is not stays', async () => {
  const intake = createIntake({ store, snapshot, publisher: noPublisher });
  const sale = (id: string, changes: object): object => ({ saleId: id, owner: 'o', tenant: 't', shopId: '9007199254740993', amount: 1, payment: 'card', tags: [], at: 1_700_000_000_000, ...changes });
  const bad = [...Array.from({ length: 600 }, (_, i) => sale(`n${i}`, { payment: 'coins' })), sale('x', { amount: Infinity }), 'neither'];
  expect(await intake.accept('sales', [...bad, sale('good', {})], { origin: 'http' })).toMatchObject({ accepted: 1 });
  expect(await store.countQuarantined(sales)).toBe(602);

  expect(await replayDeadLetters(store, sales, intake)).toMatchObject({ replayed: 0, stillWrong: 602, reasons: [{ count: 600 }, { count: 1 }, { count: 1 }] });
  await expect(replayDeadLetters(store, sales, intake, { set: { price: 1 } })).rejects.toMatchObject({ code: 'INVALID_USAGE' });
  expect(await replayDeadLetters(store, sales, intake, { reason: 'PAYMENT', set: { payment: 'cash' } })).toEqual({ replayed: 600, duplicates: 0, stillWrong: 0, gone: 0, reasons: [] });
  expect(await store.countEvents(sales)).toBe(601);
  expect((await store.listQuarantine(sales)).map(({ text }) => text)).toEqual(['"neither"', JSON.stringify(sale('x', { amount: 'Infinity' }))]);
  expect(await store.dropQuarantined(sales, 'not a json object')).toBe(1);
  expect(await store.countQuarantined(sales)).toBe(1);
  await intake.close();
});

test('what contradicts a stored event stays a dead letter until it is another event', async () => {
  const source: Source = { ...sales, name: 'contradicted' };
  const intake = createIntake({ store, snapshot: { sources: [source] }, publisher: noPublisher });
  const sale = { saleId: 'a', owner: 'o', tenant: 't', shopId: '1', amount: 1, payment: 'card', tags: [], at: 1_700_000_000_000 };
  await intake.accept(source.name, [sale, { ...sale, amount: 2 }], { origin: 'http' });
  const stays = await store.listQuarantine(source);
  expect(await replayDeadLetters(store, source, intake)).toMatchObject({ replayed: 0, stillWrong: 1, reasons: [{ reason: expect.stringMatching(/^conflict: .* amount$/), count: 1 }] });
  expect(await store.listQuarantine(source)).toEqual(stays);
  expect(await replayDeadLetters(store, source, intake, { set: { amount: 1 } })).toMatchObject({ replayed: 1, duplicates: 1, stillWrong: 0 });
  await intake.accept(source.name, [{ ...sale, amount: 2 }], { origin: 'http' });
  expect(await replayDeadLetters(store, source, intake, { set: { saleId: 'b' } })).toMatchObject({ replayed: 1, duplicates: 0 });
  expect(await store.countEvents(source)).toBe(2);
  await intake.close();
});

test('dead letters go to a file, of CSV too, are mended in it, and only those whose events are stored are gone', async () => {
  const source: Source = { ...sales, name: 'mended' };
  const intake = createIntake({ store, snapshot: { sources: [source] }, publisher: noPublisher });
  const csv = join(folder.dir, 'mended.csv');
  const header = source.fields.map(({ name }) => name);
  const row = (id: string, amount: string, more = ''): string => `${id},o,t,9007199254740993,${amount},card,"[""x"",""""]",2026-01-01T00:00:00.123Z${more}`;
  writeFileSync(csv, [header.join(), row('a', 'much'), row('b', '1', ',too many'), row('c', 'more'), row('d', ''), row('e', 'most')].join('\n'));
  expect(await ingestSource(store, source, csv)).toMatchObject({ inserted: 1, quarantined: 4 });

  const out = join(folder.dir, 'letters.ndjson');
  expect(await exportDeadLetters(store, source, out)).toBe(4);
  await expect(exportDeadLetters(store, source, out)).rejects.toMatchObject({ code: 'INVALID_USAGE' });
  await expect(exportDeadLetters(store, source, join(out, 'x'))).rejects.toMatchObject({ code: 'INVALID_USAGE' });
  const lines = readFileSync(out, 'utf8').trim().split('\n');
  const [a, b] = lines.map((line) => JSON.parse(line) as { letter: string; line: number; reason: string; row: object });
  expect(a).toMatchObject({ file: csv, line: 2, reason: 'amount: "much" is not float64', row: { saleId: 'a', shopId: '9007199254740993', amount: 'much', tags: ['x', ''], at: '2026-01-01T00:00:00.123Z' } });
  expect(b).toMatchObject({ line: 3, reason: 'row: 9 columns, the header has 8', row: row('b', '1', ',too many') });

  const edit = (entry: object, mended: object): string => JSON.stringify({ ...entry, row: mended });
  // One mended, one made two of, one as wrong as before, one that is no line of an export, and the fourth left out.
  writeFileSync(out, [edit(a!, { ...a!.row, amount: 7 }), edit(b!, { ...a!.row, saleId: 'b', amount: 1 }), edit(b!, { ...a!.row, saleId: 'b2', amount: 2 }), lines[2]!, 'what?', ''].join('\n'));
  const report = await replayFile(store, source, intake, out);
  expect(report).toMatchObject({ replayed: 2, duplicates: 0, stillWrong: 2, gone: 0 });
  expect(report.reasons.map(({ reason }) => reason).sort()).toEqual(['line 4: amount: "more" is not float64', expect.stringContaining('line 5: not a line of an export')]);
  const stored = await store.rows({ sql: 'SELECT saleId AS id, shopId AS shop, amount FROM events_mended ORDER BY id', params: {} });
  expect(stored).toEqual([['a', 7], ['b', 1], ['b2', 2], ['d', null]].map(([id, amount]) => ({ id, shop: 9007199254740993n, amount })));
  expect((await store.listQuarantine(source)).map(({ line }) => line)).toEqual([4, 6]);
  expect(await replayFile(store, source, intake, out)).toMatchObject({ replayed: 0, stillWrong: 2, gone: 3 });
  await expect(replayFile(store, source, intake, join(folder.dir, 'none'))).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
  // What was left as it was is mended without a file as well.
  expect(await replayDeadLetters(store, source, intake, { set: { amount: 3 } })).toMatchObject({ replayed: 2 });
  await intake.close();
});
