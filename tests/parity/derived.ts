import { compileExpression } from '@granary/aggregates';
import { compileDataset } from '@granary/compiler';
import { formatExpression, named, resolveService, servedName, type FieldReference, type ResolvedService, type ServedFeature, type Value } from '@granary/contracts';
import { readHistory } from '@granary/jobs';
import type { OfflineStore } from '@granary/offline-store';
import type { OnlineStore } from '@granary/online-store';
import { agree, type Comparison, type Mismatch } from './comparison.js';
import type { OfflinePath } from './cases.js';
import type { DerivedCase, ViewUse } from './derived-cases.js';
import { sameValue } from './expressions.js';
import { arrive, ask, type Answer, type Question } from './oracle.js';
import { deliveries, streamOnline } from './published.js';
import { askDataset, createSpine, spineOf, spineOfEvents, spineOfQuestions, type Answered, type SpineQuestions } from './statements.js';

/** A service is read from the stored events where a view has its parts computed alone. */
const HISTORY: Partial<Record<OfflinePath, string>> = { backfill: 'history', probes: 'history at horizons' };

/** Asks a service online, while its events stream in, and by the statements that its world names, and judges all by the oracle of its views and by its expressions. */
export async function compareDerived(store: OfflineStore, online: OnlineStore, derivedCase: DerivedCase): Promise<Comparison> {
  const { world, snapshot, service, uses } = derivedCase;
  const arrived = arrive(world.source, deliveries(world));
  const resolved = resolveService(snapshot, service);
  const all: Answered[] = [...(await streamOnline(store, online, world, { snapshot, service, asked: able(derivedCase) }))];
  await createSpine(store, world);
  const dataset = async (spine: SpineQuestions): Promise<Pick<Answered, 'questions' | 'answers'>> => ({
    questions: spine.questions,
    answers: await askDataset(store, compileDataset(snapshot, service, spine.spine, { plans: world.asked.plans }), spine, resolved.features.map(({ name }) => name)),
  });
  // Each question sees another part of the events in each view.
  const horizon = (question: number, view: string): number => (question * 7 + uses.findIndex(({ id }) => id === view) * 3) % (arrived.length + 1);
  const ways: Readonly<Record<OfflinePath, () => Promise<Pick<Answered, 'questions' | 'answers' | 'horizon'>>>> = {
    backfill: () => askHistory(store, derivedCase),
    probes: () => askHistory(store, derivedCase, horizon),
    spine: () => dataset(spineOf(world)),
    questions: async () => dataset(await spineOfQuestions(store, world)),
    events: async () => dataset(await spineOfEvents(store, world, arrived)),
  };
  for (const path of world.asked.offline) all.push({ path: HISTORY[path] ?? path, ...(await ways[path]()) });

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
async function askHistory(store: OfflineStore, derivedCase: DerivedCase, horizon?: Answered['horizon']): Promise<Pick<Answered, 'questions' | 'answers' | 'horizon'>> {
  const { snapshot, service, uses } = derivedCase;
  const questions = able(derivedCase);
  const asked = questions.map(({ request, at }, i) => ({ values: request as Record<string, Value>, at, horizons: horizon && new Map(uses.map(({ id }) => [id, horizon(i, id)])) }));
  const answers = await readHistory(store, snapshot, service.name, asked);
  return { questions, answers, ...(horizon && { horizon }) };
}
