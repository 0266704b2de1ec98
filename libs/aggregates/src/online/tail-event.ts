import { named, type Instant, type Source, type Value } from '@granary/contracts';
import { compileExpression } from '../expression/compile.js';
import type { EventSchema, TailEvent } from './event-schema.js';

/** An event as its source's table has it; `values` in the order of the source's fields. */
export interface SourceEvent {
  readonly sequence: number;
  readonly eventTime: Instant;
  /** The event time where the source declares none. */
  readonly knownAt: Instant;
  readonly values: readonly (Value | null)[];
}

/** Makes, once for a view, the function that takes from a source's event what is kept of it. */
export function compileTailEvent({ conditions, columns }: EventSchema, { fields }: Pick<Source, 'fields'>): (event: SourceEvent) => TailEvent {
  const position = (name: string): number => fields.findIndex((field) => field.name === name);
  const answers = conditions.map(({ kind, expression }) => {
    const read = compileExpression<SourceEvent>(expression, ({ name }) => {
      const [{ type }, at] = [named(fields, name), position(name)];
      return { type, read: ({ values }) => values[at] ?? null };
    });
    const no = kind === 'predicate' ? 2 : 0;
    return (event: SourceEvent): number => {
      const answer = read(event);
      return answer === null ? 0 : answer === true ? 1 : no;
    };
  });
  const positions = columns.map(({ name }) => position(name));
  return (event) => ({
    sequence: event.sequence,
    time: event.eventTime,
    known: event.knownAt,
    conditions: answers.map((answer) => answer(event)),
    values: positions.map((at) => event.values[at] ?? null),
  });
}
