import type { Entity, Snapshot, Source, Value } from '@granary/contracts';
import * as marketplace from '@granary/feature-defs/marketplace/features';
import * as payments from '@granary/feature-defs/payments/features';
import { resolveSnapshot } from '@granary/registry';
import {
  approxCountDistinct,
  approxPercentile,
  avg,
  count,
  countBy,
  countDistinct,
  decayedCount,
  decayedSum,
  derived,
  entity,
  featureService,
  featureView,
  first,
  last,
  lastN,
  latest,
  max,
  min,
  percentile,
  rate,
  ratio,
  request,
  source,
  sum,
  t,
  timeSinceLast,
  topK,
  variancePopulation,
  varianceSample,
  type Declaration,
} from '@granary/sdk';

export const DAY = 86_400_000;
/** The instant that the statements ask about. */
export const T = Date.UTC(2026, 0, 10);

const user = entity('user', { userId: t.int64 });
const branch = entity('branch', { region: t.string, number: t.int64 });

const visits = source('visits', {
  fields: { visitId: t.string, userId: t.int64, area: t.string, amount: t.float64.nullable(), coins: t.int64, kind: t.enum('view', 'buy'), tags: t.array(t.string), at: t.timestamp },
  eventId: 'visitId',
  eventTime: 'at',
});
const reports = source('reports', {
  fields: { reportId: t.string, userId: t.int64, amount: t.float64, at: t.timestamp, toldAt: t.timestamp },
  eventId: 'reportId',
  eventTime: 'at',
  knownAt: 'toldAt',
});

const of = { entity: user, source: visits };
const whole = { bounds: '[]' } as const;
const delayed = { delay: '1d' } as const;
const hopping = { hop: '2d' } as const;

const views = [
  featureView('latest', { ...of, features: (v) => ({ amount: latest(v.amount), tags: latest(v.tags) }) }),
  featureView('count', { ...of, features: () => ({ visits: count().over('2d') }) }),
  featureView('sum', { ...of, features: (v) => ({ amount: sum(v.amount).over('2d'), coins: sum(v.coins).over('2d') }) }),
  featureView('avg', { ...of, features: (v) => ({ amount: avg(v.amount).over('2d') }) }),
  featureView('min', { ...of, features: (v) => ({ coins: min(v.coins).over('2d') }) }),
  featureView('max', { ...of, features: (v) => ({ amount: max(v.amount).over('2d') }) }),
  featureView('last', { ...of, features: (v) => ({ amount: last(v.amount).over('2d'), kind: last(v.kind).over('2d') }) }),
  featureView('variance', { ...of, features: (v) => ({ views: varianceSample(v.amount).where(v.kind.eq('view')).over('4d', whole) }) }),
  featureView('ends', { ...of, features: (v) => ({ opening: first(v.amount).over('4d', whole), recent: lastN(2, v.coins).over('4d', whole), quiet: timeSinceLast().over('4d', whole) }) }),
  featureView('categories', {
    ...of,
    features: (v) => ({
      different: countDistinct(v.kind).over('4d', whole),
      nearly: approxCountDistinct(v.coins).over('4d', whole),
      top: topK(1, v.kind).over('4d', whole),
      kinds: countBy(v.kind).over('4d', whole),
      median: percentile(v.amount, 0.5).over('4d', whole),
      middle: approxPercentile(v.amount, 0.5).over('4d', whole),
    }),
  }),
  featureView('shares', {
    ...of,
    features: (v) => ({
      bought: ratio(v.kind.eq('buy')).over('4d', whole),
      daily: rate({ per: '1d' }).over('4d', whole),
      fading: decayedCount({ halfLife: '1d' }).over('4d', whole),
      worth: decayedSum(v.amount, { halfLife: '1d' }).over('4d', whole),
    }),
  }),
  featureView('hops', {
    ...of,
    features: (v) => ({
      visits: count().over('2d', hopping),
      worth: sum(v.amount).over('2d', hopping),
      different: countDistinct(v.kind).over('2d', hopping),
      usual: topK(1, v.amount).over('2d', hopping),
      kinds: countBy(v.kind).over('2d', hopping),
      middle: approxPercentile(v.amount, 0.5).over('2d', hopping),
    }),
  }),
  featureView('history', { ...of, features: () => ({ visits: count().over('all') }) }),
  featureView('bounds', {
    ...of,
    features: () => ({
      closedOpen: count().over('1d', { ...delayed, bounds: '[)' }),
      openClosed: count().over('1d', { ...delayed, bounds: '(]' }),
      closed: count().over('1d', { ...delayed, bounds: '[]' }),
      open: count().over('1d', { ...delayed, bounds: '()' }),
    }),
  }),
  featureView('where', {
    ...of,
    features: (v) => ({
      both: count().where(v.kind.eq('view').and(v.amount.gt(5))).over('4d', whole),
      either: count().where(v.kind.eq('buy').or(v.amount.lt(6))).over('4d', whole),
      negated: count().where(v.amount.gt(4).not()).over('4d', whole),
      absent: count().where(v.amount.isNull()).over('4d', whole),
      listed: count().where(v.coins.in([1n, 8n, 16n])).over('4d', whole),
      other: count().where(v.kind.ne('view')).where(v.coins.lte(2n)).over('4d', whole),
      quoted: count().where(v.area.gte("`'\\\n\t{p:String}")).over('4d', whole),
    }),
  }),
  featureView('composite_key', { entity: branch, source: visits, keys: { region: 'area', number: 'userId' }, features: () => ({ visits: count().over('2d') }) }),
  featureView('known_at', { entity: user, source: reports, features: (r) => ({ told: sum(r.amount).over('7d') }) }),
] as const;

const fresh = featureView('fresh', { ...of, ttl: '1d', features: (v) => ({ coins: latest(v.coins), tags: latest(v.tags) }) });
const filled = featureView('filled', {
  ...of,
  features: (v) => ({
    bought: avg(v.amount).where(v.kind.eq('buy')).over('1d').default(-1),
    spent: sum(v.coins).where(v.kind.eq('buy')).over('1d').default(-2n),
    visits: count().over('1d').default(-3),
    middle: approxPercentile(v.amount, 0.5).over('1d').default(-4),
  }),
});
const asked = featureView('asked', {
  entity: branch,
  source: visits,
  keys: { region: 'area', number: 'userId' },
  features: (v) => ({
    total: sum(v.coins).over('2d', { includeRequest: true }),
    mean: avg(v.amount).over('2d', { includeRequest: true }),
    // A key, which the request has under the entity's name for it.
    here: count().where(v.area.eq('eu')).over('2d', { includeRequest: true }),
  }),
});

const askedMore = featureView('asked_more', {
  entity: branch,
  source: visits,
  keys: { region: 'area', number: 'userId' },
  features: (v) => {
    const asking = { includeRequest: true } as const;
    return {
      different: countDistinct(v.kind).over('4d', asking),
      top: topK(1, v.kind).over('4d', asking),
      kinds: countBy(v.kind).over('4d', asking),
      median: percentile(v.amount, 0.5).over('4d', asking),
      middle: approxPercentile(v.amount, 0.5).over('4d', asking),
      recent: lastN(2, v.coins).over('4d', asking),
      quiet: timeSinceLast().over('4d', asking),
      fading: decayedCount({ halfLife: '1d' }).over('4d', asking),
      views: variancePopulation(v.amount).where(v.kind.eq('view')).over('4d', asking),
      bought: ratio(v.kind.eq('buy')).over('4d', asking),
    };
  },
});

const counted = featureView('counted', { ...of, ttl: '3d', features: (v) => ({ visits: count().over('2d'), amount: latest(v.amount) }) });
const compared = derived('compared', [counted, counted.as('peer', { userId: 'peerId' }), request({ coins: t.int64 })], (own, peer, r) => ({
  ratio: own.visits2d.div(peer.visits2d),
  worth: r.coins.mul(own.visits2d),
}));

const services = [
  featureService('derived', [counted.pick('amount'), compared]),
  featureService('ttl', [fresh]),
  featureService('default', [filled]),
  featureService('include_request', [asked, request({ coins: t.int64, amount: t.float64 })]),
  featureService('include_request_of_all', [askedMore, request({ coins: t.int64, amount: t.float64, kind: t.enum('view', 'buy') })]),
  featureService('known_at', [views.find((view) => view.definition.name === 'known_at')!]),
];

function collect(declaration: Declaration): Declaration[] {
  return [declaration, ...declaration.uses.flatMap(collect)];
}

function snapshotOf(declarations: readonly Declaration[]): Snapshot {
  const all = new Set(declarations.flatMap(collect));
  return resolveSnapshot([...all].map((each) => each.definition));
}

export const snapshots = {
  small: snapshotOf([...views, ...services]),
  payments: snapshotOf([payments.fraudFeatures]),
  marketplace: snapshotOf([marketplace.ranking]),
};
export const viewNames: readonly string[] = views.map((view) => view.name);

export function sourceOf(snapshot: Snapshot, name: string): Source {
  return snapshot.sources.find((each) => each.name === name)!;
}

export function entityOf(snapshot: Snapshot, name: string): Entity {
  return snapshot.entities.find((each) => each.name === name)!;
}

/** Few events, made up so that every answer can be worked out by hand: rows of values in the order of the fields. */
export const EVENTS: Readonly<Record<keyof typeof snapshots, Readonly<Record<string, readonly (readonly (Value | null)[])[]>>>> = {
  small: {
    visits: [
      ['v1', 1n, 'eu', 10, 1n, 'view', ['a'], T - 3 * DAY],
      ['v2', 1n, 'eu', null, 2n, 'buy', [], T - 2 * DAY],
      ['v3', 1n, 'eu', 5, 4n, 'view', ['b'], T - DAY],
      ['v4', 1n, 'eu', 2, 8n, 'buy', ['c', 'd'], T],
      ['v5', 2n, 'us', 7, 16n, 'view', ['e'], T - DAY],
      ['v6', 3n, 'eu', 1, 32n, 'buy', [], T + 1],
    ],
    reports: [
      ['r1', 1n, 1, T - 2 * DAY, T - 2 * DAY],
      ['r3', 2n, 9, T - DAY, T - DAY],
      ['r1', 1n, 100, T - 2 * DAY, T - DAY],
      ['r3', 3n, 9, T - DAY, T - 1],
      ['r2', 1n, 5, T - DAY, T + 1],
    ],
  },
  payments: {
    payments: [
      [1n, 1n, 9n, 10, true, T - 10 * DAY],
      [2n, 1n, 9n, 20, false, T - DAY / 24],
      [3n, 1n, 9n, 60, false, T],
    ],
  },
  marketplace: {
    interactions: [
      ['e1', 1n, 5n, 'view', 3, T - 2 * DAY],
      ['e2', 1n, 5n, 'purchase', 3, T - DAY / 2],
    ],
    items: [[5n, 'pot', 'home', 4]],
  },
};
