import { describe, expect, it } from '@jest/globals';
import { formatBytes, formatElapsed, formatMetric, formatProgress, formatRoughly, plural } from './format.js';
import { createStyle } from './style.js';
import { renderTable } from './table.js';

describe('numbers for people', () => {
  it('writes sizes, times, counts and metrics', () => {
    expect([0, 999, 1000, 1536, 999_999, 1e9, 5e15].map(formatBytes)).toEqual(['0 B', '999 B', '1.0 kB', '1.5 kB', '1000 kB', '1.0 GB', '5000 TB']);
    expect([0, 950, 9_999, 10_000, 64_000, 3_599_600, 3_840_000].map(formatElapsed)).toEqual(['0.00 s', '0.95 s', '10.00 s', '10 s', '1 min 4 s', '1 h 0 min', '1 h 4 min']);
    expect([0, 1, 2, 1234].map((count) => plural(count, 'row'))).toEqual(['no rows', '1 row', '2 rows', '1,234 rows']);
    expect([0, 101, 9_999, 10_000, 12_412_345].map(formatRoughly)).toEqual(['0', '101', '9,999', '10K', '12.4M']);
    expect([0, 0.123456, 12, 0.00001234, -0.5].map(formatMetric)).toEqual(['0', '0.1235', '12', '1.234e-5', '-0.5']);
  });

  it('writes progress with and without a known end', () => {
    expect(formatProgress({ stage: 's', done: 6_200_000, total: 10_000_000, unit: 'bytes', message: '12,400 rows' })).toBe(' 62 %  6.2 MB of 10.0 MB  12,400 rows');
    expect(formatProgress({ stage: 's', done: 1234, total: null, unit: 'rows' })).toBe('1,234 rows');
    expect(formatProgress({ stage: 's', done: 0, total: 0, unit: 'rows' })).toBe('100 %  0 of 0 rows');
  });
});

describe('renderTable', () => {
  const columns = [{ title: 'name' }, { title: 'rows', align: 'right' }] as const;

  it('pads columns and leaves no spaces at the end of a line', () => {
    expect(renderTable(columns, [['users', '1'], ['a', '1,000']], createStyle(false))).toBe('name    rows\nusers      1\na      1,000');
  });

  it('aligns by what is seen, not by colour codes', () => {
    const style = createStyle(true);
    const lines = renderTable(columns, [[style.good('users'), '1'], ['日本', '2']], style).split('\n');
    const seen = lines.map((line) => line.replace(/\u001b\[\d+m/g, ''));
    expect(seen).toEqual(['name   rows', 'users     1', '日本      2']);
  });
});
