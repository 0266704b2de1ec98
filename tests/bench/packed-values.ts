import { columnValues, eventColumns, representView, type EventColumns, type EventSchema } from '@granary/aggregates';
import type { Snapshot } from '@granary/contracts';
import { createRandom } from '@granary/models';
import { createStateCodec, rowKeys, type PackedRow } from '@granary/online-store';
import { NOW, PROJECT } from './declarations.js';

const DAY = 86_400_000;

/**
 * Values of a snapshot's only view for the keys 0n, 1n … : random numbers in the rows, none missing, and logs of `events`
 * events each, spread evenly over the last 30 days.
 */
export function packedValues(snapshot: Snapshot, count: number, events = 0): PackedRow[] {
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
      row: kept.row.map(({ type }) => (type.kind === 'timestamp' ? NOW - 1 : random.normal())),
      log: logOf(kept.events, events, random),
      tail: [],
    }),
  }));
}

function logOf(schema: EventSchema, count: number, random: ReturnType<typeof createRandom>): EventColumns {
  const log = eventColumns(schema, count);
  for (let i = 0; i < count; i++) log.times[i] = NOW - Math.round(((count - i) / count) * 30 * DAY);
  return {
    ...log,
    conditions: schema.conditions.map(({ kind }) => Uint8Array.from({ length: count }, () => (random.uniform() < 0.1 ? 1 : kind === 'where' ? 0 : 2))),
    columns: schema.columns.map(({ type }, c) => {
      const values = columnValues(type, count) as Float64Array;
      for (let i = 0; i < count; i++) values[i] = type.kind === 'int32' ? Math.floor(random.uniform() * 20) : type.kind === 'bool' ? Number(random.uniform() < 0.1) : random.normal();
      return { nulls: log.columns[c]!.nulls, values };
    }),
  };
}
