import { emptyParts, finish, foldRequest, partsOf } from '@granary/aggregates';
import { SPINE, STATE_SUFFIX, compileBackfill, compileDataset, compileEventSpine, compileProbes, type Spine } from '@granary/compiler';
import { BACKFILL, clickhouseType, identifier, type FeatureService, type FieldType, type Snapshot, type Statement, type Value } from '@granary/contracts';
import type { OfflineStore, Row } from '@granary/offline-store';
import type { OfflinePath, ParityCase } from './cases.js';
import type { Answer, Arrived, Question } from './oracle.js';

/** What a path answers; a feature that it can't answer is left out. */
export interface Answered {
  readonly path: string;
  readonly questions: readonly Question[];
  readonly answers: readonly Readonly<Record<string, Answer>>[];
  /** The sequence up to which a question sees the events of a view, by its id. Left out: it sees all. */
  readonly horizon?: (question: number, view: string) => number;
}

/** Asks the statements that the world names, with the plans that it names. */
export async function askAll(store: OfflineStore, world: ParityCase, arrived: readonly Arrived[]): Promise<readonly Answered[]> {
  const { questions, asked } = world;
  const names = world.view.features.map(({ name }) => name);
  const { service, snapshot } = servedWhole(world, []);
  await createSpine(store, world);
  const dataset = async (spine: SpineQuestions): Promise<Pick<Answered, 'questions' | 'answers'>> => ({
    questions: spine.questions,
    answers: await askDataset(store, compileDataset(snapshot, service, spine.spine, { plans: asked.plans }), spine, names),
  });
  const ways: Readonly<Record<OfflinePath, () => Promise<Pick<Answered, 'questions' | 'answers'>>>> = {
    backfill: async () => ({ questions, answers: await askBackfill(store, world) }),
    probes: async () => ({ questions, answers: await askProbes(store, world) }),
    spine: () => dataset(spineOf(world)),
    questions: async () => dataset(await spineOfQuestions(store, world)),
    events: async () => dataset(await spineOfEvents(store, world, arrived)),
  };
  const all: Answered[] = [];
  for (const path of asked.offline) all.push({ path, ...(await ways[path]()) });
  return all;
}

/** A service of all features of the world's view. */
export function servedWhole({ entity, source, view }: ParityCase, request: FeatureService['request']): { readonly service: FeatureService; readonly snapshot: Snapshot } {
  const service: FeatureService = { kind: 'featureService', name: 'answers', views: [{ view: view.name, features: view.features.map(({ name }) => name) }], request };
  return { service, snapshot: { format: 1, id: '0'.repeat(64), entities: [entity], sources: [source], views: [view], services: [service], recommenders: [], scorers: [], derived: [] } };
}

/** Questions, and the spine table that asks them. */
export interface SpineQuestions {
  readonly spine: Spine;
  readonly questions: readonly Question[];
}

/** Of all questions. */
export function spineOf({ questions }: ParityCase): SpineQuestions {
  return { spine: { table: 'spine', columns: [SPINE.row] }, questions };
}

/** Of those that are no event. */
export async function spineOfQuestions(store: OfflineStore, { questions }: ParityCase): Promise<SpineQuestions> {
  await create(store, 'spine_questions', `SELECT * FROM spine WHERE ${SPINE.eventId} = ''`);
  return { spine: { table: 'spine_questions', columns: [SPINE.row], events: null }, questions: questions.filter(({ eventId }) => eventId === '') };
}

/** Of the events themselves. */
export async function spineOfEvents(store: OfflineStore, world: ParityCase, arrived: readonly Arrived[]): Promise<SpineQuestions> {
  const events = compileEventSpine(world.source);
  await create(store, 'spine_events', events.sql, events.params);
  return { spine: { table: 'spine_events', columns: [SPINE.row], events: world.source.name }, questions: eventQuestions(world, arrived) };
}

/** Each event's last version as a question about itself, in the order of the spine that they are. */
function eventQuestions({ entity, view }: ParityCase, arrived: readonly Arrived[]): readonly Question[] {
  const newer = (a: Arrived, b: Arrived): boolean => (a.knownAt === b.knownAt ? a.sequence > b.sequence : a.knownAt > b.knownAt);
  return arrived
    .filter((event) => !arrived.some((other) => other.id === event.id && newer(other, event)))
    .sort((a, b) => a.time - b.time || a.sequence - b.sequence)
    .map((event) => ({ key: entity.keys.map((_, i) => event.row[view.keyFields[i]!]!), at: event.time, request: event.row, eventId: event.id }));
}

async function create(store: OfflineStore, table: string, select: string, params = {}): Promise<void> {
  await store.command({ sql: `CREATE OR REPLACE TABLE ${table} ENGINE = Memory AS ${select}`, params });
}

/** The table of all questions, which the spines are made of. */
export async function createSpine(store: OfflineStore, { source, questions }: ParityCase): Promise<void> {
  await store.command({
    sql: `CREATE OR REPLACE TABLE spine (${[
      `${SPINE.row} UInt64`,
      `${SPINE.time} DateTime64(3, 'UTC')`,
      `${SPINE.eventId} String`,
      ...source.fields.map((field) => `${identifier(field.name)} ${field.nullable ? `Nullable(${clickhouseType(field.type)})` : clickhouseType(field.type)}`),
    ].join(', ')}) ENGINE = Memory`,
    params: {},
  });
  await store.command(spineRows(source, questions));
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

/** Point-in-time training set: all questions in one statement. */
export async function askDataset(store: OfflineStore, statement: Statement, { questions }: SpineQuestions, names: readonly string[]): Promise<Record<string, Answer>[]> {
  const rows = await store.rows(statement);
  if (rows.length !== questions.length) throw new Error(`${questions.length} questions gave ${rows.length} rows`);
  return rows.map((row, i) => {
    if (i > 0 && (row[SPINE.row] as bigint) <= (rows[i - 1]![SPINE.row] as bigint)) throw new Error(`row ${i + 1} of the spine came out of order`);
    return Object.fromEntries(names.map((name) => [name, answerOf(row, name)]));
  });
}

function answerOf(row: Row, name: string): Answer {
  const state = row[`${name}${STATE_SUFFIX}`] as Answer['state'];
  return { value: state === 'present' ? (row[name] as Value) : null, state };
}

/** Backfill as of each question's instant. */
async function askBackfill(store: OfflineStore, world: ParityCase): Promise<Record<string, Answer>[]> {
  const { entity, source, view, questions } = world;
  const backfills = new Map<number, Row[]>();
  for (const { at } of questions) if (!backfills.has(at)) backfills.set(at, await store.rows(compileBackfill(view, entity, source, at)));
  return questions.map((question) => finishRow(world, question, backfills.get(question.at)!));
}

/** The parts as of all questions in one statement. */
async function askProbes(store: OfflineStore, world: ParityCase): Promise<Record<string, Answer>[]> {
  await create(store, 'probes', `SELECT ${world.entity.keys.map((key) => identifier(key.name)).join(', ')}, ${SPINE.time} AS ${BACKFILL.asOf} FROM spine`);
  const rows = await store.rows(compileProbes(world.view, world.entity, world.source, { table: 'probes', plans: world.asked.plans }));
  return world.questions.map((question) => finishRow(world, question, rows.filter((row) => row[BACKFILL.asOf] === question.at)));
}

/** Finishes an entity's parts as the online path finishes what it stores. */
function finishRow({ entity, source, view }: ParityCase, question: Question, rows: readonly Row[]): Record<string, Answer> {
  const [row, other] = rows.filter((each) => entity.keys.every((key, i) => each[key.name] === question.key[i]));
  if (other !== undefined) throw new Error('two rows for one entity');
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
}
