import type { EntityState } from '@granary/aggregates';
import { GranaryError, formatInstant, type EntityKey, type Instant, type Value } from '@granary/contracts';
import type { RowsInPlace } from '@granary/online-store';
import { evaluateEntity, latestValues, withRequest, type EntityValues, type ViewValues } from './evaluate.js';
import type { PlannedView } from './plan.js';
import type { PlannedEvaluation } from './planned-evaluation.js';
import { requestRow } from './request.js';

type Fields = Readonly<Record<string, Value>>;

/** What a view gives to one request after the other. */
export interface ViewReads {
  /** `slot` is the position of the entity's row among those fetched. */
  valuesOf(slot: number, key: EntityKey, fields: Fields): ViewValues;
  /** The greatest sequence of the events in an entity's row, once its values have been read; see `ServedRow.horizons`. */
  horizonOf(slot: number): number;
}

/**
 * Decodes and evaluates each row once, however many requests share it; a window that includes the request is finished
 * for each, unless `sameFields` says that their fields are the same.
 */
export function viewReads(planned: PlannedView, evaluation: PlannedEvaluation, rows: RowsInPlace, at: Instant, sameFields: boolean): ViewReads {
  // By slot.
  const read: (EntityValues | undefined)[] = [];
  const evaluated: (ViewValues | undefined)[] = [];
  const horizons: (number | undefined)[] = [];
  const shared = sameFields || !planned.includesRequest;

  function entityOf(slot: number, packed: Uint8Array | null): EntityValues {
    const known = read[slot];
    if (known !== undefined) return known;
    const state = packed === null ? null : stateAt(planned, packed, at);
    horizons[slot] = state === null ? 0 : newestSequence(state);
    const entity = evaluateEntity(planned, evaluation, state, at);
    if (!shared) read[slot] = entity;
    return entity;
  }

  function evaluate(slot: number, key: EntityKey, fields: Fields): ViewValues {
    const packed = rows.at(slot);
    if (planned.latestOnly && packed !== null) {
      const place = planned.codec.place(packed);
      if (place !== null) {
        assertReaches(planned, place.asOf, at);
        return latestValues(planned, planned.codec.row(place), at);
      }
    }
    const entity = entityOf(slot, packed);
    return planned.includesRequest ? withRequest(planned, evaluation, entity, requestRow(planned.view.keyFields, key, fields)) : entity;
  }

  return {
    valuesOf(slot, key, fields) {
      const known = shared ? evaluated[slot] : undefined;
      if (known !== undefined) return known;
      const values = evaluate(slot, key, fields);
      if (shared) evaluated[slot] = values;
      return values;
    },
    horizonOf(slot) {
      const known = horizons[slot];
      if (known !== undefined) return known;
      // Read in its place, without a tail; or there is no row.
      const packed = rows.at(slot);
      return packed === null ? 0 : planned.codec.order(packed).sequence;
    },
  };
}

/** 0 of a base without events. */
function newestSequence({ sequence, tail }: EntityState): number {
  let newest = Math.max(0, sequence);
  for (const event of tail) if (event.sequence > newest) newest = event.sequence;
  return newest;
}

/** The state in a row, good until the next one. Throws PAST_NOT_ONLINE. */
export function stateAt(planned: PlannedView, packed: Uint8Array, at: Instant): EntityState {
  const state = planned.codec.peek(packed);
  assertReaches(planned, state.asOf, at);
  return state;
}

/** Throws PAST_NOT_ONLINE for an instant before `asOf`, that of a base: what has left its windows by then is not in it. */
export function assertReaches({ view }: PlannedView, asOf: Instant, at: Instant): void {
  if (asOf <= at) return;
  throw new GranaryError('PAST_NOT_ONLINE', `${view.name} is online for reads from ${formatInstant(asOf)} on, and ${formatInstant(at)} is asked for`, {
    todo: 'Ask for a later instant, or let a history answer: granary dataset reads the past offline.',
    details: { view: view.name, asOf, at },
  });
}
