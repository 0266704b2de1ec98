import type { ServedRow } from '@granary/contracts';
import { describe, expect, it } from '@jest/globals';
import { ServingLog } from './serving-log.js';

function row(asOf: number): ServedRow {
  return { servedAt: asOf, service: 's', snapshot: 'a', asOf, asked: { id: 1n }, values: {}, horizons: {} };
}

describe('the serving log', () => {
  it('writes every row once, in batches, in order, one write at a time', async () => {
    const batches: number[][] = [];
    let open = 0;
    const log = new ServingLog({
      sample: 1,
      batchRows: 10,
      async write(rows) {
        expect(++open).toBe(1);
        await new Promise((resolve) => setTimeout(resolve, 1));
        batches.push(rows.map(({ asOf }) => asOf));
        open--;
      },
    });
    for (let i = 0; i < 35; i++) log.note(row(i));
    await log.flush();
    expect(batches.flat()).toEqual(Array.from({ length: 35 }, (_, i) => i));
    expect(batches.map((batch) => batch.length)).toEqual([10, 10, 10, 5]);
    expect(log.counts()).toEqual({ written: 35, dropped: 0, lost: 0 });
    await log.flush();
  });

  it('drops what does not fit while the store is slow, counts it, and never waits', async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const log = new ServingLog({ sample: 1, batchRows: 4, capacity: 6, write: () => held });
    for (let i = 0; i < 20; i++) log.note(row(i));
    expect(log.counts()).toEqual({ written: 0, dropped: 14, lost: 0 });
    release();
    await log.flush();
    expect(log.counts()).toEqual({ written: 6, dropped: 14, lost: 0 });
  });

  it('goes on after a write that failed, and says so once', async () => {
    const failures: unknown[] = [];
    let fails = true;
    const log = new ServingLog({ sample: 1, batchRows: 1, onFailure: (error) => failures.push(error), write: () => (fails ? Promise.reject(new Error('away')) : Promise.resolve()) });
    for (let i = 0; i < 3; i++) log.note(row(i));
    await log.flush();
    fails = false;
    log.note(row(3));
    await log.flush();
    expect(log.counts()).toEqual({ written: 1, dropped: 0, lost: 3 });
    expect(failures).toHaveLength(1);
  });

  it('takes a sample of the share that is asked for', () => {
    const shares = [0, 0.25, 1].map((sample) => {
      let next = 0;
      const log = new ServingLog({ sample, write: () => Promise.resolve(), random: () => (next++ % 100) / 100 });
      return Array.from({ length: 100 }, () => log.samples()).filter(Boolean).length;
    });
    expect(shares).toEqual([0, 25, 100]);
  });
});
