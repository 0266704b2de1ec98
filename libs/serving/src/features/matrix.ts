import { finish } from '@granary/aggregates';
import { parseKey, type EntityKey, type Instant, type Value } from '@granary/contracts';
import { inputNumber } from '@granary/models';
import type { OnlineStore } from '@granary/online-store';
import { evaluateFeature, isExpired } from './evaluate.js';
import type { PlannedFeature, PlannedView, ServicePlan } from './plan.js';
import { assertRecord, parseFields, readEach, requestRow, type FeatureRequest } from './request.js';
import { rowFetch } from './row-fetch.js';

/** The features of n candidates as a model reads them: row by row, f columns each. */
export interface FeatureMatrix {
  /** [n × f]; bools are 0 and 1, numbers beyond float32 its greatest, and a value that is not present is 0. */
  readonly data: Float32Array;
  /** [n × f]; 1 where the value is present, 0 where it is null, missing or expired. */
  readonly mask: Uint8Array;
  /** The names of the f columns, in the order of the service; features that are no numbers or bools have no column. */
  readonly names: readonly string[];
}

interface Column extends PlannedFeature {
  readonly column: number;
}

/** A view with the features that are columns, and where its rows come from. */
interface ViewRead {
  readonly planned: PlannedView;
  readonly columns: readonly Column[];
  /** One row for all candidates: its features have the same values in every row of the matrix. */
  readonly constant: boolean;
  /** The position of each candidate's row among those fetched; of a shared entity: one position. */
  readonly slots: readonly number[];
  readonly keys: readonly EntityKey[];
}

export async function readMatrix(plan: ServicePlan, store: OnlineStore, shared: FeatureRequest, candidates: readonly FeatureRequest[], at: Instant): Promise<FeatureMatrix> {
  const width = plan.columns.length;
  const data = new Float32Array(candidates.length * width);
  const mask = new Uint8Array(candidates.length * width);
  if (candidates.length === 0) return { data, mask, names: plan.columns };
  assertRecord(shared);
  candidates.forEach(assertRecord);

  const fields = requestFields(plan, shared, candidates);
  const keys = plan.entities.map((entity): readonly EntityKey[] => {
    const given = entity.keys.filter((key) => key.name in shared).length;
    if (given === entity.keys.length) return [parseKey(entity, shared)];
    return readEach(candidates, (candidate) => parseKey(entity, given === 0 ? candidate : { ...candidate, ...shared }));
  });

  const fetch = rowFetch(store);
  const reads = plan.views.flatMap((planned): ViewRead[] => {
    const columns = planned.features.filter((each): each is Column => each.column !== null);
    if (columns.length === 0) return [];
    const own = keys[planned.entity]!;
    const constant = own.length === 1 && (!planned.includesRequest || fields.length === 1);
    return [{ planned, columns, constant, slots: own.map((key) => fetch.want(planned.keyOf(key))), keys: own }];
  });
  const bytes = await fetch.read();

  for (const read of reads) {
    const fill = read.planned.includesRequest ? fillFromRows : fillFromNumbers;
    fill(read, bytes, fields, at, { data, mask, width, rows: read.constant ? 1 : candidates.length });
    if (read.constant) repeatFirstRow(read.columns, data, mask, width);
  }
  return { data, mask, names: plan.columns };
}

interface Target {
  readonly data: Float32Array;
  readonly mask: Uint8Array;
  readonly width: number;
  readonly rows: number;
}

/** The request fields of each candidate; one for all when the shared part gives them (or there are none). */
function requestFields(plan: ServicePlan, shared: FeatureRequest, candidates: readonly FeatureRequest[]): readonly Readonly<Record<string, Value>>[] {
  if (plan.service.request.every((field) => field.name in shared)) return [parseFields(plan, shared)];
  return readEach(candidates, (candidate) => parseFields(plan, { ...candidate, ...shared }));
}

/** For windows with the request in them: each feature is evaluated as `rows` does it. */
function fillFromRows({ planned, columns, slots, keys }: ViewRead, bytes: readonly (Uint8Array | null)[], fields: readonly Readonly<Record<string, Value>>[], at: Instant, { data, mask, width, rows }: Target): void {
  const decoded = new Map<number, readonly (Value | null)[] | null>();
  const decode = (slot: number): readonly (Value | null)[] | null => {
    if (!decoded.has(slot)) decoded.set(slot, bytes[slot] == null ? null : planned.codec.decode(bytes[slot]).values);
    return decoded.get(slot)!;
  };
  for (let row = 0; row < rows; row++) {
    const own = slots.length === 1 ? 0 : row;
    const stored = decode(slots[own]!);
    const request = planned.includesRequest ? requestRow(planned.view.keyFields, keys[own]!, fields[fields.length === 1 ? 0 : row]!) : NO_FIELDS;
    for (const each of columns) {
      const { value } = evaluateFeature(each, planned, stored, request, at);
      if (value === null) continue;
      data[row * width + each.column] = inputNumber(value);
      mask[row * width + each.column] = 1;
    }
  }
}

const NO_FIELDS: Readonly<Record<string, Value>> = Object.freeze({});

/** For all other views: numbers straight from the packed bytes, no object per row or value. */
function fillFromNumbers({ planned, columns, slots }: ViewRead, bytes: readonly (Uint8Array | null)[], _fields: unknown, at: Instant, { data, mask, width, rows }: Target): void {
  const positions = [planned.eventTime, ...columns.flatMap(({ offset, parts }) => Array.from({ length: parts }, (_, i) => offset + i))];
  // Doubles: an instant needs them, and an avg's sum must not be rounded before it is divided.
  const numbers = new Float64Array(positions.length);
  const there = new Uint8Array(positions.length);
  const scratch: [(Value | null)[], (Value | null)[]] = [[null], [null, null]];
  for (let row = 0; row < rows; row++) {
    const packed = bytes[slots[slots.length === 1 ? 0 : row]!];
    if (packed == null) continue;
    planned.codec.decodeNumbers(packed, numbers, there, 0, positions);
    if (isExpired(numbers[0]!, planned.view.ttlMs, at)) continue;
    let next = 1;
    for (const { feature, parts: count, column } of columns) {
      const parts = scratch[count - 1]!;
      for (let i = 0; i < count; i++, next++) parts[i] = there[next] === 1 ? numbers[next]! : null;
      const value = finish(feature, parts, at);
      if (value === null) continue;
      data[row * width + column] = inputNumber(value);
      mask[row * width + column] = 1;
    }
  }
}

function repeatFirstRow(columns: readonly Column[], data: Float32Array, mask: Uint8Array, width: number): void {
  for (const { column } of columns) {
    const [value, present] = [data[column]!, mask[column]!];
    for (let at = column + width; at < data.length; at += width) {
      data[at] = value;
      mask[at] = present;
    }
  }
}
