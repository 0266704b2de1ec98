import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Value } from '@granary/contracts';
import { OfflineStore } from '@granary/offline-store';
import type { ParityCase } from './cases.js';
import type { ExpressionCase } from './expression-cases.js';
import { compareExpressions, type ExpressionMismatch } from './expressions.js';
import { arrive, ask, type Answer, type Question } from './oracle.js';
import { askAll } from './statements.js';
import { stretch } from './stretch.js';

/** A difference between what the oracle and a path answered. */
export interface Mismatch {
  readonly path: string;
  readonly question: Question;
  readonly feature: string;
  readonly expected: Answer;
  readonly actual: Answer;
}

export interface Comparison {
  readonly compared: number;
  readonly mismatches: readonly (Mismatch | ExpressionMismatch)[];
}

export interface ParityBench {
  compare(this: void, world: ParityCase): Promise<Comparison>;
  compareExpressions(this: void, world: ExpressionCase): Promise<Comparison>;
  close(): Promise<void>;
}

/** Opens a real embedded ClickHouse in a folder of its own, which `close` removes. */
export async function openParity(): Promise<ParityBench> {
  const folder = mkdtempSync(join(tmpdir(), 'granary-parity-'));
  const store = await OfflineStore.open({ kind: 'embedded', path: folder });
  return {
    async compare(world) {
      const both = [await compare(store, world), await compare(store, stretch(world))];
      return { compared: both.reduce((sum, each) => sum + each.compared, 0), mismatches: both.flatMap((each) => each.mismatches) };
    },
    compareExpressions: (world) => compareExpressions(store, world),
    async close() {
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function compare(store: OfflineStore, world: ParityCase): Promise<Comparison> {
  const { source, view } = world;
  await store.dropTable(`events_${source.name}`);
  await store.ensureSource(source);
  const rows = world.events.map((event) => ({
    eventId: event.id,
    eventTime: event.time,
    knownAt: event.knownAt,
    values: source.fields.map((field) => event.row[field.name] ?? null),
  }));
  // In two batches, so that duplicates meet stored events as well as each other.
  const half = Math.ceil(rows.length / 2);
  for (const batch of [rows.slice(0, half), rows.slice(half)]) if (batch.length > 0) await store.appendEvents(source, batch);

  const arrived = arrive(source, world.events);
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

/** Integers, strings and the rest to the letter; floats to 1e-9 of what went into them. */
function agree(expected: Answer, actual: Answer): boolean {
  if (expected.state !== actual.state) return false;
  const [a, b] = [expected.value, actual.value];
  if (typeof a === 'number' && typeof b === 'number') return a === b || Math.abs(a - b) <= 1e-9 * Math.max(expected.scale ?? 0, Math.abs(a), Math.abs(b));
  return textOf(a) === textOf(b);
}

/** Maps have no order. */
function textOf(value: Value | null): string {
  const entries = typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)) : value;
  return JSON.stringify(entries, (_key, item: unknown) => (typeof item === 'bigint' ? `${item}n` : item));
}
