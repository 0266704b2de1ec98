import type { FieldType } from '@granary/contracts';
import { inputNumber } from '@granary/models';
import type { ReadModelNumbers, ReadNumbers } from '@granary/online-store';
import type { PlannedDerived } from './derived.js';
import type { PlannedFeature, PlannedOutput, PlannedView } from './plan.js';
import { planEvaluation, type PlannedEvaluation } from './planned-evaluation.js';

/** A feature of a view, by its position there, that is a column of the matrix. */
export interface MatrixColumn {
  readonly feature: number;
  readonly column: number;
}

/** What a service's matrix reads of one view. */
export interface MatrixView {
  readonly planned: PlannedView;
  /** Position in the plan's views. */
  readonly position: number;
  /** Its features that are columns. */
  readonly columns: readonly MatrixColumn[];
  /** Of those, and of the features that derived columns read. */
  readonly evaluation: PlannedEvaluation;
  /** Its columns, when they are all that it is read for and all of them are doubles, by their positions among these; else null. */
  readonly doubles: readonly { readonly double: number; readonly column: number }[] | null;
  /** Where its columns lie in a base's row, when all that is wanted are columns whose parts are numbers there; else null. */
  readonly packed: PackedColumns | null;
}

/** Columns that are finished straight from the numbers of a packed row: the event time, the latest ones, the parts of the others. */
export interface PackedColumns {
  /** Reads the latest ones into a row of the matrix. */
  readonly readLatest: ReadModelNumbers;
  /** Reads the event time and the parts of the others, each time into these. */
  readonly readParts: ReadNumbers;
  /** Doubles: an instant needs them, and an avg's sum must not be rounded before it is divided. */
  readonly numbers: Float64Array;
  readonly there: Uint8Array;
  readonly others: readonly { readonly finish: PlannedFeature['finish']; readonly column: number; readonly parts: number }[];
}

export interface MatrixPlan {
  readonly views: readonly MatrixView[];
  readonly derived: readonly { readonly derived: PlannedDerived; readonly column: number }[];
}

export function planMatrix(views: readonly PlannedView[], outputs: readonly PlannedOutput[]): MatrixPlan {
  const derived = outputs.flatMap((output) => (output.kind === 'derived' && output.column !== null ? [{ derived: output.derived, column: output.column }] : []));
  const read = views.map((planned, position): MatrixView => {
    const columns = outputs.flatMap((output) => (output.kind === 'aggregate' && output.at.view === position && output.column !== null ? [{ feature: output.at.feature, column: output.column }] : []));
    const inputs = derived.flatMap(({ derived: { inputs: all } }) => all.filter((input) => input.view === position).map((input) => input.feature));
    const wanted = [...new Set([...columns.map(({ feature }) => feature), ...inputs])];
    const evaluation = planEvaluation(planned.representation, planned.features, wanted);
    return { planned, position, columns, evaluation, doubles: inputs.length === 0 && evaluation.inParts.length === 0 ? columns.map(({ feature, column }) => ({ double: evaluation.asDoubles.indexOf(feature), column })) : null, packed: inputs.length === 0 ? packedColumns(planned, columns) : null };
  });
  return { views: read.filter(({ evaluation: { asDoubles, inParts } }) => asDoubles.length + inParts.length > 0), derived };
}

function packedColumns({ features, codec }: PlannedView, columns: MatrixView['columns']): PackedColumns | null {
  const all = columns.map(({ feature, column }) => ({ ...features[feature]!, column }));
  if (!all.every(({ kept, includesRequest, parts }) => kept === 'stored' && !includesRequest && parts.every(({ type }) => isNumber(type)))) return null;
  const latest = all.filter(({ feature }) => feature.aggregate.fn === 'latest');
  const others = all.filter(({ feature }) => feature.aggregate.fn !== 'latest');
  // The row begins with the event time.
  const positions = [0, ...others.flatMap(({ at, parts }) => parts.map((_, i) => at + i))];
  return {
    readLatest: codec.modelNumbersOf(latest.map(({ at, column, whenEmpty }) => ({ position: at, to: column, whenEmpty: whenEmpty === null ? NaN : inputNumber(whenEmpty) }))),
    readParts: codec.numbersOf(positions),
    numbers: new Float64Array(positions.length),
    there: new Uint8Array(positions.length),
    others: others.map(({ finish, column, parts }) => ({ finish, column, parts: parts.length })),
  };
}

function isNumber({ kind }: FieldType): boolean {
  return kind !== 'string' && kind !== 'enum' && kind !== 'array' && kind !== 'map';
}
