import { describe } from '@jest/globals';
import { expressionCase } from './expression-cases.js';
import { itAgrees } from './random-worlds.js';

describe('an expression', () => {
  itAgrees('is the same value as SQL and as a closure, for random trees over random rows', {
    name: 'expressions',
    worlds: expressionCase,
    seed: Number(process.env['SEED']),
    compare: (bench) => bench.compareExpressions,
    values: 20_000,
  });
});
