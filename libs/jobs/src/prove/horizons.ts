import { named, resolveService, storedSources, type ResolvedView, type ServedRow, type Snapshot } from '@granary/contracts';
import type { OfflineStore } from '@granary/offline-store';
import type { Horizon } from '../events/with-events.js';
import { notedHorizon } from '../materialise/noted-horizons.js';

/** Served rows of one service that saw the same of its computed sources. */
export interface Horizons {
  readonly rows: readonly ServedRow[];
  /** By the name of a view over a computed source. */
  readonly computedFrom: ReadonlyMap<string, Horizon>;
}

/**
 * What was seen of the stored sources behind computed ones: a row knows the sum of their sequences, and where there are
 * several the notes of the materialisation know each. `unknown` counts the rows of which nothing is noted.
 */
export async function horizonsOf(store: OfflineStore, snapshot: Snapshot, serviceName: string, rows: readonly ServedRow[]): Promise<{ readonly known: readonly Horizons[]; readonly unknown: number }> {
  const { views } = resolveService(snapshot, named(snapshot.services, serviceName));
  const computed = views.filter(({ source }) => source.computed !== undefined);
  const groups = new Map<string, ServedRow[]>();
  for (const row of rows) {
    const key = JSON.stringify(computed.map(({ id }) => row.horizons[id] ?? 0));
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  const known: Horizons[] = [];
  let unknown = 0;
  for (const [key, group] of groups) {
    const sums = JSON.parse(key) as readonly number[];
    const found = await Promise.all(computed.map((view, i) => noted(store, snapshot, view, sums[i]!)));
    if (found.includes(null)) {
      unknown += group.length;
      continue;
    }
    // What the copies of computed events see is settled by their computation: their own sequences mean nothing.
    const stored = (row: ServedRow): ServedRow => ({ ...row, horizons: Object.fromEntries(Object.entries(row.horizons).filter(([id]) => !computed.some((view) => view.id === id))) });
    known.push({ rows: computed.length === 0 ? group : group.map(stored), computedFrom: new Map(computed.map(({ view }, i) => [view.name, found[i]!])) });
  }
  return { known, unknown };
}

async function noted(store: OfflineStore, snapshot: Snapshot, { view, source }: ResolvedView, sum: number): Promise<Horizon | null> {
  const sources = storedSources(snapshot, source).map(({ name }) => name).sort();
  // Without a row nothing had been computed for the entity yet.
  if (sum === 0) return new Map(sources.map((name) => [name, 0]));
  if (sources.length === 1) return new Map([[sources[0]!, sum]]);
  const horizon = await notedHorizon(store, view, sum);
  return sources.every((name) => horizon?.has(name) === true) ? horizon : null;
}
