import { compileExpression } from '@granary/aggregates';
import { PLANS, compileDataset } from '@granary/compiler';
import { formatExpression, named, resolveService, servedName, type FieldReference, type ResolvedService, type ServedFeature } from '@granary/contracts';
import { materialise } from '@granary/jobs';
import type { OfflineStore } from '@granary/offline-store';
import type { OnlineStore } from '@granary/online-store';
import { FeatureReader } from '@granary/serving';
import { agree, load, type Comparison, type Mismatch } from './comparison.js';
import type { DerivedCase, ViewUse } from './derived-cases.js';
import { sameValue } from './expressions.js';
import { ask, type Answer, type Question } from './oracle.js';
import { askDataset, createSpines, type Answered } from './statements.js';

/** Online keys of one case can't be those of another. */
let cases = 0;

/** Asks a service for training sets by several plans, and online, and judges all by the oracle of its views and by its expressions. */
export async function compareDerived(store: OfflineStore, online: OnlineStore, { world, snapshot, service, uses }: DerivedCase): Promise<Comparison> {
  const arrived = await load(store, world);
  const resolved = resolveService(snapshot, service);
  const names = resolved.features.map(({ name }) => name);
  const { spine, asked, happened } = await createSpines(store, world, arrived);
  const all: Answered[] = [];
  for (const [path, questions, plans] of [['spine', spine, PLANS], ['questions', asked, PLANS], ['events', happened, PLANS], ['pairs', happened, []]] as const) {
    const statement = compileDataset(snapshot, service, questions.spine, { plans });
    all.push({ path, questions: questions.questions, answers: await askDataset(store, statement, questions, names) });
  }
  all.push(await askOnline(store, online, { world, snapshot, service, uses }));

  const mismatches: Mismatch[] = [];
  let compared = 0;
  for (const { path, questions, answers } of all) {
    questions.forEach((question, i) => {
      const inputs = new Map(uses.map((use) => [use.id, ask(use.view, arrived, about(use, question))]));
      for (const feature of resolved.features) {
        const actual = answers[i]![feature.name]!;
        const expected = feature.kind === 'aggregate' ? inputs.get(feature.of)![feature.feature.name]! : derive(resolved, feature, inputs, question, answers[i]!);
        compared++;
        if (!same(feature, expected, actual)) mismatches.push({ path, question, feature: describe(feature), expected, actual });
      }
    });
  }
  return { compared, mismatches };
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

/** Materialises as of each instant, and reads the questions of that instant that can be asked online: those that are no event, without nulls. */
async function askOnline(store: OfflineStore, online: OnlineStore, { world, snapshot, service }: DerivedCase): Promise<Answered> {
  const able = world.questions.filter(({ eventId, request }) => eventId === '' && service.request.every(({ name }) => request[name] !== null));
  const project = `case${++cases}`;
  const answers = new Map<Question, Record<string, Answer>>();
  for (const at of [...new Set(able.map((question) => question.at))].sort((a, b) => a - b)) {
    await materialise(store, online, snapshot, { at, project });
    const questions = able.filter((question) => question.at === at);
    const rows = await new FeatureReader(snapshot, online, { project }).rows(service.name, questions.map(({ request }) => request), { at });
    questions.forEach((question, i) => answers.set(question, rows[i]!.values));
  }
  return { path: 'online', questions: able, answers: able.map((question) => answers.get(question)!) };
}
