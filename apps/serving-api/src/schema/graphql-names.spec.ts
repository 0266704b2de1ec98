import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { FIXED_ROOT_FIELDS, FIXED_TYPES } from '@granary/contracts';
import { noteOnline } from '@granary/online-store/testing';
import { graphqlNames, resolveSnapshot } from '@granary/registry';
import { count, ease, entity, featureService, featureView, latest, recommender, request, scorer, source, t, type Declaration } from '@granary/sdk';
import { FeatureReader } from '@granary/serving';
import { createServingApp, type ServingApp } from '../index.js';
import { startTestApp, type TestApp } from '../testing/test-app.js';
import { recommenders } from './recommenders.js';
import { scorers } from './scorers.js';

const user = entity('user', { userId: t.int64, tier: t.enum('free', 'paid') });
const item = entity('item', { itemId: t.int64, shelf: t.enum('a', 'b') });
const events = source('events', {
  fields: { id: t.string, userId: t.int64, tier: t.enum('free', 'paid'), itemId: t.int64, shelf: t.enum('a', 'b'), channel: t.enum('web', 'app'), odd: t.enum('not a name', 'b'), kinds: t.array(t.enum('x', 'y')), tags: t.array(t.string), fraud: t.bool, at: t.timestamp },
  eventId: 'id',
  eventTime: 'at',
});
const activity = featureView('user_activity', { entity: user, source: events, features: (e) => ({ visits: count().over('7d'), channel: latest(e.channel), odd: latest(e.odd), kinds: latest(e.kinds), tags: latest(e.tags), fraud: latest(e.fraud), since: latest(e.at) }) });
const demand = featureView('item_demand', { entity: item, source: events, features: () => ({ seen: count().over('7d') }) });
const ranking = featureService('item_ranking', [activity.pick('visits7d'), demand]);
const risk = featureService('risk', [activity, request({ shelf: t.enum('a', 'b') })]);
const forYou = recommender('for_you', { user, item, interactions: events, generators: [ease()], ranker: ranking });
const score = scorer('score_visit', { service: risk, events, label: 'fraud', labelDelay: '7d' });

const all = (each: Declaration): Declaration[] => [each, ...each.uses.flatMap(all)];
const snapshot = resolveSnapshot([...new Set([forYou, score, ranking, risk].flatMap(all))].map((each) => each.definition));

let app: TestApp;
let served: ServingApp;
beforeAll(async () => {
  app = await startTestApp();
  await noteOnline(app.store, 'names', snapshot.views, Date.now());
  const reader = new FeatureReader(snapshot, app.store, { project: 'names' });
  const find = (name: string) => snapshot.entities.find((each) => each.name === name)!;
  const untrained = snapshot.recommenders.map((declaration) => ({ declaration, user: find(declaration.user), item: find(declaration.item), trained: null }));
  served = await createServingApp({ reader, port: 0, schemaParts: [recommenders(untrained), scorers(snapshot.scorers.map((declaration) => ({ declaration, reader, trained: null })))] });
});
afterAll(async () => {
  await served.close();
  await app.close();
});

it('the names that plan checks are those of the schema that is served, no more and no fewer', async () => {
  const byName = <T extends { readonly name: string }>(list: readonly T[]) => new Map(list.map((each) => [each.name, each]));
  const claimed = graphqlNames({ entities: byName(snapshot.entities), views: byName(snapshot.views), derived: byName(snapshot.derived) }, [...snapshot.services, ...snapshot.recommenders, ...snapshot.scorers], (_, what, name) => {
    throw new Error(`${what} ${name} clashes`);
  });
  const response = await fetch(`${served.url}/graphql`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ query: '{ __schema { types { name } queryType { fields { name } } } }' }) });
  const { __schema: schema } = ((await response.json()) as { data: { __schema: { types: { name: string }[]; queryType: { fields: { name: string }[] } } } }).data;
  const types = schema.types.map((each) => each.name).filter((name) => !name.startsWith('__'));

  expect(schema.queryType.fields.map((each) => each.name).sort()).toEqual([...claimed.fields.keys()].sort());
  expect([...claimed.fields.keys()]).toEqual(expect.arrayContaining([...FIXED_ROOT_FIELDS, 'riskBatch', 'forYouSimilar', 'forYouTrending', 'scoreVisit']));
  const fixed = new Set<string>(FIXED_TYPES);
  expect(types.filter((name) => !fixed.has(name)).sort()).toEqual([...claimed.types.keys()].filter((name) => !fixed.has(name)).sort());
  expect(types.filter((name) => fixed.has(name) && claimed.types.get(name) !== 'Granary itself')).toEqual([]);
});
