import { EVENT, identifier, type Instant, type Source, type Statement } from '@granary/contracts';
import { SPINE } from './dataset.js';
import { Emitter, column } from './emit.js';
import { EVENTS, emitCurrent, emitEvents, emitRowNumber, type EventScope } from './events.js';

export interface EventSpineOptions extends EventScope {
  /** Inclusive; default: from the first event. */
  readonly from?: Instant | undefined;
  /** Exclusive; default: to the last. */
  readonly to?: Instant | undefined;
}

/** A spine of a source's own events, in order of time: one row an event, with all its fields. */
export function compileEventSpine(source: Source, { from, to, ...scope }: EventSpineOptions = {}): Statement {
  const emitter = new Emitter();
  const e = (name: string): string => column(EVENTS, name);
  const bounds = [
    ...(from === undefined ? [] : [`toUnixTimestamp64Milli(${e(EVENT.time)}) >= ${emitter.bindMs(from)}`]),
    ...(to === undefined ? [] : [`toUnixTimestamp64Milli(${e(EVENT.time)}) < ${emitter.bindMs(to)}`]),
  ];
  const fields = source.fields.map((field) => identifier(field.name));
  return emitter.statement(`SELECT
  ${emitRowNumber([SPINE.time, EVENT.sequence].map(identifier))} AS ${identifier(SPINE.row)},
  ${[SPINE.time, SPINE.eventId].map(identifier).concat(fields).join(', ')}
FROM (
  SELECT ${e(EVENT.time)} AS ${identifier(SPINE.time)}, ${e(EVENT.id)} AS ${identifier(SPINE.eventId)}, ${e(EVENT.sequence)} AS ${identifier(EVENT.sequence)}, ${fields.join(', ')}
  FROM ${emitEvents(emitter, source, source.fields.map((field) => field.name), scope).replaceAll('\n', '\n  ')}
  WHERE ${[emitCurrent(source), ...bounds].join(' AND ')}
)`);
}
