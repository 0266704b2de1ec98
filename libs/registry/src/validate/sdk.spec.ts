import { expect, it } from '@jest/globals';
import type { Definition } from '@granary/contracts';
import { approxCountDistinct, avg, count, countBy, countDistinct, decayedCount, decayedSum, derived, enriched, entity, featureService, featureView, first, lastN, max, oneHot, percentile, rate, ratio, request, scorer, source, sqlSource, stddevPopulation, stddevSample, sum, t, timeSinceLast, topK, varianceSample, when, type Declaration } from '@granary/sdk';
import { checkDefinitions } from '../checks/check.js';
import { resolveSnapshot } from '../version/snapshot.js';
import { validateDefinitions } from './validate.js';

const account = entity('account', { accountId: t.int64 });
const transfers = source('transfers', {
  fields: { id: t.string, accountId: t.int64, otherId: t.int64, amount: t.float64, kind: t.enum('card', 'wire'), city: t.string.nullable(), fraud: t.bool.nullable(), knownAt: t.timestamp, at: t.timestamp },
  eventId: 'id',
  eventTime: 'at',
  knownAt: 'knownAt',
  corrected: true,
  retention: '400d',
});
const spending = featureView('spending', {
  entity: account,
  source: transfers,
  features: (e) => ({
    spent: sum(e.amount).where(e.kind.eq('wire').and(e.at.hour('Europe/Berlin').lt(6)).or(e.city.lower().eq('rome'))).over('7d', '30d'),
    night: ratio(e.at.hour().lt(6)).over('30d'),
    rate: rate({ per: '1d' }).over('30d'),
    spread: stddevSample(e.amount).over('30d'),
    spreadAll: stddevPopulation(e.amount).over('30d'),
    variance: varianceSample(e.amount).over('30d'),
    others: countDistinct(e.otherId).over('30d'),
    about: approxCountDistinct(e.city).over('30d'),
    newest: lastN(20, { to: e.otherId, kind: e.kind }),
    since: timeSinceLast(),
    usual: topK(3, e.otherId).over('30d'),
    kinds: countBy(e.kind).over('30d'),
    median: percentile(e.amount, 0.5).over('30d'),
    recent: decayedCount({ halfLife: '7d' }).over('30d'),
    recentSpent: decayedSum(e.amount, { halfLife: '7d' }).over('30d'),
    opened: first(e.at).over('365d'),
    frauds: avg(e.fraud).over('30d', { delay: '7d' }),
  }),
});
const daily = sqlSource('daily', {
  sql: 'SELECT accountId, toStartOfDay(at) AS day, sum(amount) AS total FROM {{transfers}} GROUP BY ALL',
  inputs: [transfers],
  fields: { accountId: t.int64, day: t.timestamp, total: t.float64 },
  eventId: ['accountId', 'day'],
  eventTime: 'day',
});
const days = featureView('days', { entity: account, source: daily, features: (e) => ({ dearest: max(e.total).over('30d'), days: count().over('30d') }) });
const seen = enriched('seen_transfers', transfers, [spending.pick('spent30d', 'spread30d').as('own'), days.pick('dearest30d').as('other', { accountId: 'otherId' })]);
const jumps = featureView('jumps', { entity: account, source: seen, features: (e) => ({ jump: max(e.ownSpent30d).over('7d'), dearer: count().where(e.amount.gt(e.otherDearest30d)).over('7d') }) });
const usual = derived('usual', [spending.as('sender', { accountId: 'senderId' }), request({ amount: t.float64, at: t.timestamp })], (s, r) => ({
  share: r.amount.div(s.spent30d).clamp(0, 10),
  size: when(r.amount.gt(100), 1, 2),
  hour: r.at.hour('America/New_York'),
  level: r.amount.bucketise([10, 100, 1000]),
}));
const flags = derived('flags', [usual, days.keyedBy({ accountId: 'senderId' })], (u, d) => ({ dear: u.share.gt(d.dearest30d), level: oneHot(u.level, [0, 1]) }));
const service = featureService('transfer_page', [
  spending.pick('spent30d', 'kinds30d', 'usual30d', 'frauds30d').as('sender', { accountId: 'senderId' }),
  spending.pick('spent30d').as('receiver', { accountId: 'receiverId' }),
  jumps.keyedBy({ accountId: 'senderId' }),
  usual.pick('share', 'hour'),
  flags,
]);
const scored = source('scored', { fields: { senderId: t.int64, receiverId: t.int64, amount: t.float64, fraud: t.bool, at: t.timestamp }, eventTime: 'at' });
const score = scorer('score_transfer', { service, events: scored, label: 'fraud', labelDelay: '7d' });

const all = (each: Declaration): readonly Declaration[] => [each, ...each.uses.flatMap(all)];

it('takes all that the SDK declares, its aggregates, aliases, derived views and computed sources among it', () => {
  const definitions = [...new Set(all(score))].map((each) => each.definition) as Definition[];
  expect(validateDefinitions(definitions)).toEqual([]);
  expect(checkDefinitions(definitions)).toEqual([]);
  expect(resolveSnapshot(definitions).derived.map((each) => each.name)).toEqual(['flags', 'usual']);
});
