import { describe } from '@jest/globals';
import { parityCase } from './cases.js';
import { itAgrees } from './random-worlds.js';

describe('parity', () => {
  itAgrees('offline SQL and stored parts answer as the naive oracle does, on random declarations and events', {
    name: 'parity',
    worlds: parityCase,
    compare: (bench) => bench.compare,
    runs: 6,
    atLeast: 1_000,
  });
});
