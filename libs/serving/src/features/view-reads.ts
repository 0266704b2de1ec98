import type { Evaluation } from '@granary/aggregates';
import { GranaryError, formatInstant, type EntityKey, type Instant, type Value } from '@granary/contracts';
import type { RowsInPlace } from '@granary/online-store';
import { evaluateView, latestValues, type ViewValues } from './evaluate.js';
import type { PlannedView } from './plan.js';
import { requestRow } from './request.js';

type Fields = Readonly<Record<string, Value>>;

/** What a view gives to one request after the other. */
export interface ViewReads {
  /** `slot` is the position of the entity's row among those fetched. */
  valuesOf(slot: number, key: EntityKey, fields: Fields): ViewValues;
  /** The greatest sequence of the events in the entity's row, see `ServedRow.horizons`. */
  horizonOf(slot: number): number;
}

/**
 * Decodes and evaluates each row once, however many requests share it; a window that includes the request is evaluated
 * for each, unless `sameFields` says that their fields are the same. `wanted` are positions of features in the view.
 */
export function viewReads(planned: PlannedView, wanted: readonly number[], rows: RowsInPlace, at: Instant, sameFields: boolean): ViewReads {
  // By slot.
  const read: (Evaluation | undefined)[] = [];
  const evaluated: (ViewValues | undefined)[] = [];
  const shared = sameFields || !planned.includesRequest;

  function evaluationOf(slot: number, packed: Uint8Array | null): Evaluation {
    const known = read[slot];
    if (known !== undefined) return known;
    const evaluation = evaluateRow(planned, packed, at);
    if (!shared) read[slot] = evaluation;
    return evaluation;
  }

  function evaluate(slot: number, key: EntityKey, fields: Fields): ViewValues {
    const packed = rows.at(slot);
    if (planned.latestOnly && packed !== null) {
      assertReaches(planned, packed, at);
      const place = planned.codec.place(packed);
      if (place !== null) return latestValues(planned, planned.codec.row(place), at);
    }
    const request = planned.includesRequest ? requestRow(planned.view.keyFields, key, fields) : fields;
    return evaluateView(planned, wanted, evaluationOf(slot, packed), request, at);
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
      const packed = rows.at(slot);
      if (packed === null) return 0;
      const { sequence, tail } = planned.codec.decode(packed);
      return tail.reduce((last, event) => Math.max(last, event.sequence), Math.max(0, sequence));
    },
  };
}

function evaluateRow(planned: PlannedView, packed: Uint8Array | null, at: Instant): Evaluation {
  if (packed === null) return planned.evaluate(null, at);
  assertReaches(planned, packed, at);
  return planned.evaluate(planned.codec.peek(packed), at);
}

/** Throws PAST_NOT_ONLINE for an instant before that of the base: what has left its windows by then is not in it. */
export function assertReaches({ view, codec }: PlannedView, packed: Uint8Array, at: Instant): void {
  const { asOf } = codec.order(packed);
  if (asOf <= at) return;
  throw new GranaryError('PAST_NOT_ONLINE', `${view.name} is online for reads from ${formatInstant(asOf)} on, and ${formatInstant(at)} is asked for`, {
    todo: 'Ask for a later instant, or let a history answer: granary dataset reads the past offline.',
    details: { view: view.name, asOf, at },
  });
}
