import { describe, expect, it } from '@jest/globals';
import { GranaryError } from '@granary/contracts';
import {
  avg,
  count,
  ease,
  entity,
  featureService,
  featureView,
  itemToItem,
  last,
  latest,
  recommender,
  request,
  scorer,
  source,
  sum,
  t,
  timeless,
  trending,
  type RequestFor,
  type RowOf,
} from './index.js';

const user = entity('user', { userId: t.int64 });
const item = entity('item', { itemId: t.int64 });
const interactions = source('interactions', {
  fields: { eventId: t.string, userId: t.int64, itemId: t.int64, kind: t.enum('view', 'purchase'), price: t.float64, note: t.string.nullable(), at: t.timestamp },
  eventId: 'eventId',
  eventTime: 'at',
});
const activity = featureView('user_activity', {
  entity: user,
  source: interactions,
  ttl: '90d',
  features: (e) => ({
    purchases: count().where(e.kind.eq('purchase')).over('1d', '7d'),
    spend: sum(e.price).over('30d', { delay: '1d', bounds: '(]' }).default(5),
    bought: sum(e.itemId).over('7d'),
    lastKind: last(e.kind).over('7d'),
    note: latest(e.note),
  }),
});
const service = featureService('ranking', [activity, request({ basket: t.float64 })]);

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const proves = <_T extends true>(): void => undefined;

describe('declarations', () => {
  it('expand windows into named features with resolved window bounds', () => {
    expect(activity.definition.features.map((feature) => feature.name)).toEqual(['purchases1d', 'purchases7d', 'spend30d', 'bought7d', 'lastKind7d', 'note']);
    expect(activity.definition.features[2]).toEqual({
      name: 'spend30d',
      type: { kind: 'float64' },
      aggregate: {
        fn: 'sum',
        column: 'price',
        where: null,
        window: { sizeMs: 30 * 86_400_000, delayMs: 86_400_000, bounds: '(]', includeRequest: false },
        default: { kind: 'literal', type: { kind: 'float64' }, value: 5 },
      },
    });
  });

  it('are plain data: JSON keeps everything, and nothing can be changed', () => {
    expect(JSON.parse(JSON.stringify(activity.definition))).toEqual(activity.definition);
    expect(() => (activity.definition.features as unknown[]).push(1)).toThrow(TypeError);
    expect(() => Object.assign(interactions.definition, { name: 'other' })).toThrow(TypeError);
  });

  it('know where they stand in the file', () => {
    expect(activity.definition.site).toEqual({ file: expect.stringMatching(/sdk\.spec\.ts$/), line: expect.any(Number) });
  });

  it('round what a float32 field is compared to, as the field itself is', () => {
    const single = source('single', { fields: { userId: t.int64, ratio: t.float32, at: t.timestamp }, eventTime: 'at' });
    const view = featureView('v', { entity: user, source: single, features: (e) => ({ n: count().where(e.ratio.eq(0.1)).over('1d') }) });
    expect(view.definition.features[0]!.aggregate.where).toMatchObject({ args: [{ name: 'ratio' }, { value: Math.fround(0.1) }] });
  });

  it('refuse names, durations and files that cannot work, with the place and what to do', () => {
    const mistakes = [
      () => entity('User', { userId: t.int64 }),
      () => entity('user', { _id: t.int64 }),
      () => source('s', { fields: { at: t.timestamp }, eventTime: 'at', file: 'rows.xlsx' }),
      () => featureView('v', { entity: user, source: interactions, features: () => ({ n: count().over('0.5d') }) }),
      () => activity.pick('nothing' as 'note'),
      () => source('s', { fields: { at: t.timestamp }, eventTime: 'at', retenton: '30d' } as never),
      () => featureView('v', { entity: user, source: interactions, TTL: '30d', features: () => ({ n: count().over('1d') }) } as never),
    ];
    for (const mistake of mistakes) {
      expect(mistake).toThrow(GranaryError);
      try {
        mistake();
      } catch (error) {
        expect(error).toMatchObject({ code: 'DEFINITION_INVALID', todo: expect.any(String), details: { file: expect.stringContaining('sdk.spec.ts') } });
      }
    }
  });
});

describe('declarations that were not type-checked', () => {
  // A callback as JavaScript gives it.
  const view = (features: (e: never) => unknown, more: object = {}): unknown => featureView('v', { entity: user, source: interactions, features: features as never, ...more });
  const forYou = (more: object): unknown => recommender('for_you', { user, item, interactions, generators: [ease()], ...more });
  type Event = Record<string, never>;

  it.each<[says: string, todo: string, declare: () => unknown]>([
    ['feature view v: the source interactions has no field nope', 'It has eventId, userId, itemId, kind, price, note, at.', () => view((e: Event) => ({ c: sum(e['nope']!).over('1d') }))],
    ['feature view v: c has no window', "Add .over('7d').", () => view(() => ({ c: count() }))],
    ['feature view v: c has no window', "Add .over('7d').", () => view(() => ({ c: (count().over as () => unknown)() }))],
    ['feature view v: c is not a feature but 5', 'count()', () => view(() => ({ c: 5 }))],
    ['feature view v: c is not a feature but undefined', 'count()', () => view(() => ({ c: undefined }))],
    ['feature view v: c is a field, not a feature', 'latest', () => view((e: Event) => ({ c: e['price'] }))],
    ['feature view v has no features', 'at least one', () => view(() => ({}))],
    ['feature view v has no features', 'at least one', () => view(() => undefined)],
    ['feature view v: the window of c0d has no length', ".over('7d')", () => view(() => ({ c: count().over('0d') }))],
    ['feature view v: a ttl of 0d hides every value', 'leave ttl out', () => view(() => ({ c: count().over('1d') }), { ttl: '0d' })],
    ['entity nobody has no keys', 'at least one', () => entity('nobody', {})],
    ['source nothing has no fields', 'its events', () => source('nothing', { fields: {}, eventTime: 'at' as never })],
    ['feature service few takes no feature of user_activity', 'pick', () => featureService('few', [activity.pick()])],
    ['recommender for_you has no generators', 'trending()', () => forYou({ generators: [] })],
    ['recommender for_you: trending has a half-life of no length', "halfLife: '7d'", () => forYou({ generators: [trending({ halfLife: '0d' })] })],
    ['recommender for_you: itemToItem has 0 neighbours', 'from 1 up', () => forYou({ generators: [itemToItem({ neighbours: 0 })] })],
    ['recommender for_you: itemToItem has a shrinkage of -1', '0 or more', () => forYou({ generators: [itemToItem({ shrinkage: -1 })] })],
    ['recommender for_you: ease has a lambda of 0', 'above 0', () => forYou({ generators: [ease({ lambda: 0 })] })],
    ['recommender for_you: the weight of view is -1', '0, which leaves', () => forYou({ weights: { kind: { view: -1, purchase: 1 } } })],
  ])('are refused: %s', (message, todo, declare) => {
    let thrown: unknown;
    try {
      declare();
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toMatchObject({ code: 'DEFINITION_INVALID', message, todo: expect.stringContaining(todo), details: { file: expect.stringContaining('sdk.spec.ts'), line: expect.any(Number) } });
  });
});

describe('types', () => {
  it('of a served row and of its request are inferred from the declaration', () => {
    type Row = RowOf<typeof service>;
    proves<Equal<Row['purchases7d'], number | null>>();
    proves<Equal<Row['bought7d'], bigint | null>>();
    proves<Equal<Row['lastKind7d'], 'view' | 'purchase' | null>>();
    proves<Equal<Row['note'], string | null>>();
    proves<Equal<Row['$state']['spend30d'], 'present' | 'null' | 'missing' | 'expired'>>();
    proves<Equal<RequestFor<typeof service>['userId'], bigint>>();
    proves<Equal<RequestFor<typeof service>['basket'], number>>();
    // @ts-expect-error -- no such feature
    type Wrong = Row['purchases30d'];
    expect<Wrong | undefined>(undefined).toBeUndefined();
  });

  it('refuse at tsc what would fail later', () => {
    const never = (): void => {
      // @ts-expect-error -- not a value of the enum
      featureView('v', { entity: user, source: interactions, features: (e) => ({ n: count().where(e.kind.eq('sale')).over('1d') }) });
      // @ts-expect-error -- a string can't be summed
      featureView('v', { entity: user, source: interactions, features: (e) => ({ n: sum(e.eventId).over('1d') }) });
      // @ts-expect-error -- an array is never null: there is no last one that has a value
      featureView('v', { entity: user, source: source('lists', { fields: { userId: t.int64, tags: t.array(t.string), at: t.timestamp }, eventTime: 'at' }), features: (e) => ({ n: last(e.tags).over('1d') }) });
      // @ts-expect-error -- a window needs a unit
      featureView('v', { entity: user, source: interactions, features: (e) => ({ n: avg(e.price).over('7') }) });
      // @ts-expect-error -- no such field
      featureView('v', { entity: user, source: interactions, features: (e) => ({ n: latest(e.prize) }) });
      // @ts-expect-error -- the source has no field tenantId for the entity's key
      featureView('v', { entity: entity('tenant', { tenantId: t.string }), source: interactions, features: () => ({ n: count().over('1d') }) });
      // @ts-expect-error -- a key of another type
      featureView('v', { entity: entity('u', { userId: t.string }), source: interactions, features: () => ({ n: count().over('1d') }) });
      // @ts-expect-error -- event time must be a timestamp field of the source
      source('s', { fields: { name: t.string }, eventTime: 'name' });
      // @ts-expect-error -- a timeless row describes a thing, which must be named
      source('s', { fields: { id: t.string }, eventTime: timeless });
      // @ts-expect-error -- the view has no such feature
      activity.pick('purchases30d');
      // @ts-expect-error -- a weight for each value of the enum
      recommender('r', { user, item, interactions, generators: [ease()], weights: { kind: { view: 1 } } });
      // @ts-expect-error -- the label must be a bool
      scorer('s', { service, events: interactions, label: 'price' });
    };
    expect(never).toBeInstanceOf(Function);
  });

  it('let a view name the source fields that hold its keys', () => {
    const sender = featureView('sent', { entity: entity('account', { id: t.int64 }), source: interactions, keys: { id: 'userId' }, features: () => ({ n: count().over('1d') }) });
    expect(sender.definition.keyFields).toEqual(['userId']);
    const static_ = source('names', { fields: { id: t.int64, name: t.string }, eventId: 'id', eventTime: timeless });
    expect(static_.definition).toMatchObject({ eventTime: null, eventId: ['id'], file: null });
  });
});
