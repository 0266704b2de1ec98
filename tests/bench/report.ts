/** A rate (more is better) ends in `/s`; all others are times. */
export type Unit = 'µs' | 'ms' | 'calls/s' | 'rows/s';

/** One measured figure beside its floor; the same work, measured in turns in one run. */
export interface BenchRow {
  readonly suite: string;
  readonly name: string;
  readonly unit: Unit;
  readonly value: number;
  readonly floor: number;
  /** The share of the floor's speed that we reach; 1: as fast as the floor. */
  readonly ratio: number;
  /** How many times the suite's smallest size. */
  readonly scale: number;
  /** Peak resident memory while it was measured, MiB; the floor's included where both share a process. */
  readonly peakRssMb: number;
}

const HEADINGS = ['name', 'scale', 'value', 'floor', 'unit', 'ratio', 'peak MiB'];

/** A table for people, one line a row; numbers aligned right. */
export function renderTable(rows: readonly BenchRow[]): string {
  const cells = [HEADINGS, ...rows.map((row) => [row.name, `${row.scale}×`, figure(row.value), figure(row.floor), row.unit, row.ratio.toPrecision(2), String(row.peakRssMb)])];
  const widths = HEADINGS.map((_, column) => Math.max(...cells.map((line) => line[column]!.length)));
  const isText = (column: number): boolean => column === 0 || column === 4;
  return cells.map((line) => line.map((cell, i) => (isText(i) ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ').trimEnd()).join('\n');
}

function figure(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);
}
