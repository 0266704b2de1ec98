import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OfflineStore } from '@granary/offline-store';
import { openOnlineStore } from '@granary/online-store';
import type { ParityCase } from './cases.js';
import type { ExpressionCase } from './expression-cases.js';
import { compareExpressions } from './expressions.js';
import { agree, load, type Comparison, type Mismatch } from './comparison.js';
import { ask } from './oracle.js';
import type { DerivedCase } from './derived-cases.js';
import { compareDerived } from './derived.js';
import { askAll } from './statements.js';
import { stretch } from './stretch.js';

export interface ParityBench {
  compare(this: void, world: ParityCase): Promise<Comparison>;
  compareExpressions(this: void, world: ExpressionCase): Promise<Comparison>;
  compareDerived(this: void, world: DerivedCase): Promise<Comparison>;
  close(): Promise<void>;
}

/** Opens a real embedded ClickHouse in a folder of its own, which `close` removes. */
export async function openParity(): Promise<ParityBench> {
  const folder = mkdtempSync(join(tmpdir(), 'granary-parity-'));
  const store = await OfflineStore.open({ kind: 'embedded', path: join(folder, 'offline') });
  const online = await openOnlineStore({ kind: 'lmdb', path: join(folder, 'online') });
  return {
    async compare(world) {
      const both = [await compare(store, world), await compare(store, stretch(world))];
      return { compared: both.reduce((sum, each) => sum + each.compared, 0), mismatches: both.flatMap((each) => each.mismatches) };
    },
    compareExpressions: (world) => compareExpressions(store, world),
    compareDerived: (world) => compareDerived(store, online, world),
    async close() {
      await online.close();
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function compare(store: OfflineStore, world: ParityCase): Promise<Comparison> {
  const { view } = world;
  const arrived = await load(store, world);
  const mismatches: Mismatch[] = [];
  let compared = 0;
  for (const { path, questions, answers } of await askAll(store, world, arrived)) {
    questions.forEach((question, i) => {
      const expected = ask(view, arrived, question);
      for (const feature of view.features) {
        const actual = answers[i]![feature.name];
        if (actual === undefined) continue;
        compared++;
        if (!agree(expected[feature.name]!, actual)) mismatches.push({ path, question, feature: feature.name, expected: expected[feature.name]!, actual });
      }
    });
  }
  return { compared, mismatches };
}
