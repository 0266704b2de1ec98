import { describe, expect, it } from '@jest/globals';
import { interleave, interleaveCalls, median, percentile, row, speedRatio } from './harness.js';
import { renderTable } from './report.js';

const signal = new AbortController().signal;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('figures', () => {
  it('takes the median of odd and even numbers of values, in any order', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([10, 1, 2, 100])).toBe(6);
    expect(() => median([])).toThrow('no median');
  });

  it('takes percentiles by nearest rank', () => {
    const values = Array.from({ length: 100 }, (_, i) => 100 - i);
    expect([percentile(values, 0.5), percentile(values, 0.99), percentile(values, 1), percentile([7], 0.99)]).toEqual([50, 99, 100, 7]);
  });

  it('gives the share of the floor’s speed: for rates and for times', () => {
    expect(speedRatio('rows/s', 50, 200)).toBe(0.25);
    expect(speedRatio('µs', 200, 50)).toBe(0.25);
    expect(row({ suite: 's', name: 'n', unit: 'ms', value: 10, floor: 5, scale: 4 })).toEqual({
      suite: 's', name: 'n', unit: 'ms', value: 10, floor: 5, ratio: 0.5, scale: 4, peakRssMb: expect.any(Number) as unknown,
    });
  });
});

describe('interleave', () => {
  it('runs both in turns, the preparation before each, and counts neither it nor the warm-up', async () => {
    const ran: string[] = [];
    const side = (name: string) => async () => {
      ran.push(name);
      await sleep(name === 'ours' ? 20 : 1);
    };
    const before = async (): Promise<void> => {
      ran.push('before');
      await sleep(60);
    };
    const times = await interleave({ ours: side('ours'), floor: side('floor') }, { rounds: 3, before, signal });
    expect(ran.filter((name) => name !== 'before').join(' ')).toBe('ours floor ours floor ours floor ours floor');
    expect(ran.filter((name) => name === 'before')).toHaveLength(8);
    expect(times.rounds).toBe(3);
    expect(times.ours).toBeGreaterThan(times.floor);
  });

  it('stops between two runs when it is told to', async () => {
    const controller = new AbortController();
    let runs = 0;
    const work = async (): Promise<void> => {
      runs++;
      if (runs === 3) controller.abort(new Error('enough'));
      return Promise.resolve();
    };
    await expect(interleave({ ours: work, floor: work }, { rounds: 50, signal: controller.signal })).rejects.toThrow('enough');
    expect(runs).toBe(3);
  });
});

describe('interleaveCalls', () => {
  it('makes no call after the time of a round, but one', async () => {
    let calls = 0;
    const ours = async (): Promise<void> => {
      calls++;
      await sleep(5);
    };
    await interleaveCalls({ ours, floor: () => Promise.resolve() }, { concurrency: 1, calls: 1_000, roundMs: 1, rounds: 3, warmUp: false, signal });
    expect(calls).toBe(3);
  });

  it('makes the calls it was told to, with that many under way', async () => {
    let [underWay, most, calls] = [0, 0, 0];
    const ours = async (): Promise<void> => {
      calls++;
      most = Math.max(most, ++underWay);
      await sleep(1);
      underWay--;
    };
    const { ours: figures } = await interleaveCalls({ ours, floor: () => Promise.resolve() }, { concurrency: 4, calls: 10, rounds: 2, signal });
    expect({ most, calls }).toEqual({ most: 4, calls: 30 });
    expect(figures.p99).toBeGreaterThanOrEqual(figures.p50);
    expect(figures.p999).toBeGreaterThanOrEqual(figures.p99);
    expect(figures.rate).toBeGreaterThan(0);
  });
});

it('prints a line for each row, numbers aligned', () => {
  const rows = [
    row({ suite: 's', name: 'long name', unit: 'rows/s', value: 123_456, floor: 200_000, scale: 16, peakRssMb: 9 }),
    row({ suite: 's', name: 'b', unit: 'µs', value: 1.5, floor: 1, scale: 1, peakRssMb: 1_024 }),
  ];
  expect(renderTable(rows)).toBe(
    [
      'name       scale    value    floor  unit    ratio  peak MiB',
      'long name    16×  123,456  200,000  rows/s   0.62         9',
      'b             1×     1.50     1.00  µs       0.67      1024',
    ].join('\n'),
  );
});
