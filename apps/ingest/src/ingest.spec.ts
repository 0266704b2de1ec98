import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { GranaryError, type Source } from '@granary/contracts';
import { createIntake, noPublisher, type EventSink, type StoredEvent } from '@granary/jobs';
import { OfflineStore } from '@granary/offline-store';
import { createIngestApp, type IngestApp, type InternalError } from './index.js';

const payments: Source = {
  kind: 'source',
  name: 'payments',
  fields: [
    { name: 'paymentId', type: { kind: 'string' }, nullable: false },
    { name: 'userId', type: { kind: 'int64' }, nullable: false },
    { name: 'amount', type: { kind: 'float64' }, nullable: true },
    { name: 'at', type: { kind: 'timestamp' }, nullable: false },
  ],
  eventId: ['paymentId'],
  eventTime: 'at',
  knownAt: null,
  file: null,
};
const views: Source = { ...payments, name: 'views', eventId: [] };
const big: Source = { ...payments, name: 'big_payments', computed: { kind: 'sql', sql: 'SELECT * FROM {{payments}}', inputs: ['payments'] } };

const AT = Date.UTC(2026, 0, 2);
let made = 0;
const payment = (changes: object = {}): Record<string, unknown> => ({ paymentId: `p${(made += 1)}`, userId: '9007199254740993', amount: 1.5, at: AT, ...changes });

interface Answer {
  readonly status: number;
  readonly body: { readonly accepted?: number; readonly duplicates?: number; readonly rejected?: { index: number; reason: string }[]; readonly error?: { code: string; message: string; todo?: string } };
  readonly headers: Headers;
}

const folder = mkdtempSync(join(tmpdir(), 'granary-ingest-'));
const log: InternalError[] = [];
const published: StoredEvent[] = [];
let store: OfflineStore;
let sink: EventSink;
let app: IngestApp;

beforeAll(async () => {
  store = await OfflineStore.open({ kind: 'embedded', path: join(folder, 'db') });
  const publisher = { published: (_source: Source, events: readonly StoredEvent[]) => Promise.resolve(void published.push(...events)), settled: () => Promise.resolve(), ping: () => Promise.resolve() };
  sink = createIntake({ store, snapshot: { sources: [payments, views, big] }, publisher, limits: { requestRows: 3_000, batchRows: 200, queuedRows: 600 } });
  app = await createIngestApp({ sink, port: 0, limits: { requestBytes: 500_000 }, log: (entry) => log.push(entry) });
});
afterAll(async () => {
  await app?.close();
  await sink?.close();
  await store?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function post(source: string, body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}): Promise<Answer> {
  const response = await fetch(`${app.url}/v1/events/${source}`, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });
  return { status: response.status, body: (await response.json()) as Answer['body'], headers: response.headers };
}

const ndjson = { 'content-type': 'application/x-ndjson' };

describe('what is sent', () => {
  test('is one object, an array, or an object a line; gzipped or not', async () => {
    const before = await store.countEvents(payments).catch(() => 0);
    expect(await post('payments', JSON.stringify(payment()))).toMatchObject({ status: 200, body: { accepted: 1, duplicates: 0, rejected: [] } });
    expect(await post('payments', JSON.stringify([payment(), payment()]))).toMatchObject({ status: 200, body: { accepted: 2 } });
    expect(await post('payments', '[]')).toMatchObject({ status: 200, body: { accepted: 0 } });
    const lines = `${JSON.stringify(payment())}\r\n\n${JSON.stringify(payment())}\n`;
    expect(await post('payments', lines, ndjson)).toMatchObject({ status: 200, body: { accepted: 2 } });
    const many = gzipSync(Array.from({ length: 1_000 }, () => JSON.stringify(payment())).join('\n'));
    expect(await post('payments', new Uint8Array(many), { ...ndjson, 'content-encoding': 'gzip' })).toMatchObject({ status: 200, body: { accepted: 1_000 } });
    expect(await store.countEvents(payments)).toBe(before + 1_005);
  });

  test('keeps the digits of an int64: as text, and as a number beyond 2^53', async () => {
    const [one, two] = [payment({ userId: '9223372036854775807' }), payment({ userId: 0 })] as const;
    await post('payments', JSON.stringify([one, two]).replace('"userId":0', '"userId":9223372036854775806'));
    const rows = await store.rows({ sql: 'SELECT userId FROM events_payments WHERE paymentId IN ({one:String}, {two:String}) ORDER BY __sequence', params: { one: one['paymentId'] as string, two: two['paymentId'] as string } });
    expect(rows).toEqual([{ userId: 9223372036854775807n }, { userId: 9223372036854775806n }]);
  });

  test('is stored once, whatever it is named by, and published with the sequence it is stored with', async () => {
    const again = payment();
    expect((await post('payments', JSON.stringify(again))).body).toMatchObject({ accepted: 1, duplicates: 0 });
    expect((await post('payments', JSON.stringify([again, again]))).body).toMatchObject({ accepted: 2, duplicates: 2 });
    const view = payment();
    expect((await post('views', JSON.stringify(view))).body).toMatchObject({ accepted: 1, duplicates: 0 });
    expect((await post('views', JSON.stringify([view, { ...view, amount: 2 }]))).body).toMatchObject({ accepted: 2, duplicates: 1 });
    const own = published.filter(({ values }) => values[0] === again['paymentId']);
    expect(own.map(({ outcome }) => outcome)).toEqual(['new', 'duplicate', 'duplicate']);
    expect(new Set(own.map(({ sequence }) => sequence)).size).toBe(1);
  });

  test.each(['payments', 'views'])('is the same in other words of the same values (%s)', async (source) => {
    const first = JSON.stringify(payment({ userId: 7, amount: 0 }));
    expect((await post(source, first)).body).toMatchObject({ accepted: 1, duplicates: 0 });
    const worded = (amount: string, at: string, userId: string): string => first.replace('"amount":0', `"amount":${amount}`).replace(String(AT), at).replace(/"userId":[^,]*/, `"userId":${userId}`);
    const same = [worded('-0', '"2026-01-02T00:00:00Z"', '"7"'), worded('"0.00"', '"2026-01-02T01:00:00.000+01:00"', '7.0'), worded('0e5', '"2026-01-02 00:00:00"', '7'), worded('"-0.0"', `"${AT}"`, '"07"')];
    for (const body of same) expect([body, (await post(source, body)).body]).toEqual([body, { accepted: 1, duplicates: 1, rejected: [] }]);
    const decimal = payment({ amount: 1.5 });
    await post(source, JSON.stringify(decimal));
    expect((await post(source, JSON.stringify(['1.50', '1.5e0', '15e-1'].map((amount) => ({ ...decimal, amount }))))).body).toEqual({ accepted: 3, duplicates: 3, rejected: [] });
  });
});

describe('what is wrong', () => {
  test('is an event whose id is stored with other content: both are kept, one as a dead letter, and the sender is told', async () => {
    const first = payment();
    const other = { ...first, amount: 2, note: 'not declared' };
    const [later, contradicting] = [payment(), { ...first, amount: null }];
    expect((await post('payments', JSON.stringify(first))).status).toBe(200);
    const reason = 'conflict: the event of this paymentId is stored already, with other content in amount';
    const code = 'CONFLICTING_EVENT';
    expect(await post('payments', JSON.stringify(other))).toMatchObject({ status: 409, body: { accepted: 0, duplicates: 0, rejected: [{ index: 0, code, reason }] } });
    const batch = [{ ...first, amount: 'much' }, later, contradicting, first, { ...later, at: AT + 1 }, later];
    expect(await post('payments', JSON.stringify(batch))).toMatchObject({
      status: 207,
      body: { accepted: 3, duplicates: 2, rejected: [{ index: 0, code: 'INVALID_EVENT' }, { index: 2, code, reason }, { index: 4, code, reason: reason.replace('amount', 'at') }] },
    });
    expect(await store.rows({ sql: 'SELECT amount FROM events_payments WHERE paymentId = {id:String}', params: { id: first['paymentId'] as string } })).toEqual([{ amount: 1.5 }]);
    const letters = await store.listQuarantine(payments, 10, { reason: 'CONFLICT' });
    expect(letters.map(({ text }) => JSON.parse(text) as object)).toEqual(expect.arrayContaining([other, contradicting, { ...later, at: AT + 1 }]));
    expect(await store.dropQuarantined(payments)).toBe(4);
  });

  test('is rejected event by event, and is among the dead letters as it came', async () => {
    const bad = payment({ amount: 'much', at: AT });
    const answer = await post('payments', `${JSON.stringify(payment())}\n\n${JSON.stringify(bad)}\r\nnot json\n7\n${JSON.stringify({ userId: 1 })}`, ndjson);
    expect(answer.status).toBe(207);
    expect(answer.body).toMatchObject({ accepted: 1, rejected: [{ index: 1, line: 3, reason: 'amount: "much" is not float64' }, { index: 2, line: 4 }, { index: 3, reason: 'row: not a JSON object' }, { index: 4, reason: 'paymentId: missing value, wanted string' }] });
    const letters = await store.listQuarantine(payments);
    expect(letters.map(({ file, line, text }) => [file, line, text])).toEqual(['7', 'not json', '{"userId":1}', JSON.stringify(bad)].sort().map((text) => ['http', null, text]));
    expect((await post('payments', JSON.stringify(bad))).status).toBe(400);
    expect(await store.countQuarantined(payments)).toBe(4);
  });

  test('is an event that is nested too deep: a dead letter with its text, which keeps no other event of the request', async () => {
    await store.ensureSource(payments);
    await store.dropQuarantined(payments);
    const deep = (field: string, levels: number): string => `{"paymentId":"deep, \\"[","${field}":${'['.repeat(levels)}9007199254740993${']'.repeat(levels)},"at":${AT}}`;
    const reason = 'row: nested deeper than 100 levels';
    const [userId, extra] = [deep('userId', 100_000), deep('extra', 5_000)];
    const rows = [userId, JSON.stringify(payment()), extra, deep('userId', 99), JSON.stringify(payment({ userId: 7, note: [['}', '{']] }))];
    const rejected = [{ index: 0, reason }, { index: 2, reason }, { index: 3, reason: expect.stringMatching(/^userId: \[{79}/) }];
    for (const [body, headers] of [[rows.join('\n'), ndjson], [` [ ${rows.join(' , ')} ] `, {}]] as const) {
      expect(await post('payments', body, headers)).toMatchObject({ status: 207, body: { accepted: 2, rejected } });
      expect((await store.listQuarantine(payments)).map(({ text }) => text).sort()).toEqual([userId, extra, rows[3]].sort());
    }
    expect(await post('payments', userId)).toMatchObject({ status: 400, body: { accepted: 0, rejected: [{ index: 0, reason }] } });
    expect(log).toEqual([]);
  });

  test.each([
    ['an unknown source', 'nowhere', '{}', {}, 404, 'UNKNOWN_SOURCE'],
    ['a computed source', 'big_payments', '{}', {}, 400, 'INVALID_USAGE'],
    ['JSON that breaks off', 'payments', '{"a":', {}, 400, 'INVALID_VALUE'],
    ['no body', 'payments', '', {}, 400, 'INVALID_VALUE'],
    ['text that is not UTF-8', 'payments', '\xff', {}, 400, 'INVALID_VALUE'],
    ['another content type', 'payments', '{}', { 'content-type': 'text/csv' }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['another encoding', 'payments', '{}', { 'content-encoding': 'br' }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['gzip that is none', 'payments', '{}', { 'content-encoding': 'gzip' }, 400, 'BAD_REQUEST'],
    ['too many events', 'payments', JSON.stringify(Array.from({ length: 3_001 }, () => ({}))), {}, 413, 'TOO_MANY_EVENTS'],
    ['too many bytes', 'payments', `["${'x'.repeat(500_000)}"]`, {}, 413, 'BODY_TOO_LARGE'],
    ['another path', 'payments/more', '{}', {}, 404, 'NOT_FOUND'],
  ])('as a whole is refused: %s', async (_what, source, body, headers, status, code) => {
    const answer = await post(source, body === '\xff' ? new Uint8Array([0x22, 0xff, 0x22]) : body, headers);
    expect([answer.status, answer.body.error]).toEqual([status, expect.objectContaining({ code, todo: expect.any(String) })]);
    expect(log).toEqual([]);
  });

  test('is a small body that inflates beyond the limit', async () => {
    const bomb = gzipSync(' '.repeat(50_000_000));
    expect(await post('payments', new Uint8Array(bomb), { 'content-encoding': 'gzip' })).toMatchObject({ status: 413, body: { error: { code: 'BODY_TOO_LARGE' } } });
  });
});

describe('a queue that is full', () => {
  test('turns requests away with 429 and when to come again; what is acknowledged is stored', async () => {
    const before = await store.countEvents(payments);
    const sent = await Promise.all(Array.from({ length: 40 }, () => post('payments', JSON.stringify(Array.from({ length: 100 }, () => payment())))));
    const taken = sent.filter(({ status }) => status === 200);
    const turnedAway = sent.filter(({ status }) => status === 429);
    expect(taken.length + turnedAway.length).toBe(40);
    expect(turnedAway.length).toBeGreaterThan(0);
    expect(Number(turnedAway[0]!.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(turnedAway[0]!.body.error).toMatchObject({ code: 'BUSY', todo: expect.any(String) });
    expect(await store.countEvents(payments)).toBe(before + 100 * taken.length);
  });

  test('bounds the bodies under way, too', async () => {
    const small = await createIngestApp({ sink, port: 0, limits: { inFlightBytes: 1_000 } });
    const slow = httpRequest(`${small.url}/v1/events/payments`, { method: 'POST', headers: { 'content-type': 'application/json', 'content-length': '900' } });
    slow.on('error', () => undefined);
    slow.write('[');
    await new Promise((resolve) => setTimeout(resolve, 100));
    const turned = await fetch(`${small.url}/v1/events/payments`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: ' '.repeat(200) });
    expect(turned.status).toBe(429);
    slow.destroy();
    await small.close();
  });
});

test('health says whether events can be stored', async () => {
  expect((await fetch(`${app.url}/health/live`)).status).toBe(200);
  expect(await (await fetch(`${app.url}/health/ready`)).json()).toEqual({ status: 'ready' });
});

describe('without a store', () => {
  test('nothing is acknowledged: 503, and not ready', async () => {
    const own = await OfflineStore.open({ kind: 'embedded', path: join(folder, 'db') });
    await own.close();
    const away = createIntake({ store: own, snapshot: { sources: [payments] }, publisher: noPublisher });
    const lonely = await createIngestApp({ sink: away, port: 0, log: () => undefined });
    const answer = await fetch(`${lonely.url}/v1/events/payments`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(payment()) });
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5']);
    expect((await fetch(`${lonely.url}/health/ready`)).status).toBe(503);
    await lonely.close();
  });

  test('nor where the online store is away, for an event is acknowledged when a read can see it', async () => {
    const ping = (): Promise<void> => Promise.reject(new GranaryError('STORE_UNAVAILABLE', 'away'));
    const hidden = createIntake({ store, snapshot: { sources: [payments] }, publisher: { ...noPublisher, ping, published: ping } });
    const lonely = await createIngestApp({ sink: hidden, port: 0, log: () => undefined });
    expect(await (await fetch(`${lonely.url}/health/ready`)).json()).toEqual({ status: 'not ready', failed: 'STORE_UNAVAILABLE' });
    const event = JSON.stringify(payment());
    const answer = await fetch(`${lonely.url}/v1/events/payments`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: event });
    expect([answer.status, await answer.json()]).toMatchObject([503, { error: { code: 'STORE_UNAVAILABLE', message: expect.stringContaining('not acknowledged, though they may be stored'), todo: expect.stringContaining('Send the same events again') } }]);
    // As it says: it is stored, and recognised when it comes again.
    expect((await post('payments', event)).body).toEqual({ accepted: 1, duplicates: 1, rejected: [] });
    await lonely.close();
  });

  test('a stop answers what is under way and takes no more', async () => {
    const own = createIntake({ store, snapshot: { sources: [payments] }, publisher: noPublisher });
    const before = await store.countEvents(payments);
    const under = Array.from({ length: 20 }, () => own.accept('payments', [payment()], { origin: 'http' }));
    const closing = own.close();
    await expect(own.accept('payments', [payment()], { origin: 'http' })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await closing;
    expect((await Promise.all(under)).map(({ accepted }) => accepted)).toEqual(under.map(() => 1));
    expect(await store.countEvents(payments)).toBe(before + 20);
  });
});
