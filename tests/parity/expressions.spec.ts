import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OfflineStore } from '@granary/offline-store';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { expressionCase } from './expression-cases.js';
import { compareExpressions } from './expressions.js';

const folder = mkdtempSync(join(tmpdir(), 'granary-expressions-'));
let store: OfflineStore;
beforeAll(async () => {
  store = await OfflineStore.open({ kind: 'embedded', path: folder });
});
afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('an expression', () => {
  it('is the same value as SQL and as a closure, for random trees over random rows', async () => {
    const seed = Date.now() % 2 ** 31;
    console.log(`expressions seed ${seed}`);
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(expressionCase, async (world) => {
        const result = await compareExpressions(store, world);
        compared += result.compared;
        expect(result.mismatches).toEqual([]);
      }),
      { seed, numRuns: 25 },
    );
    expect(compared).toBeGreaterThan(10_000);
  }, 300_000);
});
