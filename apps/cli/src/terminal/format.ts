import type { Progress } from '@granary/contracts';

/** 1234567 → `1,234,567`. */
export function formatCount(count: number): string {
  return count.toLocaleString('en');
}

/** 12_412_345 → `12.4M`; below ten thousand as it is. */
export function formatRoughly(count: number): string {
  return count < 10_000 ? formatCount(count) : new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 }).format(count);
}

/** `1 row`, `2 rows`, `no rows`. */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count === 0 ? 'no' : formatCount(count)} ${count === 1 ? one : many}`;
}

/** 1536 → `1.5 kB`: powers of 1000, as disks and networks are sold. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`;
}

/** 950 → `0.95 s`; 64_000 → `1 min 4 s`; 3_840_000 → `1 h 4 min`. */
export function formatElapsed(ms: number): string {
  if (ms < 10_000) return `${(ms / 1000).toFixed(2)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${seconds % 60} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Four significant digits, without an exponent for everyday sizes: 0.12345 → `0.1235`. */
export function formatMetric(value: number): string {
  if (Number.isInteger(value)) return formatCount(value);
  const size = Math.abs(value);
  return size >= 1e-3 && size < 1e6 ? String(Number(value.toPrecision(4))) : value.toExponential(3);
}

/** How far the work is, without its stage: `62 %  6.2 of 10.0 MB  12,400 rows`. */
export function formatProgress({ done, total, unit, message }: Progress): string {
  const amount = (value: number): string => (unit === 'bytes' ? formatBytes(value) : formatCount(value));
  const suffix = unit === 'bytes' ? '' : ` ${unit}`;
  const parts =
    total === null
      ? [`${amount(done)}${suffix}`]
      : [`${Math.floor(total === 0 ? 100 : (100 * done) / total)} %`.padStart(5), `${amount(done)} of ${amount(total)}${suffix}`];
  return [...parts, ...(message === undefined ? [] : [message])].join('  ');
}
