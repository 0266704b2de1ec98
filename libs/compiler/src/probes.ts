import { partsOf } from '@granary/aggregates';
import { BACKFILL, EVENT, identifier, type Entity, type Source, type Statement, type VersionedView } from '@granary/contracts';
import type { BackfillScope } from './backfill.js';
import { Emitter, column, indent, list } from './emit.js';
import { EVENTS } from './events.js';
import { backfillColumns } from './parts.js';
import { PLANS, choosePlans, type Block, type Plan } from './plans/choose.js';
import { MERGED, emitMerged } from './plans/frames.js';
import { emitPairs } from './plans/pairs.js';
import { oldestAge } from './touched.js';

export interface ProbesOptions extends BackfillScope {
  /** A table of the entity's keys, under their names, and `BACKFILL.asOf`: whose parts are wanted, as of when. A row that comes again is one. */
  readonly table: string;
  /** Which plans may be taken, beside `pairs`, which always may. All give the same values. Default: all. */
  readonly plans?: readonly Plan[] | undefined;
  /**
   * The events to look at: those of the table's keys, or of these only what may matter to a pair that `compileTouched`
   * gave. Default: all.
   */
  readonly only?: 'keys' | 'touched' | undefined;
}

/**
 * A view's parts as of many instants, each for some entities: a row for each different probe whose entity was seen by
 * then, in the columns of `backfillColumns`.
 */
export function compileProbes(view: VersionedView, entity: Entity, source: Source, { table, plans = PLANS, only, ...given }: ProbesOptions): Statement {
  const emitter = new Emitter();
  const reach = only === 'touched' ? oldestAge(view.features) : Infinity;
  const near = only && { table, keys: entity.keys.map((key) => key.name), keyFields: view.keyFields, reach };
  const scope = { ...given, near };
  const resolved = { id: view.name, view, entity, source, keys: entity.keys, features: view.features };
  // What is stored is without a request, so none is taken for an event; and the newest event's sequence is wanted, which frames give.
  const blocks = choosePlans([resolved], { events: null }, plans.filter((plan) => plan === 'merged'), (_, feature) => feature);
  const probe = [...entity.keys.map((key) => key.name), BACKFILL.asOf];
  const subqueries = blocks.map((block, i) => `(\n${indent(emitBlock(emitter, block, table, probe, scope))}\n) AS ${identifier(`b${i}`)}`);
  const holder = (name: string): string => `b${Math.max(0, blocks.findIndex((block) => block.features.some(({ feature }) => partsOf(feature).some((part) => part.name === name))))}`;
  const columns = backfillColumns(view, entity).map(({ name }) => `${column(holder(name), name)} AS ${identifier(name)}`);
  // Each block has a row for every probe that is answered, so an inner join loses none.
  const [first, ...others] = subqueries;
  const joins = others.map((subquery, i) => `\nINNER JOIN ${subquery} ON ${probe.map((name) => `${column('b0', name)} = ${column(`b${i + 1}`, name)}`).join(' AND ')}`);
  return emitter.statement(`SELECT\n${list(columns)}\nFROM ${first}${joins.join('')}`);
}

function emitBlock(emitter: Emitter, block: Block, table: string, probe: readonly string[], scope: BackfillScope): string {
  const e = (name: string): string => column(EVENTS, name);
  const keys = probe.slice(0, -1);
  if (block.plan === 'pairs') {
    const columns = [`max(${e(EVENT.time)}) AS ${identifier(BACKFILL.eventTime)}`, `max(${e(EVENT.sequence)}) AS ${identifier(BACKFILL.sequence)}`];
    const { view } = block.features[0]!.view;
    return emitPairs(emitter, block.source, { view, features: block.features.map(({ feature }) => feature) }, { table, keys, time: BACKFILL.asOf, eventId: null, distinct: probe }, columns, scope);
  }
  const questions = { from: `(SELECT DISTINCT ${probe.map(identifier).join(', ')} FROM ${identifier(table)})`, keys, time: BACKFILL.asOf, row: 'toUInt64(1)' };
  const columns = (lastOf: (field: string) => string): readonly string[] => [
    ...keys.map((name, i) => `${e(MERGED.key(i))} AS ${identifier(name)}`),
    `${e(EVENT.time)} AS ${identifier(BACKFILL.asOf)}`,
    `${lastOf(EVENT.time)} AS ${identifier(BACKFILL.eventTime)}`,
    `${lastOf(EVENT.sequence)} AS ${identifier(BACKFILL.sequence)}`,
  ];
  return `${emitMerged(emitter, block, questions, columns, scope)} AND ${identifier(BACKFILL.eventTime)} IS NOT NULL`;
}
