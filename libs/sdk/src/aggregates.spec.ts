import { describe, expect, it } from '@jest/globals';
import type { FeatureView } from '@granary/contracts';
import {
  approxCountDistinct,
  avg,
  count,
  countBy,
  countDistinct,
  decayedCount,
  decayedSum,
  entity,
  featureService,
  featureView,
  first,
  last, lastN,
  approxPercentile,
  percentile,
  rate,
  ratio,
  source,
  stddevPopulation,
  stddevSample,
  sum,
  t,
  timeSinceLast,
  topK,
  variancePopulation,
  varianceSample,
  type RowOf,
} from './index.js';

const user = entity('user', { userId: t.int64 });
const events = source('events', {
  fields: { userId: t.int64, itemId: t.int64, kind: t.enum('view', 'cart'), price: t.float64.nullable(), note: t.string.nullable(), tags: t.array(t.string), at: t.timestamp },
  eventTime: 'at',
});
const activity = featureView('activity', {
  entity: user,
  source: events,
  features: (e) => ({
    recent: lastN(50, { item: e.itemId, note: e.note, kind: e.kind }).where(e.kind.eq('view')),
    prices: lastN(3, e.price).over('7d', 'all'),
    since: timeSinceLast(),
    sinceCart: timeSinceLast().where(e.kind.eq('cart')).over('30d'),
    items: countDistinct(e.itemId).over('all'),
    nearly: approxCountDistinct(e.itemId).over('1d'),
    top: topK(5, e.kind).over('7d'),
    kinds: countBy(e.kind).over('7d'),
    carts: ratio(e.kind.eq('cart')).over('7d'),
    hourly: rate({ per: '1h' }).over('7d'),
    dear: percentile(e.price, 0.95).over('7d'),
    aboutDear: approxPercentile(e.price, 0.95).over('7d', { hop: '1h' }),
    fading: decayedCount({ halfLife: '7d' }).over('30d'),
    fadingSpend: decayedSum(e.price, { halfLife: '1d' }).over('30d'),
    began: first(e.at).over('30d'),
    spread: varianceSample(e.price).over('7d'),
    spreadAll: variancePopulation(e.price).over('7d'),
    deviation: stddevSample(e.price).over('7d'),
    deviationAll: stddevPopulation(e.price).over('7d'),
    total: sum(e.itemId).over('7d', 'all'),
  }),
});
const page = featureService('page', [activity]);

type Row = RowOf<typeof page>;
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const proves = <_T extends true>(): void => undefined;
const DAY = 86_400_000;
const found = (name: string): FeatureView['features'][number] => activity.definition.features.find((each) => each.name === name)!;

describe('aggregates', () => {
  it('name features by base, column and window; all of history adds to the name only beside other windows', () => {
    expect(activity.definition.features.map((each) => each.name)).toEqual([
      'recentItem', 'recentNote', 'recentKind', 'prices7d', 'pricesAll', 'since', 'sinceCart30d', 'items', 'nearly1d', 'top7d', 'kinds7d', 'carts7d', 'hourly7d', 'dear7d', 'aboutDear7d',
      'fading30d', 'fadingSpend30d', 'began30d', 'spread7d', 'spreadAll7d', 'deviation7d', 'deviationAll7d', 'total7d', 'totalAll',
    ]);
  });

  it('have types from the column to the served row', () => {
    proves<Equal<Row['recentItem'], readonly bigint[] | null>>();
    proves<Equal<Row['recentKind'], readonly ('view' | 'cart')[] | null>>();
    proves<Equal<Row['recentNote'], readonly string[] | null>>();
    proves<Equal<Row['pricesAll'], readonly number[] | null>>();
    proves<Equal<Row['since'], number | null>>();
    proves<Equal<Row['items'], number | null>>();
    proves<Equal<Row['top7d'], readonly ('view' | 'cart')[] | null>>();
    proves<Equal<Row['kinds7d'], Readonly<Record<string, number>> | null>>();
    proves<Equal<Row['began30d'], number | null>>();
    proves<Equal<Row['totalAll'], bigint | null>>();
    proves<Equal<keyof Row & `recent${string}`, 'recentItem' | 'recentNote' | 'recentKind'>>();
    expect(Object.fromEntries(activity.definition.features.map(({ name, type }) => [name, type.kind]))).toMatchObject({
      recentItem: 'array', since: 'float64', items: 'int32', kinds7d: 'map', carts7d: 'float64', began30d: 'timestamp', total7d: 'int64', spread7d: 'float64',
    });
  });

  it('carry their parameters', () => {
    expect(found('dear7d').aggregate).toMatchObject({ fn: 'percentile', column: 'price', fraction: 0.95 });
    expect(found('aboutDear7d').aggregate).toMatchObject({ fn: 'approxPercentile', column: 'price', fraction: 0.95, window: { hopMs: 3_600_000 } });
    expect(found('top7d').aggregate).toMatchObject({ fn: 'topK', column: 'kind', n: 5 });
    expect(found('hourly7d').aggregate).toMatchObject({ fn: 'rate', column: null, unitMs: 3_600_000 });
    expect(found('fading30d').aggregate).toMatchObject({ fn: 'decayedCount', column: null, halfLifeMs: 7 * DAY });
    expect(found('carts7d').aggregate).toMatchObject({ fn: 'ratio', column: null, where: null, predicate: { fn: 'eq' } });
    expect(found('since').aggregate.window).toEqual({ sizeMs: null, delayMs: 0, bounds: '[)', includeRequest: false });
    expect(found('sinceCart30d').aggregate.window?.sizeMs).toBe(30 * DAY);
  });

  it('of several columns leave out events with a null in any, of one column only its own', () => {
    const isView = { kind: 'call', fn: 'eq', args: [{ name: 'kind' }, { value: 'view' }] };
    const hasNote = { kind: 'call', fn: 'not', args: [{ kind: 'call', fn: 'isNull', args: [{ kind: 'field', name: 'note' }] }] };
    for (const name of ['recentItem', 'recentNote', 'recentKind']) {
      expect(found(name).aggregate).toMatchObject({ fn: 'lastN', n: 50, where: { fn: 'and', args: [hasNote, isView] } });
    }
    expect(found('prices7d').aggregate.where).toBeNull();
  });

  // As JavaScript gives it.
  const declare = (features: (e: never) => unknown) => () => featureView('v', { entity: user, source: events, features: features as never });
  type Event = Record<string, never>;

  it.each<[message: string, todo: string, declare: () => unknown]>([
    ['lastN keeps 0 values', 'from 1 to 1000', declare((e: Event) => ({ c: lastN(0, e['itemId']!) }))],
    ['lastN keeps 1001 values', 'from 1 to 1000', declare((e: Event) => ({ c: lastN(1001, e['itemId']!) }))],
    ['lastN has no columns', 'Name at least one', declare(() => ({ c: lastN(5, {}) }))],
    ['topK keeps 2.5 values', 'from 1 to 1000', declare((e: Event) => ({ c: topK(2.5, e['kind']!).over('1d') }))],
    ['percentile has the fraction 95', 'from 0 to 1', declare((e: Event) => ({ c: percentile(e['price']!, 95).over('1d') }))],
    ["rate has per: '0h', which has no length", "'1h'", declare(() => ({ c: rate({ per: '0h' }).over('1d') }))],
    ['c is a rate over all of history, which has no length', ".over('7d')", declare(() => ({ c: rate({ per: '1h' }).over('all') }))],
    ["decayedCount has halfLife: '0d', which has no length", "'7d'", declare(() => ({ c: decayedCount({ halfLife: '0d' }).over('1d') }))],
    ['countBy takes texts, not int64', 'countBy takes texts', declare((e: Event) => ({ c: countBy(e['itemId']!).over('1d') }))],
    ['sum takes a field of the source', 'Name one', declare(() => ({ c: sum(undefined as never).over('1d') }))],
    ['sum takes a field of the source', 'sqlSource', declare((e: Record<string, { mul: (n: number) => never }>) => ({ c: sum(e['price']!.mul(2)).over('1d') }))],
    ['a list or map has no default', 'Leave it out', declare((e: Event) => ({ c: topK(1, e['kind']!).over('1d').default(1 as never) }))],
    ['c is an expression, not a feature', 'derived view', declare((e: Record<string, { mul: (n: number) => never }>) => ({ c: e['price']!.mul(2) }))],
    ['where takes a condition', 'Compare', declare((e: Event) => ({ c: count().where(e['price']!).over('1d') }))],
    ['over has no option "dealy"', 'delay, bounds, includeRequest, hop', declare(() => ({ c: count().over('7d', { dealy: '1d' } as never) }))],
    ['count has a hop of 2d, longer than its window of 1d', 'at most 1d', declare(() => ({ c: count().over('7d', '1d', { hop: '2d' }) }))],
    ['count has a hop of 0 ms', "'1h'", declare(() => ({ c: count().over('7d', { hop: '0h' }) }))],
    ["count has the bounds '(]' and a hop", "'[)' or '[]'", declare(() => ({ c: count().over('7d', { hop: '1h', bounds: '(]' }) }))],
    ['count has a hop over all of history', 'Leave the hop out', declare(() => ({ c: count().over('all', { hop: '1h' }) }))],
    ['approxPercentile has the fraction -1', 'from 0 to 1', declare((e: Event) => ({ c: approxPercentile(e['price']!, -1).over('1d') }))],
    ['percentile takes no hop: it needs every event or value', 'approxPercentile', declare((e: Event) => ({ c: percentile(e['price']!, 0.5).over('7d', { hop: '1h' }) }))],
    ['first takes no hop: it needs every event', 'exact', declare((e: Event) => ({ c: first(e['kind']!).over('7d', { hop: '1h' }) }))],
    ['last takes no hop: it keeps only its newest events', 'Leave the hop out', declare((e: Event) => ({ c: last(e['price']!).over('7d', { hop: '1h' }) }))],
    ['ratio takes a condition', 'Compare', declare((e: Event) => ({ c: ratio(e['price']!).over('1d') }))],
  ])('say what is wrong: %s', (message, todo, wrong) => {
    expect(wrong).toThrow(expect.objectContaining({ code: 'DEFINITION_INVALID', message: expect.stringContaining(`feature view v: ${message}`), todo: expect.stringContaining(todo), details: { file: expect.stringContaining('aggregates.spec.ts'), line: expect.any(Number) } }));
  });

  it('refuse at tsc what would fail later', () => {
    const never = (): void => {
      // @ts-expect-error -- an enum has no mean
      featureView('v', { entity: user, source: events, features: (e) => ({ n: avg(e.kind).over('1d') }) });
      // @ts-expect-error -- timestamps don't add up
      featureView('v', { entity: user, source: events, features: (e) => ({ n: sum(e.at).over('1d') }) });
      // @ts-expect-error -- counts categories, not numbers
      featureView('v', { entity: user, source: events, features: (e) => ({ n: countBy(e.itemId).over('1d') }) });
      // @ts-expect-error -- a list of lists
      featureView('v', { entity: user, source: events, features: (e) => ({ n: lastN(3, e.tags) }) });
      // @ts-expect-error -- aggregates read fields, not expressions
      featureView('v', { entity: user, source: events, features: (e) => ({ n: sum(e.price.mul(2)).over('1d') }) });
      // @ts-expect-error -- a condition is asked for
      featureView('v', { entity: user, source: events, features: (e) => ({ n: ratio(e.price).over('1d') }) });
      // @ts-expect-error -- a count needs a window
      featureView('v', { entity: user, source: events, features: () => ({ n: count() }) });
      // @ts-expect-error -- int64 has a bigint as default
      featureView('v', { entity: user, source: events, features: (e) => ({ n: sum(e.itemId).over('1d').default(0) }) });
      // @ts-expect-error -- a list has no default
      featureView('v', { entity: user, source: events, features: (e) => ({ n: topK(3, e.kind).over('1d').default('view') }) });
      // @ts-expect-error -- a rate is per something
      featureView('v', { entity: user, source: events, features: () => ({ n: rate({}).over('1d') }) });
    };
    expect(never).toBeInstanceOf(Function);
  });
});
