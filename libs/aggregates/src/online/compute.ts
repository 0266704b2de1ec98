import type { AggregateFunction, Feature, Instant, SourceField } from '@granary/contracts';
import type { Parts } from '../fold-of.js';
import type { Batch } from './batch.js';
import { categoryTotals } from './category-totals.js';
import type { EventPlace } from './event-place.js';
import type { EventSchema } from './event-schema.js';
import { numberTotals } from './number-totals.js';
import { orderPicks } from './order-picks.js';

/** What a feature is computed with, besides events. */
export interface ComputeContext {
  readonly feature: Feature;
  readonly place: EventPlace;
  /** The column it reads; null where it reads none. */
  readonly field: SourceField | null;
  /** Whether its parts are those of `totalParts`, which take up another event, and not those of `partsOf`. */
  readonly total: boolean;
}

/**
 * A feature's parts from the events `[from, to)` of a batch, as of `at`: those that count join the parts `start`, which are those
 * of `totalParts`. Null: there are none before them.
 */
export type Compute = (batch: Batch, from: number, to: number, at: Instant, start: Parts | null) => Parts;

const COMPUTES: Readonly<Record<Exclude<AggregateFunction, 'latest'>, (context: ComputeContext) => Compute>> = { ...numberTotals, ...orderPicks, ...categoryTotals };

/** Made once for a feature; nothing of its declaration is looked at again when it is computed. */
export function compileCompute(feature: Feature, place: EventPlace, { columns }: EventSchema, total: boolean): Compute {
  const { fn } = feature.aggregate;
  if (fn === 'latest') throw new Error(`${feature.name} is of one event, and no fold of many`);
  return COMPUTES[fn]({ feature, place, field: place.column === null ? null : columns[place.column]!, total });
}
