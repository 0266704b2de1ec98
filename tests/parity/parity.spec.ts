import { whyNoRedis } from '@granary/online-store/testing';
import { describe } from '@jest/globals';
import { offlinePaths, parityCase } from './cases.js';
import { itAgrees } from './random-worlds.js';

describe('parity', () => {
  itAgrees('offline SQL, and online rows that events streamed into, answer as the naive oracle does, on random declarations and events', {
    name: 'parity',
    worlds: parityCase,
    seed: Number(process.env['SEED']),
    compare: (bench) => bench.compare,
    values: 75_000,
    paths: ['lmdb', ...(whyNoRedis() === null ? ['redis'] : []), ...offlinePaths],
  });
});
