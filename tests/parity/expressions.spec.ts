import type { Expression, ExpressionFunction, Value } from '@granary/contracts';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { EXPRESSION_FIELDS, expressionCase } from './expression-cases.js';
import { openParity, type ParityBench } from './paths.js';
import { itAgrees } from './random-worlds.js';

const EXTREMES = [-(2n ** 63n), -(2n ** 63n) + 1n, -1n, 0n, 1n, 2n ** 63n - 1n];
const OF_TWO: readonly ExpressionFunction[] = ['add', 'sub', 'mul', 'div', 'mod', 'least', 'greatest', 'eq', 'lt', 'gte', 'in', 'nullIf', 'coalesce'];

describe('an expression', () => {
  itAgrees('is the same value as SQL and as a closure, for random trees over random rows', {
    name: 'expressions',
    worlds: expressionCase,
    seed: Number(process.env['SEED']),
    compare: (bench) => bench.compareExpressions,
    values: 20_000,
  });
});

describe('an expression', () => {
  let bench: ParityBench;
  const others = Object.fromEntries(EXPRESSION_FIELDS.map(({ name, values }): [string, Value | null] => [name, fc.sample<Value | null>(values, { numRuns: 1, seed: 1 })[0]!]));
  beforeAll(async () => {
    bench = await openParity();
  });
  afterAll(() => bench.close());

  it('is the same for -0 and 0 among several numbers, of which ClickHouse likes to make an IN that compares bytes', async () => {
    const numbers = [1, 0, 2, 3].map((value): Expression => ({ kind: 'literal', type: { kind: 'float64' }, value }));
    const expressions = ['d', 'd1'].map((name): Expression => ({ kind: 'call', fn: 'in', args: [{ kind: 'field', name }, ...numbers] }));
    const { mismatches } = await bench.compareExpressions({ expressions, rows: [-0, 0, 1, 4].map((d) => ({ ...others, d, d1: d })) });
    expect(mismatches).toEqual([]);
  });

  it('is the same with each extreme of int64 as a constant, which ClickHouse computes in other ways', async () => {
    const field: Expression = { kind: 'field', name: 'l' };
    const constants = EXTREMES.map((value): Expression => ({ kind: 'literal', type: { kind: 'int64' }, value: String(value) }));
    const expressions = OF_TWO.flatMap((fn) => constants.flatMap((constant): Expression[] => [{ kind: 'call', fn, args: [field, constant] }, { kind: 'call', fn, args: [constant, field] }]));
    const { mismatches } = await bench.compareExpressions({ expressions, rows: [null, ...EXTREMES].map((l) => ({ ...others, l })) });
    expect(mismatches).toEqual([]);
  });
});
