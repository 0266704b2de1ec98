import { expressionType, replaceFields, type Derived, type Expression, type FeatureService, type FieldReference, type FieldType, type Snapshot, type VersionedView } from '@granary/contracts';
import * as fc from 'fast-check';
import { parityCase, type ParityCase } from './cases.js';
import { EXPRESSION_FIELDS, expressionTree, isApproximate } from './expression-cases.js';
import type { OracleEvent, Question } from './oracle.js';
import { plain } from './plain.js';

/** One random service: two views, one of them read under an alias too, and features derived from them, the request and each other. */
export interface DerivedCase {
  readonly world: ParityCase;
  readonly snapshot: Snapshot;
  readonly service: FeatureService;
  readonly uses: readonly ViewUse[];
}

/** A view as the service reads it: the fields of a question, and of an event, that name its entity. */
export interface ViewUse {
  readonly id: string;
  readonly view: VersionedView;
  readonly keys: readonly string[];
}

/** What may stand for a field of a random expression. */
interface Candidate {
  readonly field: FieldReference;
  readonly type: FieldType;
}

const PEER: Readonly<Record<string, string>> = { id: 'peerId', part: 'peerPart' };
/** Answers that are floats to 1e-9: an expression's exact answer can hang on what is beyond. */
const ROUNDED = ['avg', 'varianceSample', 'variancePopulation', 'stddevSample', 'stddevPopulation', 'percentile', 'decayedCount', 'decayedSum'];

export const derivedCase: fc.Arbitrary<DerivedCase> = fc
  .record({
    world: parityCase,
    otherTtlMs: fc.option(fc.constantFrom(1, 1000)),
    peers: fc.array(fc.nat({ max: 39 }), { minLength: 8, maxLength: 8 }),
    trees: fc.array(fc.record({ tree: expressionTree, picks: fc.array(fc.nat({ max: 60 }), { minLength: 7, maxLength: 7 }) }), { minLength: 1, maxLength: 8, size: 'max' }),
    served: fc.array(fc.boolean(), { minLength: 5, maxLength: 5 }),
    inner: fc.nat({ max: 5 }),
  })
  .map(({ world, otherTtlMs, peers, trees, served, inner }) => {
    const [one, ...others] = world.view.features;
    const middle = Math.floor(others.length / 2);
    const facts: VersionedView = { ...world.view, features: [one!, ...others.slice(0, middle)] };
    const more: VersionedView = { ...world.view, name: 'more', ttlMs: otherTtlMs, features: others.slice(middle) };
    const paired = withPeers({ ...world, view: facts }, peers);
    const own = world.entity.keys.map(({ name }) => name);
    const peerKeys = Object.fromEntries(own.map((name) => [name, PEER[name]!]));
    const uses: ViewUse[] = [
      { id: 'facts', view: facts, keys: own },
      { id: 'peer', view: facts, keys: own.map((name) => PEER[name]!) },
      ...(more.features.length === 0 ? [] : [{ id: 'more', view: more, keys: own }]),
    ];
    const views = uses.map((use, u) => ({
      view: use.view.name,
      ...(use.id === 'peer' ? { alias: 'peer', keys: peerKeys } : {}),
      features: use.view.features.map(({ name }) => name).filter((_, i) => served[(u + i) % served.length]),
    }));
    const request = paired.source.fields.filter(({ name }) => !own.includes(name) && !Object.values(PEER).includes(name)).map(({ name, type }) => ({ name, type }));
    const candidates: Candidate[] = [
      ...uses.flatMap(({ id, view }, u) =>
        view.features
          .filter(({ name, type, aggregate }) => views[u]!.features.includes(name) || !(ROUNDED.includes(aggregate.fn) || (aggregate.fn === 'sum' && type.kind === 'float64')))
          .map(({ name, type }): Candidate => ({ field: { kind: 'field', name, of: id }, type })),
      ),
      ...request.map(({ name, type }): Candidate => ({ field: { kind: 'field', name }, type })),
    ];
    const first = deriveAll('first', trees.slice(0, inner), candidates);
    const second = deriveAll('second', trees.slice(inner), [...candidates, ...first.filter(({ expression }) => !isApproximate(expression)).map(({ name, type }): Candidate => ({ field: { kind: 'field', name, of: 'first' }, type }))]);
    const inputs: Derived['inputs'] = uses.map(({ id, view }) => (id === 'peer' ? { kind: 'view', view: view.name, alias: 'peer', keys: peerKeys } : { kind: 'view', view: view.name }));
    const derived: Derived[] = [
      ...(first.length === 0 ? [] : [{ kind: 'derived' as const, name: 'first', inputs, request, features: first }]),
      ...(second.length === 0 ? [] : [{ kind: 'derived' as const, name: 'second', inputs: first.length === 0 ? inputs : [...inputs, { kind: 'derived' as const, derived: 'first' }], request, features: second }]),
    ];
    const service: FeatureService = {
      kind: 'featureService',
      name: 'answers',
      views: views.filter(({ features }) => features.length > 0),
      // What is only read by others is computed all the same.
      derived: derived.map(({ name, features }) => ({ derived: name, features: features.map((feature) => feature.name).filter((_, i) => name === 'second' || derived.length === 1 || i % 2 === 0) })),
      request,
    };
    const snapshot: Snapshot = {
      format: 1,
      id: '0'.repeat(64),
      entities: [world.entity],
      sources: [paired.source],
      views: [...new Set(uses.map(({ view }) => view))],
      derived,
      services: [service],
      recommenders: [],
      scorers: [],
    };
    return { world: paired, snapshot, service, uses };
  });

/** The same world in which each row also names a peer: an entity that some row is about. */
function withPeers(world: ParityCase, peers: readonly number[]): ParityCase {
  const fields = world.source.fields.filter(({ name }) => name in PEER);
  const rows = [...world.events.map(({ row }) => row), ...world.questions.map(({ request }) => request)];
  const paired = (row: OracleEvent['row'], i: number): OracleEvent['row'] => {
    const peer = rows[peers[i % peers.length]! % rows.length]!;
    return { ...row, ...Object.fromEntries(fields.map(({ name }) => [PEER[name]!, peer[name]!])) };
  };
  const events = world.events.map((event, i) => ({ ...event, row: paired(event.row, i) }));
  const questions = world.questions.map((question, i): Question => {
    // A question that is an event has that event's row.
    const event = world.events.findIndex(({ row }) => row === question.request);
    if (event >= 0) return { ...question, request: events[event]!.row };
    // Online a request has no nulls; offline it may.
    const filled = i % 3 === 0 ? question.request : Object.fromEntries(world.source.fields.map(({ name, type }) => [name, question.request[name] ?? plain(type)]));
    return { ...question, request: paired(filled, i) };
  });
  return { ...world, source: { ...world.source, fields: [...world.source.fields, ...fields.map((field) => ({ ...field, name: PEER[field.name]! }))] }, events, questions };
}

/** Each tree over fields that there are: of the same type as those it was made over, else a value of that type. */
function deriveAll(prefix: string, trees: readonly { readonly tree: Expression; readonly picks: readonly number[] }[], candidates: readonly Candidate[]): Derived['features'] {
  const typeOf = (field: FieldReference): FieldType => candidates.find((each) => each.field.of === field.of && each.field.name === field.name)!.type;
  return trees.map(({ tree, picks }, t) => {
    let next = 0;
    const expression = replaceFields(tree, ({ name }) => {
      const { type } = EXPRESSION_FIELDS.find((each) => each.name === name)!;
      const able = candidates.filter((candidate) => candidate.type.kind === type.kind);
      const pick = picks[next++ % picks.length]!;
      return able.length === 0 ? { kind: 'call', fn: 'nullIf', args: [literalOf(type), literalOf(type)] } : able[pick % able.length]!.field;
    });
    return { name: `${prefix}${t}`, type: expressionType(expression, typeOf), expression };
  });
}

function literalOf(type: FieldType): Expression {
  const value = type.kind === 'enum' ? type.values[0]! : plain(type);
  return { kind: 'literal', type, value: typeof value === 'bigint' ? String(value) : (value as string | number | boolean) };
}
