import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finish, foldRequest, emptyParts, partsOf } from '@granary/aggregates';
import { SPINE, STATE_SUFFIX, compileBackfill, compileDataset } from '@granary/compiler';
import { clickhouseType, identifier, type FeatureService, type FieldType, type Snapshot, type Value } from '@granary/contracts';
import { OfflineStore, type Row } from '@granary/offline-store';
import { arrive, ask, type Answer, type Question } from './oracle.js';
import type { ParityCase } from './cases.js';
import type { ExpressionCase } from './expression-cases.js';
import { compareExpressions, type ExpressionMismatch } from './expressions.js';

/** A difference between what the oracle and a path answered. */
export interface Mismatch {
  readonly path: string;
  readonly question: Question;
  readonly feature: string;
  readonly expected: Answer;
  readonly actual: Answer;
}

export interface Comparison {
  readonly compared: number;
  readonly mismatches: readonly (Mismatch | ExpressionMismatch)[];
}

export interface ParityBench {
  compare(this: void, world: ParityCase): Promise<Comparison>;
  compareExpressions(this: void, world: ExpressionCase): Promise<Comparison>;
  close(): Promise<void>;
}

/** Opens a real embedded ClickHouse in a folder of its own, which `close` removes. */
export async function openParity(): Promise<ParityBench> {
  const folder = mkdtempSync(join(tmpdir(), 'granary-parity-'));
  const store = await OfflineStore.open({ kind: 'embedded', path: folder });
  return {
    compare: (world) => compare(store, world),
    compareExpressions: (world) => compareExpressions(store, world),
    async close() {
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function compare(store: OfflineStore, world: ParityCase): Promise<Comparison> {
  const { source, view } = world;
  await store.dropTable(`events_${source.name}`);
  await store.ensureSource(source);
  const rows = world.events.map((event) => ({
    eventId: event.id,
    eventTime: event.time,
    knownAt: event.knownAt,
    values: source.fields.map((field) => event.row[field.name] ?? null),
  }));
  // In two batches, so that duplicates meet stored events as well as each other.
  const half = Math.ceil(rows.length / 2);
  for (const batch of [rows.slice(0, half), rows.slice(half)]) if (batch.length > 0) await store.appendEvents(source, batch);

  const arrived = arrive(source, world.events);
  const answers = { dataset: await askDataset(store, world), backfill: await askBackfill(store, world) };
  const mismatches: Mismatch[] = [];
  let compared = 0;
  world.questions.forEach((question, i) => {
    const expected = ask(view, arrived, question);
    for (const [path, answered] of Object.entries(answers)) {
      for (const feature of view.features) {
        const actual = answered[i]![feature.name];
        if (actual === undefined) continue;
        compared++;
        if (!agree(expected[feature.name]!, actual)) mismatches.push({ path, question, feature: feature.name, expected: expected[feature.name]!, actual });
      }
    }
  });
  return { compared, mismatches };
}

/** Point-in-time training set: all questions in one statement. */
async function askDataset(store: OfflineStore, { entity, source, view, questions }: ParityCase): Promise<Record<string, Answer>[]> {
  const service: FeatureService = { kind: 'featureService', name: 'answers', views: [{ view: view.name, features: view.features.map((f) => f.name) }], request: [] };
  const snapshot: Snapshot = { format: 1, id: '0'.repeat(64), entities: [entity], sources: [source], views: [view], services: [service], recommenders: [], scorers: [], derived: [] };
  await store.dropTable('spine');
  await store.command({
    sql: `CREATE TABLE spine (${[
      `${SPINE.row} UInt64`,
      `${SPINE.time} DateTime64(3, 'UTC')`,
      `${SPINE.eventId} String`,
      ...source.fields.map((field) => `${identifier(field.name)} ${field.nullable ? `Nullable(${clickhouseType(field.type)})` : clickhouseType(field.type)}`),
    ].join(', ')}) ENGINE = MergeTree ORDER BY ${SPINE.row}`,
    params: {},
  });
  await store.command(spineRows(source, questions));
  const rows = await store.rows(compileDataset(snapshot, service, { table: 'spine', columns: [SPINE.row] }));
  if (rows.length !== questions.length) throw new Error(`${questions.length} questions gave ${rows.length} rows`);
  return rows.map((row, i) => {
    if (Number(row[SPINE.row]) !== i + 1) throw new Error(`row ${i + 1} of the spine came out of order`);
    return Object.fromEntries(view.features.map(({ name }) => [name, answerOf(row, name)]));
  });
}

function spineRows(source: ParityCase['source'], questions: readonly Question[]): { sql: string; params: Record<string, string | number> } {
  const params: Record<string, string | number> = {};
  const bind = (name: string, type: string, value: string | number): string => {
    params[name] = value;
    return `{${name}:${type}}`;
  };
  const literal = (type: FieldType, value: Value, name: string): string => {
    if (Array.isArray(value)) return `[${value.map((element, j) => bind(`${name}_${j}`, 'String', element as string)).join(', ')}]`;
    if (type.kind === 'timestamp') return `fromUnixTimestamp64Milli(${bind(name, 'Int64', value as number)}, 'UTC')`;
    return bind(name, clickhouseType(type), typeof value === 'number' ? value : String(value));
  };
  const rows = questions.map(({ at, eventId, request }, row) => {
    const values = source.fields.map(({ name, type, nullable }, i) => {
      const value = request[name] ?? null;
      const column = nullable ? `Nullable(${clickhouseType(type)})` : clickhouseType(type);
      return `CAST(${value === null ? 'NULL' : literal(type, value, `r${row}_${i}`)}, '${column.replaceAll("'", "\\'")}') AS c${i}`;
    });
    return `SELECT ${[`toUInt64(${row + 1})`, `fromUnixTimestamp64Milli(${at}, 'UTC')`, bind(`e${row}`, 'String', eventId), ...values].map((value, i) => (i < 3 ? `${value} AS s${i}` : value)).join(', ')}`;
  });
  return { sql: `INSERT INTO spine ${rows.join(' UNION ALL ')}`, params };
}

function answerOf(row: Row, name: string): Answer {
  const state = row[`${name}${STATE_SUFFIX}`] as Answer['state'];
  return { value: state === 'present' ? (row[name] as Value) : null, state };
}

/** Backfill as of each question's instant, finished as the online path finishes what it stores. */
async function askBackfill(store: OfflineStore, { entity, source, view, questions }: ParityCase): Promise<Record<string, Answer>[]> {
  const backfills = new Map<number, Row[]>();
  for (const { at } of questions) if (!backfills.has(at)) backfills.set(at, await store.rows(compileBackfill(view, entity, source, at)));
  return questions.map((question) => {
    const row = backfills.get(question.at)!.find((each) => entity.keys.every((key, i) => each[key.name] === question.key[i]));
    const answers: Record<string, Answer> = {};
    for (const feature of view.features) {
      const includeRequest = feature.aggregate.window?.includeRequest === true;
      // What is stored can't tell the request's own event from the others: online, a request is not an event yet.
      if (includeRequest && question.eventId !== '') continue;
      const stored = row === undefined ? null : partsOf(feature).map((part) => row[part.name] as Value | null);
      if (includeRequest) {
        const value = finish(feature, foldRequest(feature, stored ?? emptyParts(feature), question.request, question.at, source), question.at);
        answers[feature.name] = { value, state: value === null ? 'null' : 'present' };
      } else if (stored === null) {
        answers[feature.name] = { value: null, state: 'missing' };
      } else if (view.ttlMs !== null && (row!['__event_time'] as number) < question.at - view.ttlMs) {
        answers[feature.name] = { value: null, state: 'expired' };
      } else {
        const value = finish(feature, stored, question.at);
        answers[feature.name] = { value, state: value === null ? 'null' : 'present' };
      }
    }
    return answers;
  });
}

/** Integers, strings and the rest to the letter; floats to 1e-9 of what went into them. */
function agree(expected: Answer, actual: Answer): boolean {
  if (expected.state !== actual.state) return false;
  const [a, b] = [expected.value, actual.value];
  if (typeof a === 'number' && typeof b === 'number') return a === b || Math.abs(a - b) <= 1e-9 * Math.max(expected.scale ?? 0, Math.abs(a), Math.abs(b));
  return textOf(a) === textOf(b);
}

/** Maps have no order. */
function textOf(value: Value | null): string {
  const entries = typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)) : value;
  return JSON.stringify(entries, (_key, item: unknown) => (typeof item === 'bigint' ? `${item}n` : item));
}
