import { finish } from '@granary/aggregates';
import { parseKey, type EntityKey, type Instant, type Value } from '@granary/contracts';
import { inputNumber } from '@granary/models';
import type { OnlineStore } from '@granary/online-store';
import { isExpired, type ViewValues } from './evaluate.js';
import type { MatrixView, PackedColumns } from './matrix-plan.js';
import type { ServicePlan } from './plan.js';
import { assertRecord, parseFields, readEach, type FeatureRequest } from './request.js';
import { rowFetch } from './row-fetch.js';
import { assertReaches, viewReads } from './view-reads.js';

/** The features of n candidates as a model reads them: row by row, f columns each. */
export interface FeatureMatrix {
  /** [n × f]; bools are 0 and 1, numbers beyond float32 its greatest, and a value that is not present is 0. */
  readonly data: Float32Array;
  /** [n × f]; 1 where the value is present, 0 where it is null, missing or expired. */
  readonly mask: Uint8Array;
  /** The names of the f columns, in the order of the service; features that are no numbers or bools have no column. */
  readonly names: readonly string[];
}

/** A view with where its rows come from. */
interface ViewRead extends MatrixView {
  /** The position of each candidate's row among those fetched; of a shared subject: one position. */
  readonly slots: readonly number[];
  readonly keys: readonly EntityKey[];
}

type Fields = Readonly<Record<string, Value>>;

interface Target {
  readonly data: Float32Array;
  readonly mask: Uint8Array;
  readonly width: number;
  readonly rows: number;
}

export async function readMatrix(plan: ServicePlan, store: OnlineStore, shared: FeatureRequest, candidates: readonly FeatureRequest[], at: Instant): Promise<FeatureMatrix> {
  const width = plan.columns.length;
  const data = new Float32Array(candidates.length * width);
  const mask = new Uint8Array(candidates.length * width);
  if (candidates.length === 0) return { data, mask, names: plan.columns };
  assertRecord(shared);
  candidates.forEach(assertRecord);

  const fields = requestFields(plan, shared, candidates);
  const keys = plan.subjects.map((subject): readonly EntityKey[] => {
    const given = subject.keys.filter((key) => key.name in shared).length;
    if (given === subject.keys.length) return [parseKey(subject, shared)];
    return readEach(candidates, (candidate) => parseKey(subject, given === 0 ? candidate : { ...candidate, ...shared }));
  });

  const fetch = rowFetch(store);
  const reads = plan.matrix.views.map((view): ViewRead => {
    const own = keys[view.planned.subject]!;
    return { ...view, keys: own, slots: own.map((key) => fetch.want(view.planned.keyOf(key))) };
  });
  const bytes = await fetch.read();

  const target: Target = { data, mask, width, rows: candidates.length };
  for (const read of reads) if (read.packed !== null) fillPacked(read, read.packed, bytes, at, target);
  const evaluated = reads.filter(({ packed }) => packed === null);
  if (evaluated.length > 0 || plan.matrix.derived.length > 0) fillEvaluated(plan, evaluated, bytes, fields, at, target);
  return { data, mask, names: plan.columns };
}

/** The request fields of each candidate; one for all when the shared part gives them (or there are none). */
function requestFields(plan: ServicePlan, shared: FeatureRequest, candidates: readonly FeatureRequest[]): readonly Fields[] {
  if (plan.service.request.every((field) => field.name in shared)) return [parseFields(plan, shared)];
  return readEach(candidates, (candidate) => parseFields(plan, { ...candidate, ...shared }));
}

/** Evaluated as `rows` does it: windows with the request in them, parts that are no numbers, and what derived columns read. */
function fillEvaluated({ views, matrix }: ServicePlan, reads: readonly ViewRead[], bytes: readonly (Uint8Array | null)[], fields: readonly Fields[], at: Instant, { data, mask, width, rows }: Target): void {
  const sources = reads.map(({ planned, wanted }) => viewReads(planned, wanted, bytes, at, fields.length === 1));
  const values = new Array<ViewValues>(views.length);
  const put = (index: number, value: Value | null): void => {
    if (value === null) return;
    data[index] = inputNumber(value);
    mask[index] = 1;
  };
  for (let row = 0; row < rows; row++) {
    const own = fields[fields.length === 1 ? 0 : row]!;
    for (let i = 0; i < reads.length; i++) {
      const { slots, keys, position, columns } = reads[i]!;
      const candidate = slots.length === 1 ? 0 : row;
      const of = sources[i]!.valuesOf(slots[candidate]!, keys[candidate]!, own);
      values[position] = of;
      for (const { feature, column } of columns) put(row * width + column, of.values[feature]!);
    }
    for (const { derived, column } of matrix.derived) put(row * width + column, derived.compute(values, own));
  }
}

/** For all other views: numbers straight from the packed bytes where a base says it all, no object per row or value. */
function fillPacked({ planned, wanted, slots, keys }: ViewRead, { positions, columns }: PackedColumns, bytes: readonly (Uint8Array | null)[], at: Instant, { data, mask, width, rows }: Target): void {
  // Doubles: an instant needs them, and an avg's sum must not be rounded before it is divided.
  const numbers = new Float64Array(positions.length);
  const there = new Uint8Array(positions.length);
  const scratch = columns.map(({ parts }) => new Array<Value | null>(parts).fill(null));
  const reads = viewReads(planned, wanted, bytes, at, true);
  const constant = slots.length === 1;
  const put = (index: number, value: Value | null): void => {
    if (value === null) return;
    data[index] = inputNumber(value);
    mask[index] = 1;
  };
  for (let row = 0; row < (constant ? 1 : rows); row++) {
    const packed = bytes[slots[row]!];
    if (packed == null) continue;
    const former = planned.former.is(packed);
    if (!former) assertReaches(planned, packed, at);
    if (former || !planned.codec.decodeNumbers(packed, numbers, there, 0, positions)) {
      const { values } = reads.valuesOf(slots[row]!, keys[row]!, {});
      columns.forEach(({ position, column }) => put(row * width + column, values[position]!));
      continue;
    }
    if (there[0] === 0 || isExpired(numbers[0]!, planned.view.ttlMs, at)) continue;
    let next = 1;
    for (let i = 0; i < columns.length; i++) {
      const { feature, column } = columns[i]!;
      const parts = scratch[i]!;
      for (let part = 0; part < parts.length; part++, next++) parts[part] = there[next] === 1 ? numbers[next]! : null;
      put(row * width + column, finish(feature, parts, at));
    }
  }
  if (constant) repeatFirstRow(columns, data, mask, width);
}

function repeatFirstRow(columns: readonly { readonly column: number }[], data: Float32Array, mask: Uint8Array, width: number): void {
  for (const { column } of columns) {
    const [value, present] = [data[column]!, mask[column]!];
    for (let at = column + width; at < data.length; at += width) {
      data[at] = value;
      mask[at] = present;
    }
  }
}
