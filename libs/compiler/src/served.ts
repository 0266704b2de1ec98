import { partsOf } from '@granary/aggregates';
import { identifier, type ServedFeature } from '@granary/contracts';
import { column, type Emitter } from './emit.js';
import { emitFinish, emitFold, emitIsNull, emitNothing } from './finish.js';
import { includesRequest, type Planned } from './plans/choose.js';
import { SPINE } from './spine-table.js';

/** The suffix of the column that holds a feature's state. */
export const STATE_SUFFIX = '__state';

/** SQL of a feature as of a spine row `s`. */
export interface Answer {
  readonly value: string;
  readonly state: string;
}

/**
 * The value and state of a view's feature, whose parts are in the block `alias`. `seen` is SQL of the greatest event time
 * of the entity by then, null for one never seen; null: the row's own event is one.
 */
export function emitAnswer(emitter: Emitter, { view: { view, source, keys }, feature, requestInside }: Planned, alias: string, seen: string | null): Answer {
  const stored = partsOf(feature).map((part) => column(alias, part.name));
  const time = column('s', SPINE.time);
  const request = includesRequest(feature);
  // The spine calls a key as the asker does, the source perhaps otherwise.
  const asked = (field: string): string => column('s', keys[view.keyFields.indexOf(field)]?.name ?? field);
  const parts = request && !requestInside ? emitFold(emitter, feature, stored, source, asked, time) : stored;
  const value = emitFinish(emitter, feature, parts, time);
  // A request that belongs to the window is itself an event of now: the entity is seen, and fresh.
  const known = request || seen === null;
  const unseen = known ? [] : [`${seen} IS NULL`, `'missing'`];
  const expired = known || view.ttlMs === null ? [] : [`toUnixTimestamp64Milli(${seen}) < toUnixTimestamp64Milli(${time}) - ${view.ttlMs}`, `'expired'`];
  const hidden = [unseen[0], expired[0]].filter((condition) => condition !== undefined);
  const absent = emitIsNull(feature, value);
  const isNull = absent === null ? [] : [absent, `'null'`];
  const choices = [...unseen, ...expired, ...isNull];
  return {
    value: hidden.length === 0 ? value : `if(${hidden.join(' OR ')}, ${emitNothing(feature.type)}, ${value})`,
    state: choices.length === 0 ? `'present'` : `multiIf(${[...choices, `'present'`].join(', ')})`,
  };
}

/** The columns of a served feature. */
export function answerColumns(name: ServedFeature['name'], { value, state }: Answer): readonly string[] {
  return [`${value} AS ${identifier(name)}`, `${state} AS ${identifier(`${name}${STATE_SUFFIX}`)}`];
}

