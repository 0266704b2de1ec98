import { describe, expect, it } from '@jest/globals';
import { avg, count, derived, enriched, entity, featureService, featureView, last, latest, request, source, sqlSource, sum, t, timeless, countBy, lastN, type RequestFor, type RowOf } from './index.js';

const account = entity('account', { bank: t.string, accountId: t.int64 });
const item = entity('item', { itemId: t.int64 });
const payments = source('payments', {
  fields: { id: t.string, bank: t.string, accountId: t.int64, senderId: t.int64, receiverId: t.int64, itemId: t.int64, amount: t.float64, at: t.timestamp },
  eventId: 'id',
  eventTime: 'at',
  corrected: true,
  retention: '365d',
});
const spending = featureView('spending', { entity: account, source: payments, features: (p) => ({ spend: sum(p.amount).over('7d', '30d'), payments: count().over('30d') }) });
const items = source('items', { fields: { itemId: t.int64, price: t.float64, tags: t.array(t.string) }, eventId: 'itemId', eventTime: timeless });
const catalogue = featureView('catalogue', { entity: item, source: items, features: (i) => ({ price: latest(i.price), tags: latest(i.tags) }) });
const sender = spending.as('sender', { accountId: 'senderId' });
const receiver = spending.pick('spend30d').as('receiver', { accountId: 'receiverId' });
const usual = derived('usual', [sender, request({ amount: t.float64 })], (s, r) => ({ mean: s.spend30d.div(s.payments30d), overMean: r.amount.div(s.spend30d) }));
const fit = derived('fit', [usual, catalogue.pick('price'), request({ amount: t.float64, at: t.timestamp })], (u, c, r) => ({ fit: c.price.div(u.mean), night: r.at.hour().lte(6) }));
const page = featureService('page', [receiver, request({ note: t.string }), fit, usual.pick('mean')]);

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const proves = <_T extends true>(): void => undefined;
const refusal = (message: string, todo: string) =>
  expect.objectContaining({ code: 'DEFINITION_INVALID', message, todo: expect.stringContaining(todo), details: { file: expect.stringContaining('derived.spec.ts'), line: expect.any(Number) } });

describe('derived views and aliases', () => {
  it('are defined by what they read, under which names', () => {
    expect(usual.definition).toMatchObject({ inputs: [{ kind: 'view', view: 'spending', alias: 'sender', keys: { accountId: 'senderId' } }], request: [{ name: 'amount', type: { kind: 'float64' } }] });
    expect(usual.definition.features[0]).toEqual({
      name: 'mean',
      type: { kind: 'float64' },
      expression: { kind: 'call', fn: 'div', args: [{ kind: 'field', name: 'spend30d', of: 'sender' }, { kind: 'field', name: 'payments30d', of: 'sender' }] },
    });
    expect(fit.definition.inputs).toEqual([{ kind: 'derived', derived: 'usual' }, { kind: 'view', view: 'catalogue' }]);
    expect(page.definition).toMatchObject({
      views: [{ view: 'spending', alias: 'receiver', keys: { accountId: 'receiverId' }, features: ['spend30d'] }],
      derived: [{ derived: 'fit', features: ['fit', 'night'] }, { derived: 'usual', features: ['mean'] }],
      request: [{ name: 'note' }, { name: 'amount' }, { name: 'at' }],
    });
    expect(JSON.parse(JSON.stringify(page.definition))).toEqual(page.definition);
    expect(featureService('plain', [spending.pick('spend7d').as('plain')]).definition.views).toEqual([{ view: 'spending', features: ['spend7d'], alias: 'plain' }]);
  });

  it('are typed: names served and keys asked for follow the alias, derived views ask for all they read', () => {
    type Row = RowOf<typeof page>;
    proves<Equal<Exclude<keyof Row, '$state'>, 'receiverSpend30d' | 'fit' | 'night' | 'mean'>>();
    proves<Equal<Row['receiverSpend30d'], number | null>>();
    proves<Equal<Row['night'], boolean | null>>();
    proves<Equal<Row['$state']['fit'], 'present' | 'null' | 'missing' | 'expired'>>();
    proves<Equal<RequestFor<typeof page>, { readonly bank: string; readonly receiverId: bigint; readonly senderId: bigint; readonly itemId: bigint; readonly note: string; readonly amount: number; readonly at: number }>>();
    const both = featureService('both', [sender, receiver]);
    proves<Equal<Exclude<keyof RowOf<typeof both>, '$state'>, 'senderSpend7d' | 'senderSpend30d' | 'senderPayments30d' | 'receiverSpend30d'>>();
    const renamed = featureService('renamed', [catalogue.keyedBy({ itemId: 'productId' })]);
    proves<Equal<RequestFor<typeof renamed>, { readonly productId: bigint }>>();
    proves<Equal<RowOf<typeof renamed>['tags'], readonly string[] | null>>();
    expect(renamed.definition.views).toEqual([{ view: 'catalogue', features: ['price', 'tags'], keys: { itemId: 'productId' } }]);
  });

  it.each<[message: string, todo: string, declare: () => unknown]>([
    ['derived view d reads spending twice', 'alias', () => derived('d', [spending, spending.pick('spend7d')], (a) => ({ c: a.spend7d }))],
    ['derived view d has no features', 'Return', () => derived('d', [spending], () => ({}))],
    ["derived view usual has no feature nope", 'It has mean', () => usual.pick('nope' as 'mean')],
    ['feature view spending has no key userId', 'It has bank, accountId', () => spending.as('a', { userId: 'x' } as object)],
    ['feature view spending: "2nd" is no alias', 'letter', () => spending.as('2nd')],
    ['feature view spending: "the-id" is no name for accountId', 'letter', () => spending.as('a', { accountId: 'the-id' })],
    ["feature service s: the request's amount is string here and float64 there", 'one type', () => featureService('s', [usual, request({ amount: t.string })])],
    ['feature service s reads two things as sender', 'alias', () => featureService('s', [usual, spending.as('sender', { accountId: 'otherId' })])],
    ['feature service s takes no feature of usual', 'pick', () => featureService('s', [usual.pick()])],
    ['feature service s has no feature view', 'at least one', () => featureService('s', [request({ a: t.string })])],
  ])('refuse: %s', (message, todo, declare) => {
    expect(declare).toThrow(refusal(message, todo));
  });

  it('refuse at tsc what would fail later', () => {
    const never = (): void => {
      // @ts-expect-error -- the alias's argument has no such feature
      derived('d', [receiver], (r) => ({ c: r.spend7d }));
      // @ts-expect-error -- the entity has no such key
      spending.as('x', { userId: 'id' });
      // @ts-expect-error -- no such feature
      usual.pick('median');
      // @ts-expect-error -- a source is no input
      derived('d', [payments], () => ({}));
      // @ts-expect-error -- served under the alias
      type Wrong = RowOf<typeof page>['spend30d'];
      expect<Wrong | undefined>(undefined).toBeUndefined();
    };
    expect(never).toBeInstanceOf(Function);
  });
});

describe('computed sources', () => {
  const priced = enriched('priced', payments, [catalogue.pick('price', 'tags'), spending.pick('spend7d').as('sender', { accountId: 'senderId' })]);
  const daily = sqlSource('daily', {
    sql: 'SELECT accountId, bank, toStartOfDay(at) AS day, sum(amount) AS spend FROM {{payments}} GROUP BY ALL',
    inputs: [payments],
    fields: { accountId: t.int64, bank: t.string, day: t.timestamp, spend: t.float64 },
    eventTime: 'day',
    eventId: ['accountId', 'bank', 'day'],
  });

  it('of a query have its text, inputs and fields', () => {
    expect(daily.definition).toMatchObject({ eventId: ['accountId', 'bank', 'day'], eventTime: 'day', knownAt: null, file: null, computed: { kind: 'sql', inputs: ['payments'], sql: expect.stringContaining('{{payments}}') } });
    expect(daily.uses).toEqual([payments]);
  });

  it('enriched have the fields of the events and those of the features, which may be null but for lists', () => {
    expect(priced.definition.computed).toEqual({
      kind: 'enriched',
      events: 'payments',
      views: [{ view: 'catalogue', features: ['price', 'tags'] }, { view: 'spending', features: ['spend7d'], alias: 'sender', keys: { accountId: 'senderId' } }],
    });
    expect(priced.definition.fields.slice(-3)).toEqual([
      { name: 'price', type: { kind: 'float64' }, nullable: true },
      { name: 'tags', type: { kind: 'array', of: { kind: 'string' } }, nullable: false },
      { name: 'senderSpend7d', type: { kind: 'float64' }, nullable: true },
    ]);
    const view = featureView('v', { entity: account, source: priced, features: (p) => ({ meanPrice: avg(p.price).where(p.senderSpend7d.gt(10)).over('7d'), tags: latest(p.tags), amount: last(p.amount).over('1d') }) });
    const service = featureService('s', [view]);
    proves<Equal<RowOf<typeof service>['meanPrice7d'], number | null>>();
    proves<Equal<RowOf<typeof service>['tags'], readonly string[] | null>>();
    expect(view.definition.source).toBe('priced');
  });

  it('and stored ones say what their events are like', () => {
    expect(payments.definition).toMatchObject({ corrected: true, retentionMs: 365 * 86_400_000 });
    expect(items.definition).not.toHaveProperty('corrected');
  });

  const counted = featureView('counted', { entity: item, source: payments, features: (p) => ({ banks: countBy(p.bank).over('7d'), amount: last(p.amount).over('7d'), buyers: lastN(3, p.accountId) }) });
  const options = { inputs: [payments] as const, fields: { id: t.string, at: t.timestamp }, eventTime: 'at', eventId: 'id' } as const;
  it.each<[message: string, todo: string, declare: () => unknown]>([
    ['source s: banks7d is a map, which no field can be', 'Pick', () => enriched('s', payments, [counted])],
    ['source s has price twice', "catalogue.as('its')", () => enriched('s', priced, [catalogue.pick('price')])],
    ['source s: items has no time to have features as of', 'event time', () => enriched('s', items, [catalogue])],
    ['source s: its query reads {{refunds}}, which is not among its inputs', 'payments', () => sqlSource('s', { ...options, sql: 'SELECT * FROM {{refunds}}' })],
    ['source s: its query does not read the input payments', '{{payments}}', () => sqlSource('s', { ...options, sql: 'SELECT 1' })],
    ['source s: at says how files write it, and a query is no file', 't.timestamp', () => sqlSource('s', { ...options, sql: '{{payments}}', fields: { id: t.string, at: t.epochSeconds } })],
    ['source s: a retention of 0d keeps nothing', 'leave it out', () => source('s', { fields: { at: t.timestamp }, eventTime: 'at', retention: '0d' })],
  ])('refuse: %s', (message, todo, declare) => {
    expect(declare).toThrow(refusal(message, todo));
  });

  it('refuse at tsc what would fail later', () => {
    const never = (): void => {
      // @ts-expect-error -- the events have no field orderId for the view's key
      enriched('s', payments, [catalogue.keyedBy({ itemId: 'orderId' })]);
      // @ts-expect-error -- the key is an int64
      enriched('s', payments, [catalogue.keyedBy({ itemId: 'bank' })]);
      // @ts-expect-error -- an event needs an id
      sqlSource('s', { sql: '{{payments}}', inputs: [payments], fields: { at: t.timestamp }, eventTime: 'at' });
      // @ts-expect-error -- a number is no time
      sqlSource('s', { sql: '{{payments}}', inputs: [payments], fields: { id: t.string, n: t.float64 }, eventTime: 'n', eventId: 'id' });
      // @ts-expect-error -- no such field
      featureView('v', { entity: account, source: priced, features: (p) => ({ n: avg(p.spend7d).over('7d') }) });
    };
    expect(never).toBeInstanceOf(Function);
  });
});
