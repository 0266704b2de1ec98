import type { FeatureService, Snapshot } from '@granary/contracts';
import { createPublisher, materialise, type OnlinePublisher } from '@granary/jobs';
import type { OfflineStore } from '@granary/offline-store';
import type { OnlineStore } from '@granary/online-store';
import { FeatureReader } from '@granary/serving';
import type { Delivery, ParityCase } from './cases.js';
import { openEvents } from './comparison.js';
import type { OracleEvent, Question } from './oracle.js';
import { plain } from './plain.js';
import { servedWhole, type Answered } from './statements.js';

/** Beside the instants that a world asks about, those of so many events are asked about: what happens then is on a bound. */
const MOMENTS = 4;
/** Online keys of one world can't be those of another. */
let worlds = 0;

/** A service, and what it is asked: no event, and without nulls. */
export interface Served {
  readonly snapshot: Snapshot;
  readonly service: FeatureService;
  readonly asked: readonly Question[];
}

/** The events of a world, as they are delivered. */
export function deliveries({ events, stream }: ParityCase): readonly (readonly OracleEvent[])[] {
  const batches: (readonly OracleEvent[])[] = [];
  let taken = 0;
  for (const { rows } of [...stream.deliveries, { rows: events.length }]) batches.push(events.slice(taken, (taken += rows)));
  return batches;
}

/**
 * Stores the events of a world as its stream delivers them, publishes them, materialises and starts again in between; and
 * after each delivery, and after what follows it, reads every question at every instant from the clock's on.
 */
export async function streamOnline(offline: OfflineStore, store: OnlineStore, world: ParityCase, { snapshot, service, asked }: Served, create: typeof createPublisher = createPublisher): Promise<readonly Answered[]> {
  const { source, questions, stream } = world;
  const rows = await openEvents(offline, world);
  const project = `world${++worlds}`;
  const instants = [...new Set(questions.map(({ at }) => at))].sort((a, b) => a - b);
  let clock = 0;
  const now = (): number => instants[clock]!;

  const open = (to = store): OnlinePublisher => create(offline, to, snapshot, { project, now, ...stream.limits });
  const reader = new FeatureReader(snapshot, store, { project, maxEntities: Math.max(1, asked.length) });
  let publisher = open();
  const follow: Readonly<Record<Exclude<Delivery['then'], 'nothing'>, () => Promise<unknown>>> = {
    restart: () => Promise.resolve((publisher = open())),
    'catch up': () => publisher.catchUp(),
    materialise: () => materialise(offline, store, snapshot, { at: now(), now, project }),
    'materialise in full': () => materialise(offline, store, snapshot, { at: now(), now, project, full: true }),
  };

  const answered: Answered[] = [];
  let [taken, stored, visible] = [0, 0, 0];
  // Before the first time that anything is brought online a read is refused.
  let isOnline = false;
  const read = async (after: string): Promise<void> => {
    if (!isOnline) return;
    const seen = visible;
    const askable = asked.filter(({ at }) => at >= now());
    answered.push({ path: `${store.kind} after ${after}, at ${now()}`, questions: askable, answers: await readAll(reader, service.name, askable), horizon: () => seen });
  };
  const rest: Delivery = { rows: rows.length, published: 'told', then: 'catch up', later: false };
  for (const [step, delivery] of [...stream.deliveries, rest].entries()) {
    const batch = rows.slice(taken, (taken += delivery.rows));
    if (batch.length > 0) {
      const { rows: outcomes, lastSequence } = await offline.appendEvents(source, batch);
      stored = lastSequence;
      const events = batch.map((row, i) => ({ ...row, ...outcomes[i]! }));
      if (delivery.published === 'cut off') await open(cutOff(store)).published(source, events, lastSequence).catch(() => undefined);
      const times = { stored: 0, told: 1, 'cut off': 1, twice: 2 }[delivery.published];
      for (let time = 0; time < times; time++) await publisher.published(source, events, lastSequence);
      if (times > 0) [visible, isOnline] = [stored, true];
      await read(`${step + 1} deliveries`);
    }
    if (delivery.then !== 'nothing') {
      await follow[delivery.then]();
      if (delivery.then !== 'restart') [visible, isOnline] = [stored, true];
      await read(`${step + 1} deliveries, ${delivery.then}`);
    }
    if (delivery.later && clock < instants.length - 1) clock++;
  }
  return answered;
}

/** All features of a world's view, and its questions at every instant. */
export function servedOnline(world: ParityCase): Served {
  const instants = [...world.questions.map(({ at }) => at), ...world.events.slice(0, MOMENTS).map(({ time }) => time)];
  return { ...servedWhole(world, requestOf(world)), asked: everyQuestion(world, [...new Set(instants)]) };
}

/** A store whose client ends when its events are appended, before it learns so. */
function cutOff(store: OnlineStore): OnlineStore {
  const append: OnlineStore['append'] = async (...frames) => {
    await store.append(...frames);
    throw new Error('cut off');
  };
  return Object.assign(Object.create(store) as OnlineStore, { append });
}

async function readAll(reader: FeatureReader, service: string, questions: readonly Question[]): Promise<Answered['answers']> {
  const answers = new Map<Question, Answered['answers'][number]>();
  for (const at of new Set(questions.map((question) => question.at))) {
    const some = questions.filter((question) => question.at === at);
    const rows = await reader.rows(service, some.map(({ request }) => request), { at });
    some.forEach((question, i) => answers.set(question, rows[i]!.values));
  }
  return questions.map((question) => answers.get(question)!);
}

/** What a request tells beside its keys: nothing where no window includes it. */
function requestOf({ source, view }: ParityCase): FeatureService['request'] {
  if (!view.features.some(({ aggregate }) => aggregate.window?.includeRequest === true)) return [];
  return source.fields.filter(({ name }) => !view.keyFields.includes(name)).map(({ name, type }) => ({ name, type }));
}

/** The world's questions, each at each instant. Online a request is no event, and it has no nulls. */
function everyQuestion({ source, questions }: ParityCase, instants: readonly number[]): readonly Question[] {
  return questions.flatMap(({ key, request }) => {
    const filled = Object.fromEntries(source.fields.map(({ name, type }) => [name, request[name] ?? plain(type)]));
    return instants.map((at): Question => ({ key, at, request: { ...filled, at, reportedAt: at }, eventId: '' }));
  });
}
