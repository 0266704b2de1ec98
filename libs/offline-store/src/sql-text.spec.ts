import { describe, expect, test } from '@jest/globals';
import { parseColumnType } from './column-type.js';
import { statementShape } from './sql-text.js';

describe('statementShape', () => {
  test('semicolons in texts, names and comments end nothing', () => {
    for (const sql of ["SELECT ';', `a;b`, \"c;d\", 'it''s ; \\' ;' -- ; x\n /* ; */ ;", 'SELECT $x$ ; $x$;;', '# ; \nSELECT 1']) {
      expect([sql, statementShape(sql).multiple]).toEqual([sql, false]);
    }
    expect(statementShape('SELECT 1; SELECT 2').multiple).toBe(true);
  });

  test('placeholders, but not maps, texts or comments', () => {
    const shape = statementShape("SELECT {a:Int64}, { b : Array(String) }, {'c': 1}, '{d:Int8}' /* {e:Int8} */ FROM {t:Identifier}");
    expect(shape.placeholders).toEqual(['a', 'b', 't']);
  });

  test('the format is the last clause, not a column of that name', () => {
    expect(statementShape('SELECT format FROM t').format).toBeNull();
    expect(statementShape('SELECT 1 format JSON settings max_threads = 1').format).toBe('JSON');
    expect(statementShape('SELECT * FROM (SELECT 1 FORMAT Null)').format).toBeNull();
    const shape = statementShape('  SELECT 1 FORMAT JSON ; ');
    expect([shape.sql, shape.sql.slice(shape.outfileAt)]).toEqual(['SELECT 1 FORMAT JSON', 'FORMAT JSON']);
  });

  test('what is a query and what leaves state', () => {
    expect(statementShape('(SELECT 1) UNION ALL (SELECT 2)').isQuery).toBe(true);
    expect(statementShape('WITH 1 AS x SELECT x').isQuery).toBe(true);
    expect(statementShape('INSERT INTO t SELECT 1').isQuery).toBe(false);
    for (const sql of ['SET a = 1', 'use x', 'CREATE TEMPORARY TABLE t (x Int8)', 'BEGIN TRANSACTION']) expect(statementShape(sql).leavesState).toBe(true);
    for (const sql of ['SELECT 1', 'create table t (x Int8)', 'INSERT INTO t VALUES (1)']) expect(statementShape(sql).leavesState).toBe(false);
  });

  test('where an INSERT ends and its data begins', () => {
    expect(statementShape('INSERT INTO d.t (a, format, `values`) SETTINGS x = 1 FORMAT CSV \n1;2\n\n3').insert).toEqual({
      target: 'INSERT INTO d.t (a, format, `values`) ', settings: 'SETTINGS x = 1 ', format: 'CSV', data: '1;2\n\n3',
    });
    expect(statementShape("insert into t values (1, ';')").insert).toEqual({ target: 'insert into t ', settings: '', format: 'Values', data: " (1, ';')" });
    expect(statementShape('INSERT INTO t SELECT 1 FORMAT Null').insert).toBeNull();
    expect(statementShape('INSERT INTO FUNCTION file(\'a\', CSV) SELECT 1').insert).toBeNull();
  });
});

test('column types become trees', () => {
  const of = (name: string, ...args: unknown[]) => ({ name, args });
  expect(parseColumnType("Map(String, Array(Nullable(DateTime64(3, 'UTC'))))")).toEqual(of('Map', of('String'), of('Array', of('Nullable', of('DateTime64')))));
  expect(parseColumnType("Tuple(a Int64, `b c` Array(Int8), Enum8('x,(' = 1))")).toEqual(of('Tuple', of('Int64'), of('Array', of('Int8')), of('Enum8')));
});
