import type { Entity, Snapshot, Source, VersionedView } from '@granary/contracts';

/** A view with what it refers to. */
export interface ViewParts {
  readonly view: VersionedView;
  readonly entity: Entity;
  readonly source: Source;
}

export function partsOfView(snapshot: Snapshot, view: VersionedView): ViewParts {
  const entity = snapshot.entities.find((each) => each.name === view.entity);
  const source = snapshot.sources.find((each) => each.name === view.source);
  if (entity === undefined || source === undefined) throw new Error(`a valid snapshot has what ${view.name} refers to`);
  return { view, entity, source };
}
