import { resolveSnapshot } from '@granary/registry';
import { entity, featureService, featureView, latest, source, t, type Declaration, type Field } from '@granary/sdk';
import type { Snapshot } from '@granary/contracts';

export const PROJECT = 'bench';
/** The instant that everything is as of. */
export const NOW = Date.UTC(2026, 0, 31);

/** The snapshot of declarations and of all they use. */
export function snapshotOf(...declarations: readonly Declaration[]): Snapshot {
  const all = new Set<Declaration>();
  const collect = (declaration: Declaration): void => {
    all.add(declaration);
    declaration.uses.forEach(collect);
  };
  declarations.forEach(collect);
  return resolveSnapshot([...all].map((each) => each.definition));
}

/** One entity with `count` latest float64 features in one view, as feast-benchmarks has them. */
export function wideService(count: number): Snapshot {
  const names = Array.from({ length: count }, (_, i) => `f${i}`);
  const driver = entity('driver', { driverId: t.int64 });
  const columns = Object.fromEntries(names.map((name) => [name, t.float64]));
  const events = source('stats', { fields: { ...columns, driverId: t.int64, at: t.timestamp }, eventTime: 'at' });
  const view = featureView('wide', {
    entity: driver,
    source: events,
    features: (p) => Object.fromEntries(names.map((name) => [name, latest((p as unknown as Readonly<Record<string, Field<'float64'>>>)[name]!)])),
  });
  return snapshotOf(featureService('wide_service', [view]));
}

/** A latest feature in each of several views of one entity, every one of a source of its own. */
export function latestService(views: readonly { readonly feature: string; readonly name: string }[]): Snapshot {
  const thing = entity('thing', { thingId: t.int64 });
  const uses = views.map(({ feature, name }) => {
    const facts = source(name, { fields: { id: t.int64, thingId: t.int64, value: t.float64, at: t.timestamp }, eventId: 'id', eventTime: 'at' });
    return featureView(name, { entity: thing, source: facts, features: (e) => ({ [feature]: latest(e.value) }) });
  });
  return snapshotOf(featureService('latest_service', uses));
}
