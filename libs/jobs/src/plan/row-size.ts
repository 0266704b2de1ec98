import { valueMap, type ElementType, type Feature, type FieldType, type Scalar, type Value, type VersionedView } from '@granary/contracts';
import { createRowCodec, viewRowSchema } from '@granary/online-store';

/** Assumed where only the data could say: the bytes of a text, and how many values a list or map without a limit has. */
const TEXT_BYTES = 16;
const VALUES = 32;

/** Bytes of one entity's packed row online, its key not counted: exact for columns of fixed width, assumed for texts and lists without a limit. */
export function rowSize(view: VersionedView): number {
  const columns = view.features.flatMap((feature) => viewRowSchema({ ...view, features: [feature] }).columns.slice(1).map(({ type }) => typicalValue(type, feature)));
  const row = { order: { eventTime: 0, knownAt: 0, sequence: 0 }, values: [0, ...columns] };
  return createRowCodec(viewRowSchema(view)).encode(row).length;
}

function typicalValue(type: FieldType, { aggregate }: Feature): Value {
  switch (type.kind) {
    case 'array':
      return new Array<Scalar>(aggregate.n ?? VALUES).fill(typicalElement(type.of));
    case 'map':
      return valueMap(Array.from({ length: VALUES }, (_, i) => [String(i).padEnd(TEXT_BYTES, 'x'), typicalElement(type.of)]));
    default:
      return typicalElement(type);
  }
}

function typicalElement(type: ElementType): Scalar {
  switch (type.kind) {
    case 'bool':
      return false;
    case 'int64':
      return 0n;
    case 'string':
      return 'x'.repeat(TEXT_BYTES);
    case 'enum':
      return type.values[0]!;
    default:
      return 0;
  }
}
