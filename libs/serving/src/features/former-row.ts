import { viewParts, type Evaluation } from '@granary/aggregates';
import type { Feature, Instant, VersionedView } from '@granary/contracts';
import { createRowCodec, viewRowSchema } from '@granary/online-store';

/** Reads rows as they were written before there were bases and tails: until their view is materialised again they are served as they are. */
export interface FormerRows {
  is(packed: Uint8Array): boolean;
  evaluate(packed: Uint8Array): Evaluation;
  sequenceOf(packed: Uint8Array): number;
}

const FORMAT = 1;

/** Of the features, in their order. */
export function formerRows(view: Pick<VersionedView, 'version' | 'features'>, features: readonly Feature[]): FormerRows {
  const codec = createRowCodec(viewRowSchema(view));
  const positions = new Map(codec.schema.columns.map((column, i) => [column.name, i]));
  const places = features.map((feature) => viewParts({ features: [feature] }).map(({ name }) => positions.get(name)!));
  return {
    is: (packed) => packed[0] === FORMAT,
    evaluate(packed) {
      const { values } = codec.decode(packed);
      return { eventTime: values[0] as Instant | null, parts: places.map((own) => own.map((at) => values[at] ?? null)) };
    },
    sequenceOf: (packed) => codec.decode(packed).order.sequence,
  };
}
