import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { createPublisher } from '@granary/jobs';
import { OfflineStore } from '@granary/offline-store';
import { openOnlineStore, type OnlineStore } from '@granary/online-store';
import { startRedis, whyNoRedis } from '@granary/online-store/testing';
import type { ParityCase } from './cases.js';
import type { ExpressionCase } from './expression-cases.js';
import { compareExpressions } from './expressions.js';
import { agree, type Comparison, type Mismatch } from './comparison.js';
import { arrive, ask, type Answer, type Arrived, type Question } from './oracle.js';
import type { DerivedCase } from './derived-cases.js';
import { compareDerived } from './derived.js';
import { deliveries, servedOnline, streamOnline } from './published.js';
import { askAll, type Answered } from './statements.js';
import { stretch } from './stretch.js';

export interface ParityBench {
  compare(this: void, world: ParityCase): Promise<Comparison>;
  /** What is online alone, published by another publisher. */
  compareOnline(this: void, world: ParityCase, create: typeof createPublisher): Promise<Comparison>;
  compareExpressions(this: void, world: ExpressionCase): Promise<Comparison>;
  compareDerived(this: void, world: DerivedCase): Promise<Comparison>;
  close(): Promise<void>;
}

/** Opens a real embedded ClickHouse, LMDB and, where it is installed, Redis, in a folder of their own, which `close` removes. */
export async function openParity(): Promise<ParityBench> {
  const folder = mkdtempSync(join(tmpdir(), 'granary-parity-'));
  const store = await OfflineStore.open({ kind: 'embedded', path: join(folder, 'offline') });
  const redis = whyNoRedis() === null ? await startRedis() : null;
  const lmdb = await openOnlineStore({ kind: 'lmdb', path: join(folder, 'online') });
  const online: Readonly<Record<'lmdb' | 'redis', OnlineStore>> = { lmdb, redis: redis === null ? lmdb : await openOnlineStore({ kind: 'redis', url: redis.url }) };
  return {
    compare: async (given) => {
      const world = lengthened(given);
      const arrived = arrive(world.source, deliveries(world));
      return judge(world, arrived, [...(await streamOnline(store, online[world.asked.online], world, servedOnline(world))), ...(await askAll(store, world, arrived))]);
    },
    compareOnline: async (given, create) => {
      const world = lengthened(given);
      return judge(world, arrive(world.source, deliveries(world)), await streamOnline(store, online[world.asked.online], world, servedOnline(world), create));
    },
    compareExpressions: (world) => compareExpressions(store, world),
    compareDerived: (each) => compareDerived(store, online[each.world.asked.online], each),
    async close() {
      for (const each of Object.values(online)) await each.close();
      await redis?.stop();
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function lengthened(world: ParityCase): ParityCase {
  return world.asked.stretched ? stretch(world) : world;
}

/** What was answered, compared to what the oracle says. */
function judge(world: ParityCase, arrived: readonly Arrived[], answered: readonly Answered[]): Comparison {
  const { view } = world;
  const oracle = oracleOf(world, arrived);
  const mismatches: Mismatch[] = [];
  let compared = 0;
  for (const { path, questions, answers, horizon } of answered) {
    questions.forEach((question, i) => {
      const expected = oracle(question, horizon?.(i, view.name) ?? Infinity);
      for (const feature of view.features) {
        const actual = answers[i]![feature.name];
        if (actual === undefined) continue;
        compared++;
        if (!agree(expected[feature.name]!, actual)) mismatches.push({ path, question, feature: feature.name, expected: expected[feature.name]!, actual });
      }
    });
  }
  return { compared, mismatches, paths: answered.map(({ path }) => path) };
}

/** What the oracle says to a question of the events up to a sequence; asked by several paths it says it once. */
function oracleOf({ view }: ParityCase, arrived: readonly Arrived[]): (question: Question, horizon: number) => Record<string, Answer> {
  const said = new Map<Question, Map<number, Record<string, Answer>>>();
  return (question, horizon) => {
    const known = said.get(question) ?? new Map<number, Record<string, Answer>>();
    said.set(question, known);
    const answer = known.get(horizon) ?? ask(view, arrived.filter(({ sequence }) => sequence <= horizon), question);
    known.set(horizon, answer);
    return answer;
  };
}
