import { describe, expect, it } from '@jest/globals';
import { barLine, continues, createProgressLines } from './progress.js';

function recorder() {
  const lines: string[] = [];
  let now = 0;
  const progress = createProgressLines({ write: (text) => lines.push(text.trimEnd()) }, () => now);
  return { lines, progress, at: (ms: number) => void (now = ms) };
}

const rows = (stage: string, done: number, total: number | null = 100) => ({ stage, done, total, unit: 'rows' });

describe('progress where there is no terminal', () => {
  it('is a line every two seconds and one for the end of each stage', () => {
    const { lines, progress, at } = recorder();
    progress.report(rows('a', 0));
    at(1_999);
    progress.report(rows('a', 10));
    expect(lines).toEqual([]);
    at(2_000);
    progress.report(rows('a', 20));
    at(3_000);
    progress.report(rows('a', 100));
    progress.report(rows('b', 1, 7));
    progress.end();
    progress.end();
    expect(lines).toEqual(['a   20 %  20 of 100 rows', 'a  100 %  100 of 100 rows', 'b   14 %  1 of 7 rows']);
  });

  it('says the last word once', () => {
    const { lines, progress, at } = recorder();
    at(5_000);
    progress.report(rows('a', 100));
    progress.end();
    expect(lines).toEqual(['a  100 %  100 of 100 rows']);
  });
});

describe('continues', () => {
  it('keeps one bar while the same count goes on, under whatever label', () => {
    expect(continues(rows('backfill a', 0, 6), rows('backfill b', 1, 6))).toBe(true);
    expect(continues(rows('dataset', 0, null), rows('dataset', 9, 9))).toBe(true);
    expect(continues(rows('users.csv', 5, null), rows('items.csv', 9, null))).toBe(false);
    expect(continues(rows('a', 6, 6), rows('b', 0, 6))).toBe(false);
    expect(continues(rows('a', 0), { ...rows('a', 1), unit: 'bytes' })).toBe(false);
  });
});

describe('barLine', () => {
  it('never is as long as the terminal is wide', () => {
    for (const columns of [0, 1, 20, 40, 200]) {
      expect(barLine({ ...rows('a stage with a long name', 50), message: 'x'.repeat(50) }, columns).length).toBeLessThan(Math.max(columns, 2));
    }
  });

  it('fills with the share that is done', () => {
    expect(barLine(rows('a', 50), 100)).toBe(`${'█'.repeat(12)}${'░'.repeat(12)}  50 %  50 of 100 rows  a`);
    expect(barLine(rows('a', 7, null), 100)).toBe('7 rows  a');
  });
});
