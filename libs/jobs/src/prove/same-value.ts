import type { FeatureValue, FieldType, Scalar, Value, ValueMap } from '@granary/contracts';

/** Floats may differ by this share of the numbers that went into them. */
const TOLERANCE = 1e-9;

/** Whether two answers are the same: states and all but floats to the letter. `scale`: how great the numbers were that a float came of. */
export function sameAnswer(type: FieldType, a: FeatureValue, b: FeatureValue, scale = 0): boolean {
  if (a.state !== b.state) return false;
  return a.value === null || b.value === null ? a.value === b.value : sameValue(type, a.value, b.value, scale);
}

function sameValue(type: FieldType, a: Value, b: Value, scale: number): boolean {
  switch (type.kind) {
    case 'array': {
      const [left, right] = [a as readonly Scalar[], b as readonly Scalar[]];
      return left.length === right.length && left.every((each, i) => sameValue(type.of, each, right[i]!, scale));
    }
    case 'map': {
      const [left, right] = [a as ValueMap, b as ValueMap];
      const keys = Object.keys(left);
      return keys.length === Object.keys(right).length && keys.every((key) => Object.hasOwn(right, key) && sameValue(type.of, left[key]!, right[key]!, scale));
    }
    case 'float32':
    case 'float64': {
      const [left, right] = [a as number, b as number];
      return left === right || (Number.isNaN(left) && Number.isNaN(right)) || Math.abs(left - right) <= TOLERANCE * Math.max(scale, Math.abs(left), Math.abs(right));
    }
    default:
      return a === b;
  }
}
