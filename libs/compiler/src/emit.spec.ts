import type { Entity, Expression, Feature, FeatureService, FieldType, Literal, Snapshot, Source, Statement, VersionedView } from '@granary/contracts';
import { describe, expect, it } from '@jest/globals';
import { compileBackfill } from './backfill.js';
import { carriedAs, compileDataset } from './dataset.js';
import { Emitter } from './emit.js';
import { emitExpression } from './expression/emit-expression.js';
import { backfillColumns, columnsRead } from './parts.js';

const text: FieldType = { kind: 'string' };
const literal = (type: FieldType, value: Literal['value']): Literal => ({ kind: 'literal', type, value });
const NASTY = ["`; DROP TABLE x; --", "' OR 1=1 --", '\\`', '"\\', '{p0:String}', 'naïve 🌾', 'a\nb\t', '$$'];

function world(names: { readonly field: string; readonly key: string; readonly feature: string; readonly value: string }): { readonly view: VersionedView; readonly entity: Entity; readonly source: Source } {
  const where: Expression = { kind: 'call', fn: 'eq', args: [{ kind: 'field', name: names.field }, literal(text, names.value)] };
  const window = { sizeMs: 1, delayMs: 0, bounds: '[)', includeRequest: false } as const;
  const feature: Feature = { name: names.feature, type: { kind: 'int32' }, aggregate: { fn: 'count', column: null, where, window, default: null } };
  return {
    entity: { kind: 'entity', name: 'thing', keys: [{ name: names.key, type: text }] },
    source: { kind: 'source', name: names.field, fields: [{ name: names.field, type: text, nullable: false }], eventId: [], eventTime: null, knownAt: null, file: null },
    view: { kind: 'featureView', name: 'view', entity: 'thing', source: names.field, keyFields: [names.field], ttlMs: null, features: [feature], version: '0'.repeat(12) },
  };
}

function datasetOf({ view, entity, source }: ReturnType<typeof world>, table: string, column: string): Statement {
  const service: FeatureService = { kind: 'featureService', name: 's', views: [{ view: 'view', features: view.features.map(({ name }) => name) }], request: [] };
  const snapshot: Snapshot = { format: 1, id: '', entities: [entity], sources: [source], views: [view], services: [service], recommenders: [], scorers: [], derived: [] };
  return compileDataset(snapshot, service, { table, columns: [column] });
}

/** The statement without what stands in backticks, where a backslash takes the next character with it. */
function outsideNames(sql: string): string {
  return sql.replaceAll(/`(?:[^`\\]|\\.)*`/gs, '?');
}

describe('what is not ours never becomes SQL', () => {
  const plain = world({ field: 'f', key: 'k', feature: 'n', value: 'v' });
  const expected = compileBackfill(plain.view, plain.entity, plain.source, 5);
  const expectedSet = datasetOf(plain, 't', 'c');

  for (const nasty of NASTY) {
    it(`${JSON.stringify(nasty)} as a name or a value leaves the statement's own words as they are`, () => {
      const { view, entity, source } = world({ field: `f${nasty}`, key: `k${nasty}`, feature: `n${nasty}`, value: nasty });
      const { sql, params } = compileBackfill(view, entity, source, 5);
      expect(outsideNames(sql)).toBe(outsideNames(expected.sql));
      expect(Object.values(params)).toEqual([5, nasty]);
      const set = datasetOf({ view, entity, source }, `t${nasty}`, `c${nasty}`);
      expect(outsideNames(set.sql)).toBe(outsideNames(expectedSet.sql));
      expect(Object.values(set.params)).toEqual([nasty]);
    });
  }

  it('refuses a name that ClickHouse could not hold', () => {
    const { view, entity, source } = world({ field: 'f\0', key: 'k', feature: 'n', value: 'v' });
    expect(() => compileBackfill(view, entity, source, 5)).toThrow('not an identifier');
  });
});

describe('parameters', () => {
  it('are shared by equal values of one type, and by no others', () => {
    const emitter = new Emitter();
    const seven = emitter.bind({ kind: 'int32' }, 7);
    expect(emitter.bind({ kind: 'int32' }, 7)).toBe(seven);
    const others = [emitter.bind({ kind: 'int64' }, '7'), emitter.bind({ kind: 'float64' }, 7), emitter.bind(text, '7'), emitter.bindMs(7), emitter.bind({ kind: 'bool' }, true)];
    expect(new Set([seven, ...others]).size).toBe(6);
    expect(emitter.bind({ kind: 'timestamp' }, 7)).toBe(`fromUnixTimestamp64Milli(${emitter.bindMs(7)}, 'UTC')`);
    expect(emitter.statement('SELECT 1').params).toEqual({ p0_Int32: 7, p1_Int64: '7', p2_Float64: 7, p3_String: '7', p4_Int64: 7, p5_Bool: true });
  });

  it('of a statement are frozen, and not those of the next', () => {
    const emitter = new Emitter();
    emitter.bind(text, 'a');
    const statement = emitter.statement('SELECT 1');
    emitter.bind(text, 'b');
    expect(statement).toEqual({ sql: 'SELECT 1', params: { p0_String: 'a' } });
    expect(Object.isFrozen(statement) && Object.isFrozen(statement.params)).toBe(true);
  });
});

describe('expressions', () => {
  const field = (name: string): Expression => ({ kind: 'field', name });
  const call = (fn: Extract<Expression, { kind: 'call' }>['fn'], ...args: Expression[]): Expression => ({ kind: 'call', fn, args });
  const emit = (expression: Expression): string => emitExpression(new Emitter(), expression, ({ name }) => ({ sql: name, type: name === 'a' ? { kind: 'int32' } : text }));

  it('keep the tree that was declared, whatever SQL binds tighter', () => {
    const a = call('eq', field('a'), literal({ kind: 'int32' }, 1));
    const b = call('isNull', field('b'));
    expect(emit(call('and', call('or', a, b), call('not', a)))).toBe('((a = {p0_Int32:Int32} OR b IS NULL) AND NOT a = {p0_Int32:Int32})');
    expect(emit(call('not', call('or', a, b)))).toBe('NOT (a = {p0_Int32:Int32} OR b IS NULL)');
    expect(emit(call('in', field('b'), literal(text, 'x'), literal(text, 'y')))).toBe('b IN ({p0_String:String}, {p1_String:String})');
  });

  it('name the fields they read', () => {
    const { view } = world({ field: 'seen', key: 'k', feature: 'n', value: 'v' });
    expect(columnsRead(view)).toEqual(['seen']);
  });
});

describe('a window', () => {
  it('in which no instant can lie counts nothing, and is not an impossible range', () => {
    const { view, entity, source } = world({ field: 'f', key: 'k', feature: 'n', value: 'v' });
    const [feature] = view.features;
    const empty: Feature = { ...feature!, aggregate: { ...feature!.aggregate, window: { sizeMs: 1, delayMs: 5, bounds: '()', includeRequest: false } } };
    const { sql, params } = compileBackfill({ ...view, features: [empty] }, entity, source, 5);
    expect(sql).toContain("accurateCast(countIf(false), 'Int32') AS `n`");
    expect(params).toEqual({ p0_Int64: 5 });
  });
});

describe('columns', () => {
  it('of a backfill are keys, instants, sequence and parts, null where a part may be', () => {
    const { view, entity } = world({ field: 'f', key: 'k', feature: 'n', value: 'v' });
    const mean: Feature = { name: 'm', type: { kind: 'float64' }, aggregate: { ...view.features[0]!.aggregate, fn: 'avg', column: 'f' } };
    expect(backfillColumns({ features: [...view.features, mean] }, entity)).toEqual([
      { name: 'k', type: 'String' },
      { name: '__as_of', type: "DateTime64(3, 'UTC')" },
      { name: '__event_time', type: "DateTime64(3, 'UTC')" },
      { name: '__sequence', type: 'UInt64' },
      { name: 'n', type: 'Int32' },
      { name: 'm__sum', type: 'Nullable(Float64)' },
      { name: 'm__count', type: 'Int32' },
    ]);
  });

  it('of a spine step aside for a feature of the same name', () => {
    const service = { kind: 'featureService' as const, name: 's', views: [{ view: 'v', features: ['price'] }], request: [] };
    expect(['price', 'other'].map((name) => carriedAs(service, name))).toEqual(['price__spine', 'other']);
  });
});
