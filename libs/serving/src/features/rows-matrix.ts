import type { FeatureValue } from '@granary/contracts';
import { inputNumber } from '@granary/models';
import type { FeatureMatrix } from './matrix.js';
import type { ServicePlan } from './plan.js';

/** The matrix of rows that were read one by one. */
export function matrixOfRows({ columns }: ServicePlan, rows: readonly { readonly values: Readonly<Record<string, FeatureValue>> }[]): FeatureMatrix {
  const data = new Float32Array(rows.length * columns.length);
  const mask = new Uint8Array(rows.length * columns.length);
  rows.forEach(({ values }, row) =>
    columns.forEach((name, column) => {
      const { value } = values[name]!;
      if (value === null) return;
      data[row * columns.length + column] = inputNumber(value);
      mask[row * columns.length + column] = 1;
    }),
  );
  return { data, mask, names: columns };
}
