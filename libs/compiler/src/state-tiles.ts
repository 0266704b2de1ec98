import { isSketch, oldestAt, type TileGroup } from '@granary/aggregates';
import { EVENT, identifier, type Instant, type Source } from '@granary/contracts';
import { column, emitDefault, indent, list, type Emitter } from './emit.js';
import { EVENTS } from './events.js';
import { emitCountingHops, emitHopLists, emitInNewestHops } from './hop-lists-sql.js';
import { emitHopStart } from './hops.js';
import { emitParts } from './parts.js';
import { emitWithoutUnread } from './sketch-sql.js';

export interface TilesScope {
  readonly source: Source;
  readonly at: Instant;
  /** SQL of it in milliseconds. */
  readonly ms: string;
  /** SQL for: the event is settled by then. */
  readonly settled: string;
  /** The source fields that hold the entity's keys, and the entity's names for them. */
  readonly keyFields: readonly string[];
  readonly keys: readonly string[];
  /** `(SELECT …) AS e`. */
  readonly events: string;
  /** SQL conditions on the events. */
  readonly where: readonly string[];
}

export interface TilesSql {
  /** `(SELECT …) AS alias`: the keys of the entities that have hops, and these in one array. */
  readonly subquery: string;
  /** SQL of the group's columns of the row, in their order. */
  readonly columns: readonly string[];
}

/** What a base keeps of a group of tiles: what `compileFoldTiles` of @granary/aggregates makes of the same events. */
export function emitTiles(emitter: Emitter, group: TileGroup, alias: string, scope: TilesScope): TilesSql {
  const { source, at, ms, settled, keyFields, keys, events, where } = scope;
  const { ages, hopMs, totals } = group;
  const time = `toUnixTimestamp64Milli(${e(EVENT.time)})`;
  const from = at - oldestAt(ages, at);
  const conditions = [...where, settled, `${time} BETWEEN ${emitter.bindMs(from)} AND ${ms} - ${ages.youngest}`];
  const parts = totals.flatMap(({ feature }) => emitParts(emitter, feature, source, { at: ms, frame: null, requestId: null, only: null }));
  const ofHop = totals.flatMap((total) => total.parts.map((part) => (part.nullable ? `ifNull(${column(EACH, part.name)}, ${emitDefault(part.type)})` : column(EACH, part.name))));
  // The first of a hop's tuple is when it begins.
  let elements = 1;
  const placed = totals.map((total) => ({ total, at: total.parts.map(() => ++elements) }));
  const lists = placed.flatMap(({ total, at: [i] }) => {
    if (total.layout !== 'newest') return [];
    const ofHops = element(i!, identifier(TILES));
    return [`${isSketch(total) ? emitWithoutUnread(ofHops) : emitInNewestHops(ofHops)} AS ${identifier(listsName(i!))}`];
  });
  const subquery = `(
  SELECT
${indent(list([...keys.map((key) => `${column(EACH, key)} AS ${identifier(key)}`), `arraySort(groupArray(tuple(${[column(EACH, START), ...ofHop].join(', ')}))) AS ${identifier(TILES)}`, ...lists]))}
  FROM (
    SELECT
${indent(indent(list([...keys.map((key, i) => `${e(keyFields[i]!)} AS ${identifier(key)}`), `${emitHopStart(time, hopMs)} AS ${identifier(START)}`, ...parts])))}
    FROM ${indent(indent(events)).trimStart()}
    WHERE ${conditions.join(' AND ')}
    GROUP BY ${[...keyFields.map(e), identifier(START)].join(', ')}
  ) AS ${identifier(EACH)}
  GROUP BY ${keys.map((key) => column(EACH, key)).join(', ')}
) AS ${identifier(alias)}`;
  const tiles = column(alias, TILES);
  const columnsOf = ({ total, at }: (typeof placed)[number]): readonly string[] => {
    const own = at.map((i) => element(i, tiles));
    switch (total.layout) {
      case 'each':
        return own;
      case 'newest':
        return emitHopLists(column(alias, listsName(at[0]!)));
      case 'counted':
        return emitCountingHops(own[0]!, own[1]!);
    }
  };
  return { subquery, columns: [`arrayMap(x -> toFloat64(x.1), ${tiles})`, ...placed.flatMap(columnsOf)] };
}

function element(i: number, tiles: string): string {
  return `arrayMap(x -> x.${i}, ${tiles})`;
}

function listsName(i: number): string {
  return `__lists${i}`;
}

const e = (name: string): string => column(EVENTS, name);
const EACH = 'h';
const START = '__start';
const TILES = '__tiles';
