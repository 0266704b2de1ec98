import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { GranaryError } from '@granary/contracts';
import type { EventSink } from '@granary/jobs';
import { snapshot, startTestApp, type TestApp } from '../testing/test-app.js';
import { ingestMutations } from './ingest-mutations.js';

const taken: unknown[][] = [];
/** Stands where the intake does, which has its own tests. */
const sink: EventSink = {
  accept(source, rows, options) {
    taken.push([source, rows, options]);
    if (rows.length === 2) return Promise.reject(new GranaryError('BUSY', 'full', { details: { retryAfterMs: 7 } }));
    return Promise.resolve({ accepted: rows.length, duplicates: null, rejected: [{ index: 3, code: 'CONFLICTING_EVENT', reason: 'why' }] });
  },
  ping: () => Promise.resolve(),
  close: () => Promise.resolve(),
};
let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({ schemaParts: [ingestMutations(snapshot, sink)] });
});
afterAll(() => app?.close());

const event = '{ eventId: "e1", userId: 9223372036854775807, country: "pl", branchNo: 3, kind: shop, mood: "bad", amount: 2, points: "5", member: true, since: "2026-01-01", tags: ["a"], at: 1767312000000 }';
const ingest = (events: string): string => `mutation { ingestEvents(events: [${events}]) { accepted duplicates rejected { index code reason } } }`;

test('events of a source go to the intake as they were written', async () => {
  for (let again = 0; again < 3; again += 1) {
    const answer = await app.query(ingest(event));
    expect(answer).toMatchObject({ status: 200, data: { ingestEvents: { accepted: 1, duplicates: null, rejected: [{ index: 3, code: 'CONFLICTING_EVENT', reason: 'why' }] } } });
  }
  expect(taken.at(-1)).toEqual(['events', [expect.objectContaining({ userId: '9223372036854775807', kind: 'shop', mood: 'bad', since: '2026-01-01', tags: ['a'] })], { origin: 'graphql' }]);
});

test('a full queue is told with its code and when to come again; a wrong type does not reach the intake', async () => {
  expect(await app.query(ingest(`${event} ${event}`))).toMatchObject({ status: 429, errors: [{ extensions: { code: 'BUSY', details: { retryAfterMs: 7 } } }] });
  const before = taken.length;
  expect((await app.query(ingest(event.replace('amount: 2', 'amount: "much"')))).status).toBe(400);
  expect(taken.length).toBe(before);
});
