import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { describe, expect, it } from '@jest/globals';
import { granaryJson, startGranary } from './granary.js';

interface Item {
  readonly itemId: string;
  readonly score: number;
  readonly reason: { readonly source: string };
}
interface List {
  readonly items: readonly Item[];
  readonly degraded: readonly string[];
}
interface Shown {
  readonly stages: readonly { readonly stage: string }[];
  readonly answers: readonly { readonly query: string; readonly data: Readonly<Record<string, unknown>> }[];
}

describe('granary demo', () => {
  it('goes through all stages and answers every question', async () => {
    const shown = await granaryJson<Shown>(['demo', '--once', '--users', '120']);
    expect(shown.stages.map(({ stage }) => stage)).toEqual(['simulate', 'plan', 'apply', 'ingest', 'materialise', 'train', 'serve', 'ask']);
    const answer = <T>(i: number): T => Object.values(shown.answers[i]!.data)[0] as T;

    const own = answer<List>(0);
    expect(own.items).toHaveLength(5);
    expect(own.degraded).toEqual([]);
    const strangers = answer<List>(1);
    expect(strangers.items.map(({ reason }) => reason.source)).toEqual(['trending', 'trending', 'trending']);
    expect(strangers.degraded).toHaveLength(1);
    expect(answer<List>(3).items.map(({ itemId }) => itemId)).toEqual(strangers.items.map(({ itemId }) => itemId));

    const [everyday, suspicious] = [answer<{ probability: number }>(6), answer<{ probability: number }>(7)];
    expect(everyday.probability).toBeLessThan(0.1);
    expect(suspicious.probability).toBeGreaterThan(0.5);
  }, 240_000);

  it('ends soon after Ctrl-C, with 130 and without leaving its folder', async () => {
    const running = startGranary(['demo', '--port', '0']);
    const folder = (await running.saw(/granary-demo-\w+/))[0];
    await running.saw(/ingest interactions/);
    running.child.kill('SIGINT');
    const { code, stdout, stderr } = await running.ended;
    expect([code, stdout + stderr]).toEqual([130, expect.stringContaining('the demo was stopped')]);
    expect(await readdir(tmpdir())).not.toContain(folder);
  }, 120_000);

  it('serves until it is told to end, and then ends well', async () => {
    const running = startGranary(['demo', '--port', '0', '--users', '60']);
    const url = (await running.saw(/explorer {2}(http:\S+)/))[1]!;
    expect((await fetch(url)).status).toBe(200);
    expect(await (await fetch(`${url}readyz`)).json()).toMatchObject({ status: 'ready' });
    running.child.kill('SIGINT');
    expect((await running.ended).code).toBe(0);
    await expect(fetch(url)).rejects.toThrow();
  }, 240_000);
});
