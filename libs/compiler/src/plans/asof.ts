import { partsOf } from '@granary/aggregates';
import { EVENT, identifier } from '@granary/contracts';
import { column, list, type Emitter } from '../emit.js';
import { EVENTS, type EventScope } from '../events.js';
import { fromCurrent } from './current.js';
import type { Block } from './choose.js';
import { MERGED } from './frames.js';

/** Decimal128: by event time, then sequence. */
export const ORDER = '__order';

/** Sequences stay below: beyond it an event would count as one of the next millisecond. */
const SEQUENCES = '10000000000000';

/** `asof`: the events with their order, `seen` (their time) and the values of the features as of each. */
export function emitAsof(emitter: Emitter, { source, features }: Block, seen: string, scope: EventScope): string {
  const { keyFields } = features[0]!.view.view;
  const e = (name: string): string => column(EVENTS, name);
  return `SELECT
${list([
  ...keyFields.map((field, i) => `${e(field)} AS ${identifier(MERGED.key(i))}`),
  `${order(e(EVENT.time))} + ${e(EVENT.sequence)} AS ${identifier(ORDER)}`,
  `${e(EVENT.time)} AS ${identifier(seen)}`,
  ...features.flatMap(({ feature }) => partsOf(feature).map((part) => `${e(feature.aggregate.column!)} AS ${identifier(part.name)}`)),
])}
${fromCurrent(emitter, source, [...keyFields, ...features.map(({ feature }) => feature.aggregate.column!)], scope)}`;
}

/** SQL of a place in the order after all events of the instant. */
export function afterInstant(time: string): string {
  return `${order(time)} + ${SEQUENCES} - 1`;
}

function order(time: string): string {
  // Decimal, because ClickHouse reads a whole number beyond UInt64, as the product is, as Float64.
  return `toDecimal128(toUnixTimestamp64Milli(${time}), 0) * ${SEQUENCES}`;
}
