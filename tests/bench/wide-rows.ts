import type { Snapshot } from '@granary/contracts';
import { createRandom } from '@granary/models';
import { createRowCodec, rowKeys, viewRowSchema, type PackedRow } from '@granary/online-store';
import { NOW, PROJECT } from './declarations.js';

/** Packed rows of a snapshot's only view for the keys 0n, 1n … : random numbers, none missing. */
export function packedRows(snapshot: Snapshot, count: number): PackedRow[] {
  const [view, entity] = [snapshot.views[0]!, snapshot.entities[0]!];
  const codec = createRowCodec(viewRowSchema(view));
  const keyOf = rowKeys(PROJECT, entity, view.name, view.version);
  const random = createRandom(1);
  return Array.from({ length: count }, (_, id) => ({
    key: keyOf([BigInt(id)]),
    value: codec.encode({
      order: { eventTime: NOW, knownAt: NOW, sequence: 1 },
      values: codec.schema.columns.map(({ type }) => (type.kind === 'timestamp' ? NOW : random.normal())),
    }),
  }));
}
