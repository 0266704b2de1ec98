import { isGranaryError, valueMap, type ElementType, type FieldType, type Scalar, type Value } from '@granary/contracts';
import fc from 'fast-check';

const text = fc.string({ unit: 'binary', maxLength: 12 });
const elementType: fc.Arbitrary<ElementType> = fc.oneof(
  fc.constantFrom('bool', 'int32', 'int64', 'float32', 'float64', 'string', 'timestamp').map((kind) => ({ kind }) as ElementType),
  fc.uniqueArray(fc.string({ minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 300 }).map((values) => ({ kind: 'enum', values }) as ElementType),
);
const scalarType = elementType.filter((type) => type.kind !== 'enum');
export const fieldType: fc.Arbitrary<FieldType> = fc.oneof(
  { weight: 6, arbitrary: elementType },
  { weight: 2, arbitrary: elementType.map((of) => ({ kind: 'array', of }) as FieldType) },
  { weight: 1, arbitrary: scalarType.map((of) => ({ kind: 'map', of }) as FieldType) },
);

export function valueOf(type: FieldType): fc.Arbitrary<Value> {
  switch (type.kind) {
    case 'bool':
      return fc.boolean();
    case 'int32':
      return fc.integer();
    case 'int64':
      return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
    case 'float32':
      return fc.float();
    case 'float64':
      return fc.double();
    case 'string':
      return text;
    case 'timestamp':
      return fc.maxSafeInteger();
    case 'enum':
      return fc.constantFrom(...type.values);
    case 'array':
      return fc.array(valueOf(type.of) as fc.Arbitrary<Scalar>, { maxLength: 9 });
    case 'map':
      return fc.array(fc.tuple(fc.oneof(text, fc.constantFrom('__proto__', '10', '9', 'constructor')), valueOf(type.of) as fc.Arbitrary<Scalar>), { maxLength: 9 }).map(valueMap);
  }
}

/** The code of the error it throws. */
export function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (isGranaryError(error)) return error.code;
    throw error;
  }
  return 'no error';
}
