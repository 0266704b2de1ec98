import {
  avg,
  count,
  countBy,
  countDistinct,
  derived,
  ease,
  enriched,
  entity,
  featureService,
  featureView,
  itemToItem,
  last,
  lastN,
  latest,
  notSeen,
  recommender,
  source,
  sum,
  t,
  timeSinceLast,
  timeless,
  topK,
  trending,
} from '@granary/sdk';

export const user = entity('user', { userId: t.int64 });
export const item = entity('item', { itemId: t.int64 });

export const users = source('users', {
  fields: { userId: t.int64, country: t.string, signedUpAt: t.timestamp },
  eventTime: 'signedUpAt',
  file: 'users.csv',
});

export const items = source('items', {
  fields: { itemId: t.int64, title: t.string, category: t.string, price: t.float64 },
  eventId: 'itemId',
  eventTime: timeless,
  file: 'items.csv',
});

export const interactions = source('interactions', {
  fields: {
    eventId: t.string,
    userId: t.int64,
    itemId: t.int64,
    kind: t.enum('view', 'cart', 'purchase'),
    price: t.float64,
    at: t.timestamp,
  },
  eventId: 'eventId',
  eventTime: 'at',
  file: 'interactions.csv',
});

export const userProfile = featureView('user_profile', {
  entity: user,
  source: users,
  features: (u) => ({ country: latest(u.country), signedUpAt: latest(u.signedUpAt) }),
});

export const userActivity = featureView('user_activity', {
  entity: user,
  source: interactions,
  ttl: '90d',
  features: (e) => ({
    views: count().where(e.kind.eq('view')).over('1d', '7d', '30d'),
    purchases: count().where(e.kind.eq('purchase')).over('7d', '30d'),
    spend: sum(e.price).where(e.kind.eq('purchase')).over('30d'),
    priceSeen: avg(e.price).over('7d', '30d'),
    lastPrice: last(e.price).over('30d'),
  }),
});

/** What the user did last, newest first: the input of sequence models. */
export const userHistory = featureView('user_history', {
  entity: user,
  source: interactions,
  features: (e) => ({
    recentItems: lastN(50, { item: e.itemId, kind: e.kind }),
    sinceLastVisit: timeSinceLast(),
    kinds: countBy(e.kind).over('30d'),
    itemsSeen: countDistinct(e.itemId).over('30d'),
  }),
});

export const itemCatalogue = featureView('item_catalogue', {
  entity: item,
  source: items,
  features: (i) => ({ title: latest(i.title), category: latest(i.category), price: latest(i.price) }),
});

export const itemDemand = featureView('item_demand', {
  entity: item,
  source: interactions,
  features: (e) => ({
    itemViews: count().where(e.kind.eq('view')).over('1d', '7d', '30d'),
    itemCarts: count().where(e.kind.eq('cart')).over('7d'),
    itemPurchases: count().where(e.kind.eq('purchase')).over('1d', '7d', '30d'),
  }),
});

/** Each interaction with what the catalogue said of the item by then. */
export const cataloguedInteractions = enriched('catalogued_interactions', interactions, [itemCatalogue.pick('category', 'price').as('item')]);

/** Which categories draw the user: features of another view's output. */
export const userTaste = featureView('user_taste', {
  entity: user,
  source: cataloguedInteractions,
  features: (e) => ({
    categories: countBy(e.itemCategory).over('30d'),
    topCategories: topK(3, e.itemCategory).over('30d'),
    bought: avg(e.itemPrice).where(e.kind.eq('purchase')).over('30d'),
  }),
});

/** How the item's price compares with what the user looks at and buys. */
export const priceFit = derived('price_fit', [userActivity, itemCatalogue], (u, i) => ({
  priceVsSeen: i.price.div(u.priceSeen30d).clamp(0, 10),
  priceVsUsual: i.price.div(u.spend30d.div(u.purchases30d)).clamp(0, 10),
}));

export const ranking = featureService('ranking', [userActivity, itemDemand, itemCatalogue.pick('price')]);

/** For pages that show it; the ranker gains nothing by it. */
export const priceComparison = featureService('price_comparison', [priceFit]);

export const itemPage = featureService('item_page', [itemCatalogue, itemDemand.pick('itemPurchases7d')]);

export const userPage = featureService('user_page', [userProfile, userHistory, userTaste]);

export const forYou = recommender('for_you', {
  user,
  item,
  interactions,
  weights: { kind: { view: 1, cart: 3, purchase: 10 } },
  generators: [trending({ halfLife: '3d' }), itemToItem(), ease()],
  ranker: ranking,
  rules: [notSeen()],
});
