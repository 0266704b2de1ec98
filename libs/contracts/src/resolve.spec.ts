import { describe, expect, it } from '@jest/globals';
import { formatExpression, named, resolveService, servedName, storedSources, type Derived, type Expression, type Feature, type FeatureService, type FieldType, type Snapshot, type Source, type VersionedView } from './index.js';

const int64: FieldType = { kind: 'int64' };
const float64: FieldType = { kind: 'float64' };

const feature = (name: string): Feature => ({ name, type: float64, aggregate: { fn: 'latest', column: 'amount', where: null, window: null, default: null } });
const view = (name: string, entity: string, features: readonly string[], source = 'payments'): VersionedView => ({
  kind: 'featureView', name, entity, source, keyFields: ['id'], ttlMs: null, features: features.map(feature), version: 'aaaaaaaaaaaa',
});
const stored = (name: string): Source => ({ kind: 'source', name, fields: [{ name: 'id', type: int64, nullable: false }], eventId: [], eventTime: null, knownAt: null, file: null });
const field = (name: string, of?: string): Expression => ({ kind: 'field', name, of });
const div = (...args: Expression[]): Expression => ({ kind: 'call', fn: 'div', args });
const derived = (name: string, inputs: Derived['inputs'], features: Readonly<Record<string, Expression>>, request: Derived['request'] = []): Derived => ({
  kind: 'derived', name, inputs, request, features: Object.entries(features).map(([each, expression]) => ({ name: each, type: float64, expression })),
});

const snapshot: Snapshot = {
  format: 1,
  id: 'a'.repeat(64),
  entities: [
    { kind: 'entity', name: 'account', keys: [{ name: 'bank', type: { kind: 'string' } }, { name: 'accountId', type: int64 }] },
    { kind: 'entity', name: 'shop', keys: [{ name: 'shopId', type: int64 }] },
  ],
  sources: [stored('payments'), stored('refunds')],
  views: [view('activity', 'account', ['spend', 'count', 'mean']), view('shop_stats', 'shop', ['price', 'sales'])],
  derived: [
    derived('share', [{ kind: 'view', view: 'activity', alias: 'sender', keys: { accountId: 'senderId' } }, { kind: 'view', view: 'shop_stats' }], {
      usual: div(field('spend', 'sender'), field('count', 'sender')),
      priceShare: div(field('price', 'shop_stats'), field('amount')),
    }, [{ name: 'amount', type: float64 }]),
    derived('fit', [{ kind: 'derived', derived: 'share' }, { kind: 'view', view: 'shop_stats' }], { overUsual: div(field('price', 'shop_stats'), field('usual', 'share')) }),
  ],
  services: [],
  recommenders: [],
  scorers: [],
};

const service = (more: Partial<FeatureService>): FeatureService => ({ kind: 'featureService', name: 'page', views: [], request: [], ...more });
const resolve = (more: Partial<FeatureService>) => resolveService(snapshot, service(more));
const shape = (more: Partial<FeatureService>) => {
  const { views, keys, features } = resolve(more);
  return { views: Object.fromEntries(views.map((each) => [each.id, each.features.map(({ name }) => name)])), keys: keys.map(({ name }) => name), row: features.map(({ name }) => name) };
};

describe('a resolved service', () => {
  it('has the row, the keys and all that a view refers to', () => {
    const { views, features, keys, name } = resolve({ views: [{ view: 'shop_stats', features: ['sales', 'price'] }] });
    expect([name, keys]).toEqual(['page', [{ name: 'shopId', type: int64 }]]);
    expect(views).toEqual([{ id: 'shop_stats', view: snapshot.views[1], entity: snapshot.entities[1], source: snapshot.sources[0], keys, features: [feature('sales'), feature('price')] }]);
    expect(features).toEqual(['sales', 'price'].map((each) => ({ kind: 'aggregate', name: each, type: float64, of: 'shop_stats', feature: feature(each) })));
  });

  it('reads one view twice under aliases, each with keys and served names of its own', () => {
    const use = { view: 'activity', features: ['spend'] };
    const both = { views: [{ ...use, alias: 'sender', keys: { accountId: 'senderId' } }, { ...use, alias: 'receiver', keys: { accountId: 'receiverId', bank: 'receiverBank' } }] };
    expect(shape(both)).toEqual({ views: { sender: ['spend'], receiver: ['spend'] }, keys: ['bank', 'senderId', 'receiverBank', 'receiverId'], row: ['senderSpend', 'receiverSpend'] });
    const [sender, receiver] = resolve(both).views;
    expect([sender!.keys.map((key) => key.name), receiver!.keys.map((key) => key.name)]).toEqual([['bank', 'senderId'], ['receiverBank', 'receiverId']]);
    expect([sender!.view, sender!.entity]).toEqual([receiver!.view, receiver!.entity]);
  });

  it('reads what only derived features need, after what is served, each once', () => {
    expect(shape({ views: [{ view: 'activity', alias: 'sender', keys: { accountId: 'senderId' }, features: ['mean', 'count'] }], derived: [{ derived: 'share', features: ['usual'] }] })).toEqual({
      views: { sender: ['mean', 'count', 'spend'] },
      keys: ['bank', 'senderId'],
      row: ['senderMean', 'senderCount', 'usual'],
    });
  });

  it('asks for no key of an input that none of the chosen features reads', () => {
    expect(shape({ derived: [{ derived: 'share', features: ['priceShare'] }] })).toEqual({ views: { shop_stats: ['price'] }, keys: ['shopId'], row: ['priceShare'] });
  });

  it('merges the uses of several derived views, in the order of their inputs', () => {
    expect(shape({ derived: [{ derived: 'fit', features: ['overUsual'] }, { derived: 'share', features: ['priceShare', 'usual'] }] })).toEqual({
      views: { sender: ['spend', 'count'], shop_stats: ['price'] },
      keys: ['bank', 'senderId', 'shopId'],
      row: ['overUsual', 'priceShare', 'usual'],
    });
  });

  it('puts derived features that others read in their place', () => {
    const [served] = resolve({ derived: [{ derived: 'fit', features: ['overUsual'] }] }).features;
    expect(served).toMatchObject({ kind: 'derived', of: 'fit', type: float64 });
    expect(served!.kind === 'derived' && formatExpression(served!.expression)).toBe('shop_stats.price ÷ (sender.spend ÷ sender.count)');
  });

  it('gives request fields to derived features under their own name', () => {
    const { features, request } = resolve({ derived: [{ derived: 'share', features: ['priceShare'] }], request: [{ name: 'amount', type: float64 }] });
    expect(features[0]!.kind === 'derived' && features[0]!.expression).toEqual(div(field('price', 'shop_stats'), field('amount')));
    expect(request).toEqual([{ name: 'amount', type: float64 }]);
  });

  it('of what the snapshot lacks is a bug', () => {
    expect(() => resolve({ views: [{ view: 'nothing', features: ['x'] }] })).toThrow('nothing');
    expect(() => resolve({ views: [{ view: 'activity', features: ['x'] }] })).toThrow('x');
    expect(() => named([], 'it')).toThrow('a valid snapshot has it');
  });
});

it('a served name has the alias before it', () => {
  expect([servedName(undefined, 'spend30d'), servedName('sender', 'spend30d'), servedName('sender', 'x')]).toEqual(['spend30d', 'senderSpend30d', 'senderX']);
});

it('the events of computed sources come from stored ones, each named once', () => {
  const sql: Source = { ...stored('net'), computed: { kind: 'sql', sql: 'SELECT * FROM {{payments}}, {{refunds}}', inputs: ['payments', 'refunds'] } };
  const enriched: Source = { ...stored('rich'), computed: { kind: 'enriched', events: 'net', views: [{ view: 'activity', features: ['spend'] }, { view: 'net_stats', features: ['price'] }] } };
  const all: Snapshot = { ...snapshot, sources: [...snapshot.sources, sql, enriched], views: [...snapshot.views, view('net_stats', 'shop', ['price'], 'net')] };
  const names = (source: Source) => storedSources(all, source).map(({ name }) => name);
  expect([names(all.sources[0]!), names(sql), names(enriched)]).toEqual([['payments'], ['payments', 'refunds'], ['payments', 'refunds']]);
});
