import { parseKey, type EntityKey, type Instant, type Value } from '@granary/contracts';
import { inputNumber } from '@granary/models';
import type { OnlineStore, RowsInPlace } from '@granary/online-store';
import { isExpired, type ViewValues } from './evaluate.js';
import type { MatrixView, PackedColumns } from './matrix-plan.js';
import type { ServicePlan } from './plan.js';
import { assertRecord, parseFields, readEach, type FeatureRequest } from './request.js';
import { matrixMemory } from './matrix-memory.js';
import { distinctEntities, fetchRows, keysOfRows, rowsFrom } from './row-fetch.js';
import { assertReaches, stateAt, viewReads, type ViewReads } from './view-reads.js';

/**
 * The features of n candidates as a model reads them: row by row, f columns each. Both arrays are the caller's own; the memory behind
 * them (`buffer`) holds other matrices too: copy them to transfer it.
 */
export interface FeatureMatrix {
  /** [n × f]; bools are 0 and 1, numbers beyond float32 its greatest, and a value that is not present is 0. */
  readonly data: Float32Array;
  /** [n × f]; 1 where the value is present, 0 where it is null, missing or expired. */
  readonly mask: Uint8Array;
  /** The names of the f columns, in the order of the service; features that are no numbers or bools have no column. */
  readonly names: readonly string[];
}

/** A view with where its rows come from. */
interface ViewRead {
  readonly view: MatrixView;
  readonly rows: RowsInPlace;
  /** The slot of each candidate's row; of a shared subject: one. */
  readonly slots: readonly number[];
  /** By slot. */
  readonly keys: readonly EntityKey[];
}

type Fields = Readonly<Record<string, Value>>;

interface Target {
  readonly data: Float32Array;
  readonly mask: Uint8Array;
  readonly width: number;
  readonly rows: number;
}

export async function readMatrix(plan: ServicePlan, store: Pick<OnlineStore, 'readInPlace'>, shared: FeatureRequest, candidates: readonly FeatureRequest[], at: Instant): Promise<FeatureMatrix> {
  const width = plan.columns.length;
  const { data, mask } = matrixMemory(candidates.length * width);
  if (candidates.length === 0) return { data, mask, names: plan.columns };
  assertRecord(shared);
  candidates.forEach(assertRecord);

  const entities = plan.subjects.map(distinctEntities);
  const slots = plan.subjects.map((subject, s): readonly number[] => {
    const { slotOf } = entities[s]!;
    const given = subject.keys.filter((key) => key.name in shared).length;
    if (given === subject.keys.length) return [slotOf(parseKey(subject, shared))];
    return readEach(candidates, (candidate) => slotOf(parseKey(subject, given === 0 ? candidate : { ...candidate, ...shared })));
  });
  const fields = requestFields(plan, shared, candidates);

  const { views } = plan.matrix;
  const wanted = keysOfRows(views.map(({ planned }) => planned), entities);
  const rows = await fetchRows(store, wanted.keys);
  const reads = views.map((view, v): ViewRead => ({ view, rows: rowsFrom(rows, wanted.firsts[v]!), slots: slots[view.planned.subject]!, keys: entities[view.planned.subject]!.keys }));

  const target: Target = { data, mask, width, rows: candidates.length };
  const evaluated: ViewRead[] = [];
  for (const read of reads) {
    if (read.view.packed !== null) fillPacked(read, read.view.packed, at, target);
    else if (read.view.doubles !== null) fillDoubles(read, read.view.doubles, at, target);
    else evaluated.push(read);
  }
  if (evaluated.length > 0 || plan.matrix.derived.length > 0) fillEvaluated(plan, evaluated, fields, at, target);
  return { data, mask, names: plan.columns };
}

/** What is given of each candidate; one for all when the shared part gives them (or there are none). */
function requestFields(plan: ServicePlan, shared: FeatureRequest, candidates: readonly FeatureRequest[]): readonly Fields[] {
  if (plan.given.every((field) => field.name in shared)) return [parseFields(plan, shared)];
  return readEach(candidates, (candidate) => parseFields(plan, { ...candidate, ...shared }));
}

/** Evaluated as `rows` does it: windows with the request in them, parts that are no numbers, and what derived columns read. */
function fillEvaluated({ views, matrix }: ServicePlan, reads: readonly ViewRead[], fields: readonly Fields[], at: Instant, target: Target): void {
  const { width, rows } = target;
  const sources = reads.map(({ view: { planned, evaluation }, rows: source }) => viewReads(planned, evaluation, source, at, fields.length === 1));
  const values = new Array<ViewValues>(views.length);
  for (let row = 0; row < rows; row++) {
    const own = fields[fields.length === 1 ? 0 : row]!;
    for (let i = 0; i < reads.length; i++) {
      const { slots, keys, view } = reads[i]!;
      const slot = slots[slots.length === 1 ? 0 : row]!;
      const of = sources[i]!.valuesOf(slot, keys[slot]!, own);
      values[view.position] = of;
      for (const { feature, column } of view.columns) put(target, row * width + column, of.values[feature]!);
    }
    for (const { derived, column } of matrix.derived) put(target, row * width + column, derived.compute(values, own));
  }
}

/** For views whose columns are all doubles: their values as they were computed, no object per value. */
function fillDoubles({ view: { planned, evaluation }, rows, slots, keys }: ViewRead, columns: NonNullable<MatrixView['doubles']>, at: Instant, target: Target): void {
  const { evaluate, doubles } = evaluation;
  const { data, mask, width } = target;
  const constant = slots.length === 1;
  // By slot 1 + the first row that has its values.
  const rowOf = new Int32Array(keys.length);
  for (let row = 0; row < (constant ? 1 : target.rows); row++) {
    const slot = slots[row]!;
    const from = row * width;
    if (rowOf[slot] !== 0) {
      const known = (rowOf[slot]! - 1) * width;
      for (let i = 0; i < columns.length; i++) copyCell(target, known + columns[i]!.column, from + columns[i]!.column);
      continue;
    }
    rowOf[slot] = row + 1;
    const bytes = rows.at(slot);
    if (bytes === null) continue;
    const { eventTime } = evaluate(stateAt(planned, bytes, at), at, doubles);
    if (eventTime === null || isExpired(eventTime, planned.view.ttlMs, at)) continue;
    for (let i = 0; i < columns.length; i++) {
      const { double, column } = columns[i]!;
      const value = doubles[double]!;
      if (Number.isNaN(value)) continue;
      data[from + column] = inputNumber(value);
      mask[from + column] = 1;
    }
  }
  if (constant) repeatFirstRow(columns, target);
}

/** For views whose rows hold all that is asked for: numbers straight from the packed bytes where a base says it all, no object per row or value. */
function fillPacked({ view: { planned, evaluation, columns }, rows, slots, keys }: ViewRead, packed: PackedColumns, at: Instant, target: Target): void {
  const { readLatest, readParts, numbers, there } = packed;
  const { codec, view } = planned;
  const { data, mask, width } = target;
  let reads: ViewReads | null = null;
  const constant = slots.length === 1;
  for (let row = 0; row < (constant ? 1 : target.rows); row++) {
    const slot = slots[row]!;
    const bytes = rows.at(slot);
    if (bytes === null) continue;
    const from = row * width;
    const place = codec.place(bytes);
    if (place === null) {
      reads ??= viewReads(planned, evaluation, rows, at, true);
      const { values } = reads.valuesOf(slot, keys[slot]!, {});
      for (const { feature, column } of columns) put(target, from + column, values[feature]!);
      continue;
    }
    assertReaches(planned, place.asOf, at);
    readParts(place, numbers, there);
    if (there[0] === 0 || isExpired(numbers[0]!, view.ttlMs, at)) continue;
    readLatest(place, data, mask, from);
    if (packed.others.length > 0) putFinished(packed, from, at, target);
  }
  if (constant) repeatFirstRow(columns, target);
}

function putFinished({ numbers, there, others }: PackedColumns, from: number, at: Instant, target: Target): void {
  let next = 1;
  for (const { finish, column, parts } of others) {
    const values = new Array<Value | null>(parts);
    for (let part = 0; part < parts; part++, next++) values[part] = there[next] === 1 ? numbers[next]! : null;
    put(target, from + column, finish(values, at));
  }
}

function put({ data, mask }: Target, index: number, value: Value | null): void {
  if (value === null) return;
  data[index] = inputNumber(value);
  mask[index] = 1;
}

function copyCell({ data, mask }: Target, from: number, to: number): void {
  data[to] = data[from]!;
  mask[to] = mask[from]!;
}

function repeatFirstRow(columns: readonly { readonly column: number }[], target: Target): void {
  if (target.rows === 1) return;
  for (const { column } of columns) for (let to = column + target.width; to < target.data.length; to += target.width) copyCell(target, column, to);
}
