import type { EntityKey, Instant, Value } from '@granary/contracts';
import { evaluateView, type ViewValues } from './evaluate.js';
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
export function viewReads(planned: PlannedView, wanted: readonly number[], bytes: readonly (Uint8Array | null)[], at: Instant, sameFields: boolean): ViewReads {
  const decoded = new Map<number, readonly (Value | null)[] | null>();
  const evaluated = new Map<number, ViewValues>();
  const shared = sameFields || !planned.includesRequest;

  function decode(slot: number): readonly (Value | null)[] | null {
    const packed = bytes[slot];
    if (packed == null) return null;
    if (shared) return planned.codec.decode(packed).values;
    const known = decoded.get(slot);
    if (known !== undefined) return known;
    const values = planned.codec.decode(packed).values;
    decoded.set(slot, values);
    return values;
  }

  return {
    valuesOf(slot, key, fields) {
      const known = shared ? evaluated.get(slot) : undefined;
      if (known !== undefined) return known;
      const request = planned.includesRequest ? requestRow(planned.view.keyFields, key, fields) : fields;
      const values = evaluateView(planned, wanted, decode(slot), request, at);
      if (shared) evaluated.set(slot, values);
      return values;
    },
    horizonOf(slot) {
      const packed = bytes[slot];
      return packed == null ? 0 : planned.codec.decode(packed).order.sequence;
    },
  };
}
