import { storedSources, type Entity, type EntityKey, type Snapshot, type Source, type VersionedView } from '@granary/contracts';
import { partsOfView, type ViewParts } from '../view-parts.js';

/** A stored source that holds events of an entity, and the lists of fields that name it there. */
export interface OwnEvents {
  readonly source: Source;
  readonly keyFields: readonly VersionedView['keyFields'][];
}

/** What an entity's events are in: all that has to be looked at when they go. */
export interface Reach {
  readonly own: readonly OwnEvents[];
  /** Views of the head that read those sources at first hand, of whatever entity. */
  readonly views: readonly ViewParts[];
  /** Views of the head over sources that are computed from them. */
  readonly computed: readonly ViewParts[];
  /** Views over SQL of which it is not known which stored events make those of an entity. */
  readonly untraced: readonly ViewParts[];
}

/** `snapshots`: those with the entity as it is in the first, the head. A source is taken as the newest of them declares it. */
export function reachOf(snapshots: readonly [head: Snapshot, ...former: Snapshot[]], entity: Entity): Reach {
  const own = new Map<string, { source: Source; keyFields: Map<string, VersionedView['keyFields']> }>();
  const untraced: ViewParts[] = [];
  for (const snapshot of snapshots) {
    for (const parts of viewsOf(snapshot).filter(({ view }) => view.entity === entity.name)) {
      const found = storedOf(snapshot, parts.source, parts.view.keyFields);
      if (found === null && snapshot === snapshots[0]) untraced.push(parts);
      if (found === null) continue;
      const known = own.get(found.source.name) ?? { source: found.source, keyFields: new Map() };
      own.set(found.source.name, known);
      known.keyFields.set(found.keyFields.join(), found.keyFields);
    }
  }
  const reads = ({ source }: ViewParts): boolean => storedSources(snapshots[0], source).some(({ name }) => own.has(name));
  const reading = viewsOf(snapshots[0]).filter(reads);
  return {
    own: [...own.values()].map(({ source, keyFields }) => ({ source, keyFields: [...keyFields.values()] })),
    views: reading.filter(({ source }) => source.computed === undefined),
    computed: reading.filter(({ source }) => source.computed !== undefined),
    untraced,
  };
}

export function viewsOf(snapshot: Snapshot): readonly ViewParts[] {
  return snapshot.views.map((view) => partsOfView(snapshot, view));
}

/** The stored source whose events these fields come from; null: a query may have made them of anything. */
function storedOf(snapshot: Snapshot, source: Source, keyFields: VersionedView['keyFields']): { readonly source: Source; readonly keyFields: VersionedView['keyFields'] } | null {
  const { computed } = source;
  if (computed === undefined) return { source, keyFields };
  if (computed.kind === 'sql') return null;
  const events = snapshot.sources.find(({ name }) => name === computed.events)!;
  return keyFields.every((field) => events.fields.some(({ name }) => name === field)) ? storedOf(snapshot, events, keyFields) : null;
}

/** Whether a snapshot has the entity with the same keys. */
export function hasAlike({ entities }: Snapshot, { name, keys }: Entity): boolean {
  return entities.some((each) => each.name === name && JSON.stringify(each.keys) === JSON.stringify(keys));
}

export interface OfKey {
  readonly entity: Entity;
  readonly key: EntityKey;
}
