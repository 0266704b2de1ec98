import { GranaryError, formatInstant, parseInstant, type Instant } from '@granary/contracts';

/** What `parseInstant` reads, or `now`. */
export function readInstant(text: string): Instant {
  return text.trim() === 'now' ? Date.now() : parseInstant(text);
}

export const INSTANT_HELP = 'ISO 8601 (no zone: UTC), epoch milliseconds, or now';

/** `read`: a whole number of at least `least`. Throws INVALID_VALUE. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (Number.isSafeInteger(value) && value >= least) return value;
    throw new GranaryError('INVALID_VALUE', `"${text}" is not a whole number of at least ${least}`);
  };
}

/** `'0.1'` → 0.1. Throws INVALID_VALUE. */
export function readShare(text: string): number {
  const value = /^\d*\.?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= 0 && value <= 1) return value;
  throw new GranaryError('INVALID_VALUE', `"${text}" is not a share`, { todo: 'Write a number from 0 to 1, such as 0.1.' });
}

/** `['userId=42']` → `{ userId: '42' }`. Throws INVALID_USAGE. */
export function readPairs(texts: readonly string[]): Readonly<Record<string, string>> {
  const pairs = new Map<string, string>();
  for (const text of texts) {
    const equals = text.indexOf('=');
    const name = text.slice(0, Math.max(0, equals));
    if (name === '') throw new GranaryError('INVALID_USAGE', `"${text}" is not a key with its value`, { todo: 'Write each as name=value, such as userId=42.' });
    if (pairs.has(name)) throw new GranaryError('INVALID_USAGE', `${name} is given twice`, { todo: 'Give each key once.' });
    pairs.set(name, text.slice(equals + 1));
  }
  return Object.fromEntries(pairs);
}

const UNITS = { '': 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, TiB: 1024 ** 4 } as const;

/** `'2GiB'` → 2147483648. Throws INVALID_VALUE. */
export function readBytes(text: string): number {
  const match = /^(\d+)\s*(KiB|MiB|GiB|TiB|)$/.exec(text.trim());
  const bytes = match === null ? 0 : Number(match[1]) * UNITS[match[2] as keyof typeof UNITS];
  if (bytes > 0 && Number.isSafeInteger(bytes)) return bytes;
  throw new GranaryError('INVALID_VALUE', `"${text}" is not a size`, { todo: 'Write a whole number and a unit: 512MiB, 2GiB.' });
}

const MOST_INSTANTS = 10_000;

export interface InstantFlags {
  readonly at?: Instant;
  readonly from?: Instant;
  readonly to?: Instant;
  readonly every?: number;
}

/** One instant, or those from `from` (inclusive) to `to` (inclusive), `every` milliseconds apart. Throws INVALID_USAGE. */
export function instantsOf({ at, from, to, every }: InstantFlags, now: Instant): readonly Instant[] {
  const range = [from, to, every].filter((value) => value !== undefined).length;
  if (range === 0) return [at ?? now];
  if (at !== undefined || range < 3) {
    throw new GranaryError('INVALID_USAGE', at === undefined ? 'a range needs --from, --to and --every' : '--at is one instant; --from, --to and --every are a range', {
      todo: 'Give --at T alone, or --from T --to T --every D together.',
    });
  }
  if (from! > to!) throw new GranaryError('INVALID_USAGE', `--from ${formatInstant(from!)} is after --to ${formatInstant(to!)}`, { todo: 'Swap them.' });
  if (every! < 1) throw new GranaryError('INVALID_USAGE', '--every must be longer than nothing', { todo: 'Give a duration such as 1d or 6h.' });
  const count = Math.floor((to! - from!) / every!) + 1;
  if (count > MOST_INSTANTS) {
    throw new GranaryError('INVALID_USAGE', `that range has ${count.toLocaleString('en')} instants; one run takes ${MOST_INSTANTS.toLocaleString('en')}`, {
      todo: 'Run it in parts, or with a greater --every.',
    });
  }
  return Array.from({ length: count }, (_, i) => from! + i * every!);
}

