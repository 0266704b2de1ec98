import { compileExpression } from '@granary/aggregates';
import { PLANS, compileDataset } from '@granary/compiler';
import { formatExpression, named, resolveService, servedName, type FieldReference, type ResolvedService, type ServedFeature, type Value } from '@granary/contracts';
import { materialise, readHistory } from '@granary/jobs';
import type { OfflineStore } from '@granary/offline-store';
import type { OnlineStore } from '@granary/online-store';
import { FeatureReader } from '@granary/serving';
import { agree, load, type Comparison, type Mismatch } from './comparison.js';
import type { DerivedCase, ViewUse } from './derived-cases.js';
import { sameValue } from './expressions.js';
import { ask, type Answer, type Question } from './oracle.js';
import { askDataset, createSpine, spineOf, spineOfEvents, spineOfQuestions, type Answered } from './statements.js';

/** Online keys of one case can't be those of another. */
let cases = 0;

/** Asks a service for training sets by several plans, and online, and judges all by the oracle of its views and by its expressions. */
export async function compareDerived(store: OfflineStore, online: OnlineStore, { world, snapshot, service, uses }: DerivedCase): Promise<Comparison> {
  const arrived = await load(store, world);
  const resolved = resolveService(snapshot, service);
  const names = resolved.features.map(({ name }) => name);
  await createSpine(store, world);
  const spine = spineOf(world);
  const asked = await spineOfQuestions(store, world);
  // A timeless row has no time to ask about itself.
  const happened = world.source.eventTime === null ? null : await spineOfEvents(store, world, arrived);
  const all: Answered[] = [];
  for (const [path, questions, plans] of [['spine', spine, PLANS], ['questions', asked, PLANS], ['events', happened, PLANS], ['pairs', happened, []]] as const) {
    if (questions === null) continue;
    const statement = compileDataset(snapshot, service, questions.spine, { plans });
    all.push({ path, questions: questions.questions, answers: await askDataset(store, statement, questions, names) });
  }
  all.push(await askOnline(store, online, { world, snapshot, service, uses }));
  all.push(await askHistory(store, { world, snapshot, service, uses }));
  // Each question sees another part of the events in each view.
  const last = arrived.length;
  all.push(await askHistory(store, { world, snapshot, service, uses }, (question, view) => (question * 7 + uses.findIndex(({ id }) => id === view) * 3) % (last + 1)));

  const mismatches: Mismatch[] = [];
  let compared = 0;
  for (const { path, questions, answers, horizon = () => Infinity } of all) {
    questions.forEach((question, i) => {
      const inputs = new Map(uses.map((use) => [use.id, ask(use.view, arrived.filter(({ sequence }) => sequence <= horizon(i, use.id)), about(use, question))]));
      for (const feature of resolved.features) {
        const actual = answers[i]![feature.name]!;
        const expected = feature.kind === 'aggregate' ? inputs.get(feature.of)![feature.feature.name]! : derive(resolved, feature, inputs, question, answers[i]!);
        compared++;
        if (!same(feature, expected, actual)) mismatches.push({ path, question, feature: describe(feature), expected, actual });
      }
    });
  }
  return { compared, mismatches, paths: all.map(({ path }) => path) };
}

/** The question as a view hears it that is read under other keys: a request is about the entity that these name. */
function about({ view, keys }: ViewUse, question: Question): Question {
  const key = keys.map((name) => question.request[name]!);
  return { ...question, key, request: { ...question.request, ...Object.fromEntries(view.keyFields.map((field, i) => [field, key[i]!])) } };
}

/** What the feature is by its declaration. Floats that may differ in their last digits are taken as they were served. */
function derive(service: ResolvedService, { expression }: Extract<ServedFeature, { kind: 'derived' }>, inputs: ReadonlyMap<string, Record<string, Answer>>, question: Question, served: Readonly<Record<string, Answer>>): Answer {
  const read: Answer[] = [];
  const answerOf = ({ of, name }: FieldReference): Answer => {
    const answer = inputs.get(of!)![name]!;
    return answer.scale ? (served[servedName(of === 'peer' ? of : undefined, name)] ?? answer) : answer;
  };
  const compute = compileExpression<null>(expression, (field) => {
    if (field.of === undefined) return { type: named(service.request, field.name).type, read: () => question.request[field.name] ?? null };
    const answer = answerOf(field);
    read.push(answer);
    return { type: named(service.views.find(({ id }) => id === field.of)!.features, field.name).type, read: () => answer.value };
  });
  const value = compute(null);
  if (value !== null) return { value, state: 'present' };
  const states = read.map(({ state }) => state);
  return { value, state: states.includes('missing') ? 'missing' : states.includes('expired') ? 'expired' : 'null' };
}

function same(feature: ServedFeature, expected: Answer, actual: Answer): boolean {
  if (feature.kind === 'aggregate') return agree(expected, actual);
  return expected.state === actual.state && sameValue(feature.expression, expected.value, actual.value);
}

function describe(feature: ServedFeature): string {
  return feature.kind === 'derived' ? `${feature.name} = ${formatExpression(feature.expression)}` : feature.name;
}

/** Requests that can be asked online: no event, and without nulls. */
function able({ world, service }: DerivedCase): readonly Question[] {
  return world.questions.filter(({ eventId, request }) => eventId === '' && service.request.every(({ name }) => request[name] !== null));
}

/** Reads the questions that can be asked online from the stored events. */
async function askHistory(store: OfflineStore, derivedCase: DerivedCase, horizon?: Answered['horizon']): Promise<Answered> {
  const { snapshot, service, uses } = derivedCase;
  const questions = able(derivedCase);
  const asked = questions.map(({ request, at }, i) => ({ values: request as Record<string, Value>, at, horizons: horizon && new Map(uses.map(({ id }) => [id, horizon(i, id)])) }));
  const answers = await readHistory(store, snapshot, service.name, asked);
  return { path: `history${horizon === undefined ? '' : ' at horizons'}`, questions, answers, ...(horizon && { horizon }) };
}

/** Materialises as of each instant, and reads the questions of that instant that can be asked online. */
async function askOnline(store: OfflineStore, online: OnlineStore, derivedCase: DerivedCase): Promise<Answered> {
  const { snapshot, service } = derivedCase;
  const asked = able(derivedCase);
  const project = `case${++cases}`;
  const answers = new Map<Question, Record<string, Answer>>();
  for (const at of [...new Set(asked.map((question) => question.at))].sort((a, b) => a - b)) {
    await materialise(store, online, snapshot, { at, project });
    const questions = asked.filter((question) => question.at === at);
    const rows = await new FeatureReader(snapshot, online, { project }).rows(service.name, questions.map(({ request }) => request), { at });
    questions.forEach((question, i) => answers.set(question, rows[i]!.values));
  }
  return { path: 'online', questions: asked, answers: asked.map((question) => answers.get(question)!) };
}
