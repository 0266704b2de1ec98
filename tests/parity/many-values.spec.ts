import { whyNoRedis } from '@granary/online-store/testing';
import type { Aggregate, Feature, FieldType, Value, Window } from '@granary/contracts';
import { PLANS, type Plan } from '@granary/compiler';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import type { Delivery, ParityCase } from './cases.js';
import type { OracleEvent, Question } from './oracle.js';
import { openParity, type ParityBench } from './paths.js';

const START = Date.UTC(2026, 2, 1);
const SECOND = 1_000;
const EVENTS = 2_000;
const ENTITIES = [1n, 2n] as const;
/** A run of each store asks about two of the columns: all in one would take twice as long. */
const COLUMNS = { lmdb: ['whole', 'note'], redis: ['amount', 'seenAt'] } as const;

/** The first entity has thousands of different values, the second few. */
const events: fc.Arbitrary<readonly OracleEvent[]> = fc.noBias(fc.array(fc.record({ value: fc.nat({ max: 20_000 }), ms: fc.nat({ max: 40 * SECOND }), some: fc.nat({ max: 99 }) }), { minLength: EVENTS, maxLength: EVENTS })).map((drawn) =>
  drawn.map(({ value, ms, some }, i) => {
    const time = START + ms;
    const row = { id: ENTITIES[some === 0 ? 1 : 0]!, whole: BigInt(value) << 40n, amount: some < 3 ? null : value / 8, note: `${value} é`, kind: `kind ${some % 7}`, seenAt: START + value, at: time, reportedAt: time };
    return { id: `event-${i}`, time, knownAt: time, row };
  }),
);

const window = (more: Partial<Window> = {}): Window => ({ sizeMs: 30 * SECOND, delayMs: 0, bounds: '[)', includeRequest: false, ...more });
const WINDOWS: readonly Window[] = [
  window(),
  window({ sizeMs: null }),
  window({ hopMs: SECOND }),
  window({ sizeMs: 12 * SECOND, hopMs: SECOND }),
  window({ sizeMs: 3 * SECOND, hopMs: SECOND, includeRequest: true }),
  window({ hopMs: 7 * SECOND, delayMs: 5 * SECOND }),
  window({ sizeMs: null, includeRequest: true }),
];
const featuresOf = (columns: readonly string[]): Feature[] => [...sketchesOf(columns), ...countsOf(columns)];

const sketchesOf = (columns: readonly string[]): Feature[] =>
  columns.flatMap((column) => WINDOWS.map((each, i): Feature => ({ name: `${column}${i}`, type: { kind: 'int32' }, aggregate: { fn: 'approxCountDistinct', column, where: null, window: each, default: null } })));

/** Values that occur often, and those that don't, in hops. */
function countsOf(columns: readonly string[]): Feature[] {
  const [number] = columns.filter((column) => column !== 'note') as [string];
  const counting: readonly (readonly [Aggregate['fn'], string, FieldType, Partial<Aggregate>?])[] = [
    ['topK', 'kind', { kind: 'array', of: { kind: 'string' } }, { n: 3 }],
    ['countBy', 'kind', { kind: 'map', of: { kind: 'int32' } }],
    ...columns.map((column) => ['countDistinct', column, { kind: 'int32' }] as const),
    ...(number === 'seenAt' ? [] : ([['approxPercentile', number, { kind: 'float64' }, { fraction: 0.99 }]] as const)),
  ];
  const windows = [window({ hopMs: SECOND }), window({ sizeMs: 3 * SECOND, hopMs: SECOND, delayMs: 5 * SECOND, includeRequest: true })];
  return counting.flatMap(([fn, column, type, more], c) => windows.map((each, i): Feature => ({ name: `counts${c}_${i}`, type, aggregate: { fn, column, where: null, window: each, default: null, ...more } })));
}

const delivery = (rows: number, then: Delivery['then'], later = false): Delivery => ({ rows, published: 'told', then, later });

function worldOf(given: readonly OracleEvent[], online: 'lmdb' | 'redis', plans: readonly Plan[]): ParityCase {
  const fields = [
    { name: 'id', type: { kind: 'int64' }, nullable: false },
    { name: 'whole', type: { kind: 'int64' }, nullable: false },
    { name: 'amount', type: { kind: 'float64' }, nullable: true },
    { name: 'note', type: { kind: 'string' }, nullable: false },
    { name: 'kind', type: { kind: 'string' }, nullable: false },
    { name: 'seenAt', type: { kind: 'timestamp' }, nullable: false },
    { name: 'at', type: { kind: 'timestamp' }, nullable: false },
    { name: 'reportedAt', type: { kind: 'timestamp' }, nullable: false },
  ] as const;
  const asked = [31_999, 40_001].flatMap((ms) => ENTITIES.map((id) => ({ at: START + ms, id })));
  const request: Readonly<Record<string, Value>> = { whole: -1n, amount: -0.5, note: 'new', kind: 'new', seenAt: 0 };
  return {
    entity: { kind: 'entity', name: 'thing', keys: [{ name: 'id', type: { kind: 'int64' } }] },
    source: { kind: 'source', name: 'happenings', fields: [...fields], eventId: ['note'], eventTime: 'at', knownAt: null, file: null },
    view: { kind: 'featureView', name: 'facts', entity: 'thing', source: 'happenings', keyFields: ['id'], ttlMs: null, features: featuresOf(COLUMNS[online]), version: '0123456789ab' },
    events: given,
    questions: asked.map(({ at, id }): Question => ({ key: [id], at, request: { ...request, id, at, reportedAt: at }, eventId: '' })),
    // Late events of all hops come to bases and tails that have them already.
    stream: { deliveries: [delivery(800, 'nothing'), delivery(600, 'materialise in full'), delivery(400, 'nothing', true)], limits: { batchRows: 5_000, materialiseRows: 100_000, tailBytes: 4_096, slackMs: 0 } },
    asked: { online, offline: ['backfill', 'probes', 'spine', 'questions'], plans, stretched: false },
  };
}

describe('aggregates of thousands of values', () => {
  let bench: ParityBench;
  beforeAll(async () => {
    bench = await openParity();
  });
  afterAll(() => bench.close());

  it.each(['lmdb' as const, ...(whyNoRedis() === null ? ['redis' as const] : [])])('is to the digit what the oracle says, by every path and in %s', async (online) => {
    const seed = Number(process.env['SEED']);
    const [given] = fc.sample(events, { seed, numRuns: 1 });
    const result = await bench.compare(worldOf(given!, online, online === 'lmdb' ? PLANS : []));
    expect(result.mismatches).toEqual([]);
    expect(result.compared).toBeGreaterThan(500);
  });
});
