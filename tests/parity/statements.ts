import { emptyParts, finish, foldRequest, partsOf } from '@granary/aggregates';
import { PLANS, SPINE, STATE_SUFFIX, compileBackfill, compileDataset, compileEventSpine, compileProbes, type Plan, type Spine } from '@granary/compiler';
import { BACKFILL, clickhouseType, identifier, type FeatureService, type FieldType, type Snapshot, type Statement, type Value } from '@granary/contracts';
import type { OfflineStore, Row } from '@granary/offline-store';
import type { ParityCase } from './cases.js';
import type { Answer, Arrived, Question } from './oracle.js';

/** What a path answers; a feature that it can't answer is left out. */
export interface Answered {
  readonly path: string;
  readonly questions: readonly Question[];
  readonly answers: readonly Readonly<Record<string, Answer>>[];
  /** The sequence up to which a question sees the events of a view, by its id. Left out: it sees all. */
  readonly horizon?: (question: number, view: string) => number;
}

/** Asks every kind of statement, with the plans that the compiler chooses and with others. */
export async function askAll(store: OfflineStore, world: ParityCase, arrived: readonly Arrived[]): Promise<readonly Answered[]> {
  const { entity, view, questions } = world;
  const { spine, asked, happened } = await createSpines(store, world, arrived);
  await create(store, 'probes', `SELECT ${entity.keys.map((key) => identifier(key.name)).join(', ')}, ${SPINE.time} AS ${BACKFILL.asOf} FROM spine`);
  const names = view.features.map(({ name }) => name);
  const { service, snapshot } = servedWhole(world, []);
  const dataset = (questions: SpineQuestions, plans?: readonly Plan[]): Promise<Record<string, Answer>[]> => askDataset(store, compileDataset(snapshot, service, questions.spine, { plans }), questions, names);
  const all: Answered[] = [
    { path: 'backfill', questions, answers: await askBackfill(store, world) },
    { path: 'spine', questions, answers: await dataset(spine) },
  ];
  for (const plans of [PLANS, ['merged'], []] as const) {
    all.push(
      { path: `questions by ${plans.join()}`, questions: asked.questions, answers: await dataset(asked, plans) },
      { path: `events by ${plans.join()}`, questions: happened.questions, answers: await dataset(happened, plans) },
      { path: `probes by ${plans.join()}`, questions, answers: await askProbes(store, world, plans) },
    );
  }
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

/** Spines of all questions, of those that are no event, and of the events themselves. */
export async function createSpines(store: OfflineStore, world: ParityCase, arrived: readonly Arrived[]): Promise<Readonly<Record<'spine' | 'asked' | 'happened', SpineQuestions>>> {
  const columns = [SPINE.row];
  await createSpine(store, world);
  await create(store, 'spine_questions', `SELECT * FROM spine WHERE ${SPINE.eventId} = ''`);
  const events = compileEventSpine(world.source);
  await create(store, 'spine_events', events.sql, events.params);
  return {
    spine: { spine: { table: 'spine', columns }, questions: world.questions },
    asked: { spine: { table: 'spine_questions', columns, events: null }, questions: world.questions.filter(({ eventId }) => eventId === '') },
    happened: { spine: { table: 'spine_events', columns, events: world.source.name }, questions: eventQuestions(world, arrived) },
  };
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
  await store.dropTable(table);
  await store.command({ sql: `CREATE TABLE ${table} ENGINE = Memory AS ${select}`, params });
}

async function createSpine(store: OfflineStore, { source, questions }: ParityCase): Promise<void> {
  await store.dropTable('spine');
  await store.command({
    sql: `CREATE TABLE spine (${[
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
async function askProbes(store: OfflineStore, world: ParityCase, plans: readonly Plan[]): Promise<Record<string, Answer>[]> {
  const rows = await store.rows(compileProbes(world.view, world.entity, world.source, { table: 'probes', plans }));
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
