import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { GraphQLString } from 'graphql';
import { startTestApp, type TestApp } from './testing/test-app.js';
import type { BuildSchemaPart } from './index.js';

/** A root field as an extension would add it, with a bug. */
const broken: BuildSchemaPart = () => ({
  fields: {
    broken: {
      type: GraphQLString,
      resolve: () => {
        throw new TypeError('secret path /etc/granary/password');
      },
    },
    unfinished: { type: GraphQLString, resolve: () => 'fine' },
  },
  examples: [],
});

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({ schemaParts: [broken], limits: { bodyBytes: 200_000, depth: 5, rootFields: 4, aliases: 6, tokens: 3_000 } });
});
afterAll(() => app.close());

const F = '{ visits7d { state } }';
const many = (n: number) => ({ entities: Array.from({ length: n }, (_, i) => ({ userId: i })) });

type Case = readonly [what: string, query: string, variables: object | undefined, status: number, code: string, message: RegExp];
const cases: readonly Case[] = [
  ['text for an int64 key', `{ userPage(userId: "seven") ${F} }`, undefined, 400, 'INVALID_KEY', /userId of user: "seven" is not int64/],
  ['a fraction for an int64 key', `{ userPage(userId: 1.5) ${F} }`, undefined, 400, 'INVALID_KEY', /1\.5/],
  ['a bool for an int64 key', `query ($id: Int64!) { userPage(userId: $id) ${F} }`, { id: true }, 400, 'INVALID_KEY', /true/],
  ['an object for an int64 key', `query ($id: Int64!) { userPage(userId: $id) ${F} }`, { id: { a: 1 } }, 400, 'INVALID_KEY', /is not int64/],
  ['a JSON number past 2^53', `query ($id: Int64!) { userPage(userId: $id) ${F} }`, { id: 2 ** 53 }, 400, 'INVALID_KEY', /9007199254740992/],
  ['an int64 that is too great', `{ userPage(userId: 9223372036854775808) ${F} }`, undefined, 400, 'INVALID_KEY', /9223372036854775808/],
  ['an empty key', `{ userPage(userId: "") ${F} }`, undefined, 400, 'MISSING_KEY', /userId/],
  ['half a surrogate pair', 'query ($c: String!) { branchPage(country: $c, branchNo: 1, kind: shop) { turnover7d { state } } }', { c: '\ud83c' }, 400, 'INVALID_KEY', /Unicode/],
  ['one bad key in a batch', `{ userPageBatch(entities: [{ userId: 1 }, { userId: "x" }]) ${F} }`, undefined, 400, 'INVALID_KEY', /Entity 2 of 2/],
  ['too many entities', `query ($entities: [UserPageKey!]!) { userPageBatch(entities: $entities) ${F} }`, many(1_001), 400, 'TOO_MANY_ENTITIES', /1001.*1000/],
  ['a missing key', `{ userPage ${F} }`, undefined, 400, 'GRAPHQL_VALIDATION_FAILED', /argument "userId" of type "Int64!" is required/],
  ['a null key', `query ($id: Int64!) { userPage(userId: $id) ${F} }`, { id: null }, 400, 'BAD_USER_INPUT', /\$id/],
  ['half a composite key', '{ branchPage(country: "DE", kind: shop) { turnover7d { state } } }', undefined, 400, 'GRAPHQL_VALIDATION_FAILED', /branchNo/],
  ['text for an int32 key', '{ branchPage(country: "DE", branchNo: "1", kind: shop) { turnover7d { state } } }', undefined, 400, 'GRAPHQL_VALIDATION_FAILED', /Int cannot represent/],
  ['an unknown enum value', 'query ($k: BranchKind!) { branchPage(country: "DE", branchNo: 1, kind: $k) { turnover7d { state } } }', { k: 'kiosk' }, 400, 'BAD_USER_INPUT', /kiosk/],
  ['a request field of the wrong type', '{ fraudFeatures(userId: 1, amount: "much", at: "2026-01-01") { payments1d { state } } }', undefined, 400, 'GRAPHQL_VALIDATION_FAILED', /Float cannot represent/],
  ['a date that does not exist', '{ fraudFeatures(userId: 1, amount: 1, at: "2026-02-30") { payments1d { state } } }', undefined, 400, 'INVALID_VALUE', /2026-02-30/],
  ['an unknown service', `{ userPag(userId: 1) ${F} }`, undefined, 400, 'GRAPHQL_VALIDATION_FAILED', /Did you mean "userPage"/],
  ['an unknown feature', '{ userPage(userId: 1) { visit { state } } }', undefined, 400, 'GRAPHQL_VALIDATION_FAILED', /Cannot query field "visit" on type "UserPage"/],
  ['a syntax error', '{ userPage(', undefined, 400, 'GRAPHQL_PARSE_FAILED', /Syntax Error/],
  ['a mutation', 'mutation { nothing }', undefined, 400, 'GRAPHQL_VALIDATION_FAILED', /mutation/],
  ['two operations without a name', `query A { userPage(userId: 1) ${F} } query B { userPage(userId: 1) ${F} }`, undefined, 400, 'OPERATION_RESOLUTION_FAILURE', /operation name/],
  ['too many root fields', `{ ${Array.from({ length: 5 }, (_, i) => `f${i}: userPage(userId: ${i}) ${F}`).join(' ')} }`, undefined, 400, 'QUERY_TOO_LARGE', /more than 4 root fields/],
  ['too many root fields in fragments', `{ ...A ...A ...A } fragment A on Query { ...B ...B } fragment B on Query { userPage(userId: 1) ${F} }`, undefined, 400, 'QUERY_TOO_LARGE', /more than 4 root fields/],
  ['too many aliases', `{ userPage(userId: 1) { ${Array.from({ length: 7 }, (_, i) => `f${i}: visits7d { state }`).join(' ')} } }`, undefined, 400, 'QUERY_TOO_LARGE', /more than 6 aliases/],
  ['too many tokens', `{ userPageBatch(entities: [${'{ userId: 1 }'.repeat(700)}]) ${F} }`, undefined, 400, 'GRAPHQL_PARSE_FAILED', /token/],
  ['introspection that goes round in circles', `{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }`, undefined, 400, 'GRAPHQL_VALIDATION_FAILED', /introspection depth/],
  ['fragments in a circle', `{ userPage(userId: 1) { ...A } } fragment A on UserPage { ...B } fragment B on UserPage { ...A }`, undefined, 400, 'GRAPHQL_VALIDATION_FAILED', /spread/],
];

describe('bad input', () => {
  it.each(cases)('%s: a code, a message that helps, no stack', async (_, query, variables, status, code, message) => {
    // Twice, then thrice: interpreted and compiled alike.
    for (let i = 0; i < 3; i++) {
      const answer = await app.query(query, variables);
      expect([answer.status, answer.errors[0]!.extensions['code'], answer.errors[0]!.message]).toEqual([status, code, expect.stringMatching(message)]);
      expect(answer.text).not.toMatch(/node_modules|stacktrace|\.js:\d/);
    }
    expect(app.log).toEqual([]);
  });

  it('in one part leaves the others answered', async () => {
    const { status, data, errors } = await app.query(`{ good: userPage(userId: 1) ${F} bad: userPage(userId: "x") ${F} }`);
    expect([status, data]).toEqual([200, { good: { visits7d: { state: 'MISSING' } }, bad: null }]);
    expect(errors).toEqual([expect.objectContaining({ path: ['bad'], extensions: expect.objectContaining({ code: 'INVALID_KEY', todo: 'Give userId as int64.' }) })]);
  });

  it('outside of GraphQL has its status and the same shape', async () => {
    const large = await app.post({ query: '{ status { snapshotId } }', variables: { x: 'x'.repeat(200_000) } });
    expect([large.status, large.errors[0]!.extensions['code']]).toEqual([413, 'BODY_TOO_LARGE']);
    const noJson = await app.post('{ bad');
    expect([noJson.status, noJson.errors[0]!.extensions['code']]).toEqual([400, 'BAD_REQUEST']);
    const simple = await app.post('{}', { 'content-type': 'text/plain' });
    expect([simple.status, simple.errors[0]!.extensions['code']]).toEqual([400, 'BAD_REQUEST']);
    const batch = await app.post([{ query: '{ status { snapshotId } }' }, { query: '{ status { snapshotId } }' }]);
    expect(batch.status).toBe(400);
    const elsewhere = await fetch(`${app.url}/nothing`);
    expect([elsewhere.status, await elsewhere.json()]).toEqual([404, { errors: [{ message: 'Cannot GET /nothing', extensions: { code: 'NOT_FOUND' } }] }]);
    const method = await fetch(`${app.url}/graphql`, { method: 'DELETE' });
    expect(method.status).toBe(404);
  });
});

describe('our own mistakes', () => {
  it('show an id, and their details only in the log', async () => {
    for (let i = 0; i < 3; i++) {
      app.log.length = 0;
      const { status, errors, text, data } = await app.query('{ broken }');
      expect([status, data]).toEqual([500, { broken: null }]);
      expect(text).not.toMatch(/secret|TypeError|\.js:\d/);
      expect(errors).toEqual([{ locations: [{ line: 1, column: 3 }], path: ['broken'], message: expect.stringMatching(/went wrong on our side/), extensions: { code: 'INTERNAL_SERVER_ERROR', id: expect.any(String) } }]);
      expect(app.log).toEqual([{ id: errors[0]!.extensions['id'], code: 'INTERNAL_SERVER_ERROR', path: 'broken', error: expect.objectContaining({ message: expect.stringContaining('secret path') }) }]);
    }
    app.log.length = 0;
  });

  it('are told from the rest of an answer', async () => {
    expect(await app.query('{ broken unfinished }')).toMatchObject({ status: 200, data: { broken: null, unfinished: 'fine' } });
    app.log.length = 0;
  });
});
