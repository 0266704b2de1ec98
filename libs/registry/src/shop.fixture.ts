import type { Definition } from '@granary/contracts';
import { count, ease, entity, featureService, featureView, latest, max, recommender, request, scorer, source, sum, t, trending } from '@granary/sdk';

/** A small valid set with every kind of definition. For tests. */
export function shop(): readonly Definition[] {
  const user = entity('user', { userId: t.int64 });
  const item = entity('item', { itemId: t.int64 });
  const events = source('events', {
    fields: { id: t.string, userId: t.int64, itemId: t.int64, kind: t.enum('view', 'buy'), price: t.float64, fraud: t.bool, at: t.timestamp },
    eventId: 'id',
    eventTime: 'at',
  });
  const activity = featureView('activity', {
    entity: user,
    source: events,
    ttl: '90d',
    features: (e) => ({
      buys: count().where(e.kind.eq('buy')).over('1d', '7d'),
      spend: sum(e.price).over('30d', { bounds: '(]', includeRequest: true }),
      dearest: max(e.price).over('7d').default(0),
    }),
  });
  const stats = featureView('stats', { entity: item, source: events, features: (e) => ({ price: latest(e.price), seen: count().over('7d') }) });
  const ranking = featureService('ranking', [activity.pick('buys1d', 'dearest7d'), stats]);
  const risk = featureService('risk', [activity, request({ price: t.float64 })]);
  const forYou = recommender('for_you', { user, item, interactions: events, weights: { kind: { view: 1, buy: 5 } }, generators: [trending(), ease({ lambda: 250 })], ranker: ranking });
  const score = scorer('score_sale', { service: risk, events, label: 'fraud', labelDelay: '7d' });
  return [user, item, events, activity, stats, ranking, risk, forYou, score].map((each) => each.definition);
}
