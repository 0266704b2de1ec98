import { EVENT, identifier, resolveService, servedName, type FeatureService, type ResolvedService, type Snapshot, type Statement } from '@granary/contracts';
import { emitWithDerived } from './derived.js';
import { Emitter, column, indent, list } from './emit.js';
import { EVENTS, type EventScope } from './events.js';
import { ORDER, afterInstant, emitAsof } from './plans/asof.js';
import { PLANS, blockName, choosePlans, includesRequest, mayBeEvents, type Block, type Plan } from './plans/choose.js';
import { MERGED, emitMerged, emitOwn } from './plans/frames.js';
import { emitPairs } from './plans/pairs.js';
import { answerColumns, emitAnswer, type Answer } from './served.js';
import { SPINE, type Spine } from './spine-table.js';

export interface DatasetStatementOptions extends EventScope {
  /** Which plans may be taken, beside `pairs`, which always may. All give the same values. Default: all. */
  readonly plans?: readonly Plan[] | undefined;
}

/**
 * A point-in-time training set: for each row of the spine, in its order and exactly once, the service's features as of
 * the row's own instant, and each feature's state in `<feature>__state`. How each feature is computed, `choosePlans` says.
 */
export function compileDataset(snapshot: Snapshot, service: FeatureService, spine: Spine, { plans = PLANS, ...scope }: DatasetStatementOptions = {}): Statement {
  const emitter = new Emitter();
  const resolved = resolveService(snapshot, service);
  const blocks = choosePlans(resolved.views, spine, plans).map((block, i): Joined => ({ ...block, alias: `b${i}` }));
  const joins = blocks.map((block) => emitJoin(emitter, block, spine, scope));
  const answers = (of: string, feature: string): Answer => answer(emitter, blocks, resolved, of, feature);
  const carried = spine.columns.map((name) => ({ sql: s(name), name: carriedAs(service, name) }));
  const from = `FROM ${identifier(spine.table)} AS ${identifier('s')}
${joins.join('\n')}`;
  if (resolved.features.some((served) => served.kind === 'derived')) return emitter.statement(emitWithDerived(emitter, resolved, carried, answers, from));
  const features = resolved.features.flatMap((served) => (served.kind === 'derived' ? [] : answerColumns(served.name, answers(served.of, served.feature.name))));
  return emitter.statement(`SELECT
${list([...carried.map(({ sql, name }) => `${sql} AS ${identifier(name)}`), ...features])}
${from}
ORDER BY ${s(SPINE.row)}`);
}

/** The name of a spine's column in the training set. */
export function carriedAs(service: FeatureService, name: string): string {
  const served = service.views.some((use) => use.features.some((feature) => servedName(use.alias, feature) === name));
  return served || service.derived?.some((use) => use.features.includes(name)) === true ? `${name}__spine` : name;
}

interface Joined extends Block {
  readonly alias: string;
}

/** The greatest event time of the entity by then; null (by join_use_nulls) when it was never seen. */
const SEEN = '__seen';

const s = (name: string): string => column('s', name);

function answer(emitter: Emitter, blocks: readonly Joined[], { views }: ResolvedService, id: string, feature: string): Answer {
  const name = blockName(views.find((each) => each.id === id)!, feature);
  for (const block of blocks) {
    const planned = block.features.find((each) => each.feature.name === name);
    if (planned !== undefined) return emitAnswer(emitter, planned, block.alias, block.plan === 'own' ? null : column(block.alias, SEEN));
  }
  throw new Error(`no plan computes ${name}`);
}

function emitJoin(emitter: Emitter, block: Joined, spine: Spine, scope: EventScope): string {
  const b = (name: string): string => column(block.alias, name);
  const [{ view }] = block.features as [Block['features'][number]];
  const keys = view.keys.map((key) => key.name);
  const join = (kind: string, subquery: string, on: readonly string[]): string => `${kind} (\n${indent(subquery)}\n) AS ${identifier(block.alias)} ON ${on.join(' AND ')}`;
  const seenBy = block.features.some(({ feature }) => !includesRequest(feature));
  switch (block.plan) {
    case 'own':
      return join('LEFT JOIN', emitOwn(emitter, block, scope), [`${s(SPINE.sequence)} = ${b(EVENT.sequence)}`]);
    case 'asof':
      return join('ASOF LEFT JOIN', emitAsof(emitter, block, SEEN, scope), [...keys.map((key, i) => `${s(key)} = ${b(MERGED.key(i))}`), `${afterInstant(s(SPINE.time))} >= ${b(ORDER)}`]);
    case 'merged': {
      const questions = { from: identifier(spine.table), keys, time: SPINE.time, row: column('q', SPINE.row) };
      const subquery = emitMerged(emitter, block, questions, (lastOf) => (seenBy ? [`${lastOf(EVENT.time)} AS ${identifier(SEEN)}`] : []), scope);
      return join('LEFT JOIN', subquery, [`${s(SPINE.row)} = ${b(MERGED.row)}`]);
    }
    case 'pairs': {
      // A request that may be an event belongs to one row only; other rows that ask about the same entity and instant share the answer.
      const own = block.features.some(({ feature }) => includesRequest(feature)) && mayBeEvents(block.source, spine);
      const distinct = [...keys, SPINE.time, ...(own ? [SPINE.row, SPINE.eventId] : [])];
      const probes = { table: spine.table, keys, time: SPINE.time, eventId: own ? SPINE.eventId : null, distinct };
      const seen = `max(${column(EVENTS, EVENT.time)}) AS ${identifier(SEEN)}`;
      const reading = { view: view.view, features: block.features.map(({ feature }) => feature) };
      return join('LEFT JOIN', emitPairs(emitter, block.source, reading, probes, [seen], scope), distinct.map((name) => `${s(name)} = ${b(name)}`));
    }
  }
}
