import type { FieldType } from '@granary/contracts';
import type { PlannedDerived } from './derived.js';
import type { PlannedOutput, PlannedView } from './plan.js';

/** What a service's matrix reads of one view. */
export interface MatrixView {
  readonly planned: PlannedView;
  /** Position in the plan's views. */
  readonly position: number;
  /** Its features that are columns. */
  readonly columns: readonly { readonly feature: number; readonly column: number }[];
  /** Positions of those, and of the features that derived columns read. */
  readonly wanted: readonly number[];
  /** All that is wanted are columns whose parts are numbers in the packed row. */
  readonly packed: boolean;
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
    const packed = inputs.length === 0 && wanted.every((at) => !planned.features[at]!.includesRequest && planned.features[at]!.parts.every(({ type }) => isNumber(type)));
    return { planned, position, columns, wanted, packed };
  });
  return { views: read.filter(({ wanted }) => wanted.length > 0), derived };
}

function isNumber({ kind }: FieldType): boolean {
  return kind !== 'string' && kind !== 'enum' && kind !== 'array' && kind !== 'map';
}
