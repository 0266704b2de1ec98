import { named, type Entity, type Snapshot, type Source, type VersionedView } from '@granary/contracts';

/** A view with what it refers to. */
export interface ViewParts {
  readonly view: VersionedView;
  readonly entity: Entity;
  readonly source: Source;
}

export function partsOfView(snapshot: Snapshot, view: VersionedView): ViewParts {
  return { view, entity: named(snapshot.entities, view.entity), source: named(snapshot.sources, view.source) };
}
