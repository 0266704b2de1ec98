import { whyNoRedis } from '@granary/online-store/testing';
import { describe } from '@jest/globals';
import { derivedCase } from './derived-cases.js';
import { itAgrees } from './random-worlds.js';

describe('a service with derived features and aliases', () => {
  itAgrees('gives the same values and states in training sets, online and by its declaration', {
    name: 'derived',
    worlds: derivedCase,
    seed: Number(process.env['SEED']),
    compare: (bench) => bench.compareDerived,
    values: 6_000,
    paths: ['lmdb', ...(whyNoRedis() === null ? ['redis'] : []), 'spine', 'questions', 'events', 'history at horizons', 'history'],
  });
});
