import { eventColumns, representView } from '@granary/aggregates';
import type { Snapshot } from '@granary/contracts';
import { createRandom } from '@granary/models';
import { createStateCodec, rowKeys, type PackedRow } from '@granary/online-store';
import { NOW, PROJECT } from './declarations.js';

/** Packed rows of a snapshot's only view for the keys 0n, 1n … : random numbers, none missing. */
export function packedRows(snapshot: Snapshot, count: number): PackedRow[] {
  const [view, entity] = [snapshot.views[0]!, snapshot.entities[0]!];
  const kept = representView(view, snapshot.sources[0]!);
  const codec = createStateCodec(kept, view.version);
  const keyOf = rowKeys(PROJECT, entity, view.name, view.version);
  const random = createRandom(1);
  return Array.from({ length: count }, (_, id) => ({
    key: keyOf([BigInt(id)]),
    value: codec.encodeBase({
      sequence: 1,
      asOf: NOW,
      row: kept.row.map(({ type }) => (type.kind === 'timestamp' ? NOW : random.normal())),
      log: eventColumns(kept.events, 0),
      tail: [],
    }),
  }));
}
