import { groupBy } from './group-by.js';
import type { OnlineStore, SampleLimits } from './store.js';

/** What the rows of one view weigh, of those looked at. */
export interface ViewMemory {
  readonly view: string;
  readonly version: string;
  readonly rows: number;
  readonly meanBytes: number;
  readonly largest: { readonly key: string; readonly bytes: number };
}

export interface EntityMemory {
  /** The entity's name, such as `user`. */
  readonly entity: string;
  /** What one of them takes up: the means of its views added up, for one that has a row in each. */
  readonly bytesPerEntity: number;
  /** The heaviest first. */
  readonly views: readonly ViewMemory[];
}

export interface StoreMemory {
  /** The heaviest first. */
  readonly entities: readonly EntityMemory[];
  /** Whether these are all rows of the project, not a sample of them. */
  readonly complete: boolean;
}

/**
 * How much memory (LMDB: disk) one entity takes up, from a sample of the project's rows that is bounded in number and time.
 * Versions of views that nothing reads any more show up too.
 */
export async function memoryByEntity(store: Pick<OnlineStore, 'sampleMemory'>, project: string, limits?: SampleLimits): Promise<StoreMemory> {
  const { rows, complete } = await store.sampleMemory(`${project}:{`, limits);
  const placed = rows.flatMap((row) => {
    const place = placeOf(row.key, project);
    return place === null ? [] : [{ ...row, ...place }];
  });
  const entities = Array.from(groupBy(placed, ({ entity }) => entity), ([entity, own]): EntityMemory => {
    const views = Array.from(groupBy(own, ({ view }) => view), ([name, ofView]) => viewMemory(name, ofView)).sort((a, b) => b.meanBytes - a.meanBytes);
    return { entity, bytesPerEntity: views.reduce((sum, { meanBytes }) => sum + meanBytes, 0), views };
  });
  return { entities: entities.sort((a, b) => b.bytesPerEntity - a.bytesPerEntity), complete };
}

function viewMemory(name: string, rows: readonly { readonly key: string; readonly bytes: number }[]): ViewMemory {
  const [view, version] = name.split(':') as [string, string];
  const total = rows.reduce((sum, { bytes }) => sum + bytes, 0);
  const { key, bytes } = rows.reduce((a, b) => (b.bytes > a.bytes ? b : a));
  return { view, version, rows: rows.length, meanBytes: Math.round(total / rows.length), largest: { key, bytes } };
}

/** The parts of a row's key that say what it is of; null for a key that `rowKey` has not made. */
function placeOf(key: string, project: string): { readonly entity: string; readonly view: string } | null {
  const head = `${project}:{`;
  const [entity, tag] = [key.slice(head.length, key.indexOf('|')), key.lastIndexOf('}:')];
  return key.startsWith(head) && tag > head.length ? { entity, view: key.slice(tag + 2) } : null;
}
