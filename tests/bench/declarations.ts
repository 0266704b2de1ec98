import { resolveSnapshot } from '@granary/registry';
import { avg, count, countDistinct, entity, featureService, featureView, last, latest, max, min, ratio, source, stddevSample, sum, t, type Declaration, type Field } from '@granary/sdk';
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

/** Ten features of a card's payments, each over three windows: 30 columns. */
export function windowService(): Snapshot {
  const card = entity('card', { cardId: t.int64 });
  const fields = { id: t.int64, cardId: t.int64, amount: t.float64, merchant: t.int32, declined: t.bool, at: t.timestamp };
  const payments = source('card_payments', { fields, eventId: 'id', eventTime: 'at' });
  const view = featureView('card_windows', {
    entity: card,
    source: payments,
    features: (p) => ({
      payments: count().over(...WINDOWS),
      spent: sum(p.amount).over(...WINDOWS),
      mean: avg(p.amount).over(...WINDOWS),
      least: min(p.amount).over(...WINDOWS),
      most: max(p.amount).over(...WINDOWS),
      spread: stddevSample(p.amount).over(...WINDOWS),
      newest: last(p.amount).over(...WINDOWS),
      merchants: countDistinct(p.merchant).over(...WINDOWS),
      declines: count().where(p.declined.eq(true)).over(...WINDOWS),
      declinedShare: ratio(p.declined.eq(true)).over(...WINDOWS),
    }),
  });
  return snapshotOf(featureService('window_service', [view]));
}

const WINDOWS = ['1d', '7d', '30d'] as const;

/** A latest feature in each of several views of one entity, every one of a source of its own. */
export function latestService(views: readonly { readonly feature: string; readonly name: string }[]): Snapshot {
  const thing = entity('thing', { thingId: t.int64 });
  const uses = views.map(({ feature, name }) => {
    const facts = source(name, { fields: { id: t.int64, thingId: t.int64, value: t.float64, at: t.timestamp }, eventId: 'id', eventTime: 'at' });
    return featureView(name, { entity: thing, source: facts, features: (e) => ({ [feature]: latest(e.value) }) });
  });
  return snapshotOf(featureService('latest_service', uses));
}
