import { describe, expect, it } from '@jest/globals';
import { formatExpression, type Derived } from '@granary/contracts';
import { count, derived, entity, featureService, featureView, haversineKm, latest, oneHot, request, source, sum, t, when, type RowOf } from './index.js';

const user = entity('user', { userId: t.int64 });
const events = source('events', {
  fields: { userId: t.int64, quantity: t.int32, stock: t.int64, price: t.float64, kind: t.enum('view', 'cart'), note: t.string, paid: t.bool, tags: t.array(t.string), lat: t.float64, lon: t.float64, at: t.timestamp },
  eventTime: 'at',
});
const seen = featureView('seen', {
  entity: user,
  source: events,
  features: (e) => ({ n: count().over('1d'), cents: sum(e.quantity).over('1d'), price: latest(e.price), kind: latest(e.kind), note: latest(e.note), paid: latest(e.paid), at: latest(e.at), tags: latest(e.tags), lat: latest(e.lat), lon: latest(e.lon) }),
});
const all = derived('all', [seen, request({ amount: t.float64, stock: t.int64, now: t.timestamp })], (s, r) => ({
  total: s.n1d.add(s.n1d),
  next: s.cents1d.add(1n),
  half: s.cents1d.mul(0.5),
  share: s.price.div(s.n1d).clamp(0, 10),
  root: s.price.abs().sqrt().log1p().round(),
  rest: r.stock.mod(7n).neg(),
  smaller: s.n1d.least(r.stock).greatest(0n),
  first: s.n1d.coalesce(r.stock),
  known: s.price.coalesce(r.amount, 0),
  kind: s.kind.coalesce('view'),
  kindOr: s.kind.coalesce('none'),
  word: s.note.trim().lower().concat('-', s.kind),
  long: s.note.length().gt(3),
  says: s.note.contains('x').or(s.note.startsWith('y'), s.note.endsWith('z')),
  bucket: s.note.hashBucket(100),
  step: s.price.bucketise([1, 5, 10]),
  code: r.stock.toText(),
  paid: s.paid.toFloat(),
  hour: r.now.hour('Europe/Berlin'),
  weekend: r.now.dayOfWeek().gte(6),
  age: r.now.msSince(s.at).div(1000),
  recent: s.at.gte('2026-01-01'),
  seenAt: s.at.coalesce(r.now, 0),
  choice: when(s.paid, s.n1d, r.stock),
  label: when(s.price.gt(10).and(s.paid.not()), 'dear', 'cheap'),
  later: when(s.paid, s.at, r.now),
  odd: s.n1d.in([1, 3]),
  gone: s.note.nullIf('').isNull(),
  kinds: oneHot(s.kind, ['view', 'cart']),
  stocks: oneHot(r.stock, [1n, 2]),
  far: haversineKm(s.lat, s.lon, 52.5, 13.4),
}));
const page = featureService('page', [all]);

type Row = RowOf<typeof page>;
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const proves = <_T extends true>(): void => undefined;
const found = (name: string): Derived['features'][number] => all.definition.features.find((each) => each.name === name)!;
const text = (name: string): string => formatExpression(found(name).expression);

describe('expressions', () => {
  it('have types that tsc and the definition agree on', () => {
    type Kinds = { readonly [N in keyof Row as N extends '$state' ? never : N]: Exclude<Row[N], null> };
    proves<
      Equal<
        Pick<Kinds, 'total' | 'next' | 'half' | 'rest' | 'smaller' | 'first' | 'known' | 'choice' | 'bucket' | 'age' | 'seenAt' | 'paid'>,
        { readonly total: bigint; readonly next: bigint; readonly half: number; readonly rest: bigint; readonly smaller: bigint; readonly first: bigint; readonly known: number; readonly choice: bigint; readonly bucket: number; readonly age: number; readonly seenAt: number; readonly paid: number }
      >
    >();
    proves<Equal<Pick<Kinds, 'kind' | 'kindOr' | 'word' | 'label' | 'code'>, { readonly kind: 'view' | 'cart'; readonly kindOr: string; readonly word: string; readonly label: string; readonly code: string }>>();
    proves<Equal<Pick<Kinds, 'long' | 'weekend' | 'recent' | 'gone' | 'kindsView' | 'kindsCart' | 'stocks1' | 'stocks2'>, Readonly<Record<'long' | 'weekend' | 'recent' | 'gone' | 'kindsView' | 'kindsCart' | 'stocks1' | 'stocks2', boolean>>>>();
    expect(Object.fromEntries(all.definition.features.map(({ name, type }) => [name, type.kind]))).toEqual({
      total: 'int64', next: 'int64', half: 'float64', share: 'float64', root: 'float64', rest: 'int64', smaller: 'int64', first: 'int64', known: 'float64', kind: 'enum', kindOr: 'string', word: 'string',
      long: 'bool', says: 'bool', bucket: 'int32', step: 'int32', code: 'string', paid: 'float64', hour: 'int32', weekend: 'bool', age: 'float64', recent: 'bool', seenAt: 'timestamp', choice: 'int64',
      label: 'string', later: 'timestamp', odd: 'bool', gone: 'bool', kindsView: 'bool', kindsCart: 'bool', stocks1: 'bool', stocks2: 'bool', far: 'float64',
    });
  });

  it('read as they were written', () => {
    expect(text('share')).toBe('clamp(seen.price ÷ seen.n1d, 0, 10)');
    expect(text('age')).toBe('msBetween(now, seen.at) ÷ 1000');
    expect(text('hour')).toBe("hour(now, 'Europe/Berlin')");
    expect(text('weekend')).toBe("dayOfWeek(now, 'UTC') ≥ 6");
    expect(text('label')).toBe("if(seen.price > 10 and not seen.paid, 'dear', 'cheap')");
    expect(text('kindsView')).toBe("coalesce(seen.kind = 'view', false)");
    expect(text('recent')).toBe('seen.at ≥ 2026-01-01T00:00:00.000Z');
  });

  it('make a literal of the type it is compared with, and beside a choice of the type it is', () => {
    const literals = (name: string): unknown[] => {
      const { expression } = found(name);
      return expression.kind === 'call' ? expression.args.flatMap((arg) => (arg.kind === 'literal' ? [[arg.type.kind, arg.value]] : [])) : [];
    };
    expect(literals('odd')).toEqual([['int32', 1], ['int32', 3]]);
    expect(literals('recent')).toEqual([['timestamp', Date.UTC(2026, 0, 1)]]);
    expect(literals('next')).toEqual([['int64', '1']]);
    expect(literals('half')).toEqual([['float64', 0.5]]);
    expect(literals('kind')).toEqual([['enum', 'view']]);
    expect(literals('kindOr')).toEqual([['string', 'none']]);
    const view = featureView('v', { entity: user, source: events, features: (e) => ({ many: count().where(e.stock.gt(2)).over('1d'), some: count().where(e.quantity.lt(2.5)).over('1d'), paid: count().where(e.paid).over('1d') }) });
    expect(view.definition.features.map(({ aggregate }) => aggregate.where)).toMatchObject([
      { args: [{ name: 'stock' }, { type: { kind: 'int64' }, value: '2' }] },
      { args: [{ name: 'quantity' }, { type: { kind: 'float64' }, value: 2.5 }] },
      { kind: 'field', name: 'paid' },
    ]);
  });

  // As JavaScript gives it.
  type Loose = Readonly<Record<string, unknown>>;
  it.each<[message: string, todo: string, features: (s: Loose) => unknown]>([
    ['add(enum(\'view\', \'cart\'), float64): add takes numbers, not enum(\'view\', \'cart\')', 'toFloat', (s) => ({ c: (s['kind'] as { add: (n: number) => unknown }).add(1) })],
    ['seen has no feature nope', 'It has n1d, cents1d', (s) => ({ c: s['nope'] })],
    ['Mars/Crater is no time zone', 'Europe/Berlin', (s) => ({ c: (s['at'] as { hour: (zone: string) => unknown }).hour('Mars/Crater') })],
    ['bucketise has the boundary 1 after 5', 'that rise', (s) => ({ c: (s['price'] as { bucketise: (b: number[]) => unknown }).bucketise([5, 1]) })],
    ['hashBucket has 0 buckets', 'from 1 up', (s) => ({ c: (s['note'] as { hashBucket: (n: number) => unknown }).hashBucket(0) })],
    ['NaN is no number that an expression can hold', 'finite', (s) => ({ c: (s['price'] as { add: (n: number) => unknown }).add(NaN) })],
    ['9223372036854775808 is beyond int64', 'float64', (s) => ({ c: (s['n1d'] as { add: (n: bigint) => unknown }).add(2n ** 63n) })],
    ['"soon" is not a timestamp', 'ISO 8601', (s) => ({ c: (s['at'] as { gte: (text: string) => unknown }).gte('soon') })],
    ["oneHot has the value 'new york', which makes no field name", 'isThat', (s) => ({ c: oneHot(s['note'] as never, ['new york'] as never) })],
    ['oneHot has two values for …View', 'once', (s) => ({ c: oneHot(s['note'] as never, ['view', 'View'] as never) })],
    ['c is not an expression', 'Compute it', () => ({ c: 5 })],
    ['c is a list or map', 'from its view', (s) => ({ c: s['tags'] })],
    ['undefined is no value of an expression', 'another expression', (s) => ({ c: (s['price'] as { add: (n: undefined) => unknown }).add(undefined) })],
  ])('say what is wrong where nobody checked types: %s', (message, todo, features) => {
    expect(() => derived('d', [seen], features as never)).toThrow(
      expect.objectContaining({ code: 'DEFINITION_INVALID', message: `derived view d: ${message}`, todo: expect.stringContaining(todo), details: { file: expect.stringContaining('expression.spec.ts'), line: expect.any(Number) } }),
    );
  });

  it('refuse at tsc what would fail later', () => {
    const never = (): void => {
      derived('d', [seen], (s) => ({
        // @ts-expect-error -- a text is no number
        a: s.note.add(1),
        // @ts-expect-error -- not among the enum's values
        b: s.kind.eq('sale'),
        // @ts-expect-error -- a float has no one text
        c: s.price.toText(),
        // @ts-expect-error -- a number has no hour
        d: s.price.hour(),
        // @ts-expect-error -- a timestamp is no quantity
        e: s.at.add(1),
        // @ts-expect-error -- choices of two types
        f: when(s.paid, 'yes', 1),
        // @ts-expect-error -- not a condition
        g: when(s.n1d, 1, 0),
        // @ts-expect-error -- enums have no order
        h: s.kind.lt('view'),
        // @ts-expect-error -- not among the enum's values
        i: oneHot(s.kind, ['sale']),
        // @ts-expect-error -- no such feature
        j: s.nothing,
      }));
      // @ts-expect-error -- lists are not computed
      derived('d', [seen], (s) => ({ tags: s.tags }));
    };
    expect(never).toBeInstanceOf(Function);
  });
});
