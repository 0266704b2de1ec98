import { describe, expect, it } from '@jest/globals';
import type { Aggregate, Feature, Source, Window } from '@granary/contracts';
import { compileCompact, compileEvaluate, compileTailEvent, eventColumns, representView } from '../index.js';

const source: Pick<Source, 'fields' | 'knownAt'> = { fields: [{ name: 'amount', type: { kind: 'float64' }, nullable: false }, { name: 'city', type: { kind: 'string' }, nullable: true }], knownAt: null };
const OVER_3: Aggregate['where'] = { kind: 'call', fn: 'gt', args: [{ kind: 'field', name: 'amount' }, { kind: 'literal', type: { kind: 'int32' }, value: 3 }] };
const HOUR = 3_600_000;

function feature(name: string, fn: Aggregate['fn'], column: string | null, type: Feature['type'], window: Partial<Window> | null, extra: Partial<Aggregate> = {}): Feature {
  const whole = window === null ? null : { sizeMs: null, delayMs: 0, bounds: '[)' as const, includeRequest: false, ...window };
  return { name, type, aggregate: { fn, column, where: null, window: whole, default: null, ...extra } };
}

const city = feature('city', 'latest', 'city', { kind: 'string' }, null);
const last = feature('last', 'lastN', 'amount', { kind: 'array', of: { kind: 'float64' } }, {}, { n: 2, where: OVER_3 });

describe('representView', () => {
  it('keeps totals of all history and newest values in the row, and the events of all else', () => {
    const features = [
      city,
      feature('cities', 'topK', 'city', { kind: 'array', of: { kind: 'string' } }, { delayMs: 2 * HOUR }, { n: 3 }),
      feature('spend', 'sum', 'amount', { kind: 'float64' }, { sizeMs: HOUR, delayMs: HOUR }, { where: OVER_3 }),
      last,
      feature('lately', 'last', 'amount', { kind: 'float64' }, { sizeMs: 9 * HOUR, delayMs: HOUR, bounds: '[]' }),
      feature('newest', 'last', 'amount', { kind: 'float64' }, { sizeMs: HOUR }),
    ];
    const { features: kept, row, events, retention } = representView({ features }, { ...source, knownAt: 'at' });
    expect(kept.map((each) => [each.kept, each.why, each.exactness])).toEqual([
      ['stored', 'the newest value', 'exact'],
      ['stored', 'all of history: kept as a total that each event joins', 'exact'],
      ['log', 'slides with the clock: the events of 2h are kept', 'exact'],
      ['log', 'all of history: the newest 2 events that count are kept', 'exact'],
      ['log', 'slides with the clock: the newest event that counts is kept', 'exact'],
      ['log', 'slides with the clock: the newest event that counts is kept', 'exact'],
    ]);
    expect(row.map(({ name }) => name)).toEqual(['__event_time', '__known_at', 'city', 'cities__values', 'cities__counts']);
    expect(events).toEqual({ conditions: [{ kind: 'where', expression: OVER_3 }], columns: [source.fields[1], source.fields[0]], knownAt: true });
    // The newest event within an hour is among those of two hours.
    const ends = [
      { end: 'newest', n: 2, youngest: 1, oldest: Infinity, place: { where: 0, predicate: null, column: 1 } },
      { end: 'newest', n: 1, youngest: HOUR, oldest: 10 * HOUR, place: { where: null, predicate: null, column: 1 } },
    ];
    expect(retention).toEqual({ reachMs: 2 * HOUR, ends, newestEvent: true });
  });
});

describe('windows with a hop', () => {
  it('share the hops and the counts, keep those of the longest, and no events but those that have not entered', () => {
    const hop = (name: string, fn: Aggregate['fn'], column: string | null, window: Partial<Window>) => feature(name, fn, column, { kind: fn === 'count' ? 'int32' : 'float64' }, { sizeMs: 24 * HOUR, hopMs: HOUR, ...window });
    const features = [hop('n', 'count', null, {}), hop('day', 'sum', 'amount', {}), hop('month', 'sum', 'amount', { sizeMs: 720 * HOUR }), hop('late', 'max', 'amount', { delayMs: HOUR })];
    const { row, tiles, retention, features: kept } = representView({ features }, source);
    // No amount is null: the count of events is that of amounts.
    expect(row.map(({ name }) => name)).toEqual(['__event_time', '__tiles0', '__tiles0_n', '__tiles0_day', '__tiles1', '__tiles1_late', '__tiles1_late__events']);
    expect(tiles.map(({ hopMs, ages, totals }) => [hopMs, ages.oldest, totals.length])).toEqual([[HOUR, 721 * HOUR - 1, 2], [HOUR, 26 * HOUR - 1, 2]]);
    expect(retention).toMatchObject({ reachMs: HOUR, ends: [] });
    expect(kept.map(({ why }) => why)).toEqual([
      'slides with the clock: a total of each hop is kept, at most 25 × 12 B',
      'slides with the clock: a total of each hop is kept, at most 25 × 20 B',
      'slides with the clock: a total of each hop is kept, at most 721 × 20 B',
      'slides with the clock: a total of each hop is kept, at most 25 × 20 B, and the events of 1h',
    ]);
    expect(kept[0]!.exactness).toBe('exact, from a far end on a whole 1h of UTC');
  });

  it('of different values keep their smallest hashes, and where each hop ends among them', () => {
    const { row, features: [kept] } = representView({ features: [feature('cities', 'approxCountDistinct', 'city', { kind: 'int32' }, { sizeMs: 24 * HOUR, hopMs: HOUR })] }, source);
    expect(row.slice(1).map(({ name, type }) => [name, type.kind === 'array' && type.of.kind])).toEqual([['__tiles0', 'float64'], ['__tiles0_cities__ends', 'int32'], ['__tiles0_cities', 'float64'], ['__tiles0_cities__events', 'int32']]);
    expect(kept!.why).toBe('slides with the clock: a total of each hop is kept, at most 25 × 16 B, and of n different values about 1024 × (1 + ln(n ÷ 1024)) hashes of 8 B (all n, if fewer)');
    expect(kept!.exactness).toBe('exact below 1024 different values, else off by 3.1 % on average (standard error), offline the same, from a far end on a whole 1h of UTC');
  });

  it('of values keep how often each occurs in a hop, or which is its newest hop', () => {
    const hop = (name: string, fn: Aggregate['fn'], type: Feature['type'], extra: Partial<Aggregate> = {}) => feature(name, fn, 'city', type, { sizeMs: 24 * HOUR, hopMs: HOUR }, extra);
    const texts: Feature['type'] = { kind: 'array', of: { kind: 'string' } };
    const { row, tiles, features } = representView({ features: [hop('top', 'topK', texts, { n: 1 }), hop('top5', 'topK', texts, { n: 5 }), hop('cities', 'countBy', { kind: 'map', of: { kind: 'int32' } }), hop('different', 'countDistinct', { kind: 'int32' })] }, source);
    // The first three read the same.
    expect(tiles[0]!.totals.map(({ layout, feature: { aggregate } }) => [layout, aggregate.fn])).toEqual([['counted', 'topK'], ['each', 'count'], ['newest', 'countDistinct']]);
    expect(row.slice(1).map(({ name, type }) => [name, type.kind === 'array' && type.of.kind])).toEqual([
      ['__tiles0', 'float64'],
      ['__tiles0_top__values', 'string'],
      ['__tiles0_top__counts', 'string'],
      ['__tiles0_top__events', 'int32'],
      ['__tiles0_different__ends', 'int32'],
      ['__tiles0_different', 'string'],
    ]);
    expect(features.map(({ why }) => why.replace('slides with the clock: a total of each hop is kept, at most ', ''))).toEqual([
      ...Array.from({ length: 3 }, () => '25 × 16 B, some 3 B for each different value of a hop, and each different value once'),
      '25 × 16 B, and each different value once',
    ]);
    expect(features.map(({ exactness }) => exactness)).toEqual(Array.from({ length: 4 }, () => 'exact, from a far end on a whole 1h of UTC'));
  });
});

describe('a base', () => {
  const representation = representView({ features: [city, last] }, source);
  const [evaluate, compact, frame] = [compileEvaluate(representation), compileCompact(representation), compileTailEvent(representation.events, source)];
  const event = (sequence: number, time: number, amount: number, name: string | null) => frame({ sequence, eventTime: time, knownAt: time, values: [amount, name] });
  const nothing = { sequence: 0, asOf: 0, row: null, log: eventColumns(representation.events, 0), tail: [] };

  it('knows the newest event from another of its instant whose values the log keeps for something else', () => {
    const base = compact({ ...nothing, tail: [event(1, 5, 9, 'Rome'), event(2, 5, 1, 'Oslo')] }, { sequence: 2, asOf: 10 });
    expect(base.log.count).toBe(1);
    expect(evaluate(base, 20)).toEqual({ parts: [['Oslo'], [[9]]], eventTime: 5 });
    expect(compact(base, { sequence: 2, asOf: 15 }).row).toEqual(base.row);
  });

  it('keeps of a window with a size only the newest events that count and have entered it', () => {
    const lately = representView({ features: [feature('lately', 'lastN', 'amount', { kind: 'array', of: { kind: 'float64' } }, { sizeMs: 50, delayMs: 10 }, { n: 2, where: OVER_3 })] }, source);
    const take = compileTailEvent(lately.events, source);
    const tail = [9, 9, 9, 1, 9, 9].map((amount, i) => take({ sequence: i + 1, eventTime: 10 * i, knownAt: 10 * i, values: [amount, null] }));
    const base = compileCompact(lately)({ ...nothing, tail }, { sequence: 6, asOf: 55 });
    expect([...base.log.times]).toEqual([20, 40, 50]);
    expect([55, 60, 61, 70, 71, 100, 101, 200].map((at) => compileEvaluate(lately)(base, at).parts[0]![0])).toEqual([[9, 9], [9, 9], [9, 9], [9, 9], [9, 9], [9, 9], [9], []]);
  });

  it('stays as late as it is: nothing folded is taken out by an earlier instant or sequence', () => {
    const base = compact({ ...nothing, tail: [event(1, 5, 9, 'Rome')] }, { sequence: 1, asOf: 10 });
    expect(compact({ ...base, tail: [event(1, 5, 9, 'Rome')] }, { sequence: 0, asOf: 3 })).toEqual(base);
  });

  it('is not needed: what is not kept is missing, and a tail alone is read', () => {
    expect(evaluate(null, 20)).toEqual({ parts: [[null], [[]]], eventTime: null });
    expect(compileEvaluate(representation, { parts: ['last'] })({ ...nothing, tail: [event(1, 5, 9, 'Rome')] }, 20)).toEqual({ parts: [[[9]]], eventTime: 5 });
  });
});
