import { GranaryError } from './errors.js';

/** Milliseconds since 1970-01-01T00:00:00Z. */
export type Instant = number;

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;
type Unit = keyof typeof UNIT_MS;

/** A length of time as users write it: `'90s'`, `'15m'`, `'6h'`, `'7d'`, `'2w'`, `'500ms'`. */
export type DurationText = `${number}${Unit}`;

const DURATION = /^(\d+)(ms|s|m|h|d|w)$/;

/** `'7d'` → 604800000. Throws INVALID_DURATION. */
export function parseDuration(text: string): number {
  const match = DURATION.exec(text);
  if (!match) {
    throw new GranaryError('INVALID_DURATION', `"${text}" is not a duration`, {
      todo: 'Write a whole number and a unit: 500ms, 90s, 15m, 6h, 7d or 2w.',
    });
  }
  return Number(match[1]) * UNIT_MS[match[2] as Unit];
}

/** As a declaration says it: 604800000 → `'7d'`, the greatest unit below weeks that divides exactly. */
export function durationText(ms: number): DurationText {
  const unit = ms === 0 ? 'ms' : BELOW_WEEKS.find((each) => ms % UNIT_MS[each] === 0)!;
  return `${ms / UNIT_MS[unit]}${unit}`;
}

const BELOW_WEEKS = ['d', 'h', 'm', 's', 'ms'] as const;

/** For people: as a declaration says it, while that is short (`90m`, `365d`); else by several units: 3604000 → `1h 4s`. */
export function formatDuration(ms: number): string {
  const text = durationText(ms);
  if (text.endsWith('d') || Number.parseInt(text, 10) < 1_000) return text;
  let rest = ms;
  return BELOW_WEEKS.flatMap((unit) => {
    const many = Math.floor(rest / UNIT_MS[unit]);
    rest -= many * UNIT_MS[unit];
    return many === 0 ? [] : [`${many}${unit}`];
  }).join(' ');
}

// Date, or date and time with 'T' or a space, up to nine fractional digits, with an optional zone (up to 14 hours and
// 59 minutes from UTC). No zone means UTC.
const ISO =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*(Z|[+-](?:0\d|1[0-4]):?[0-5]\d)?)?$/;

/** The first instant, and the last: ClickHouse's DateTime64 keeps them exactly, and outside them it wraps silently. */
export const EARLIEST: Instant = Date.UTC(1900, 0, 1);
export const LATEST: Instant = Date.UTC(2299, 11, 31, 23, 59, 59, 999);

/**
 * Reads an ISO 8601 string (no zone means UTC) or epoch milliseconds (a number, or its decimal text).
 * Fractions finer than a millisecond are cut off. Throws INVALID_TIMESTAMP for anything else, also for days that don't exist.
 */
export function parseInstant(value: unknown): Instant {
  const instant = read(value);
  if (instant === undefined || instant < EARLIEST || instant > LATEST) {
    throw new GranaryError('INVALID_TIMESTAMP', `${quote(value)} is ${instant === undefined ? 'not a timestamp' : `beyond timestamp (${INSTANT_BOUNDS})`}`, {
      todo: 'Use ISO 8601 (2026-01-31T12:00:00Z; without a zone it is UTC) or epoch milliseconds, between the years 1900 and 2299. For seconds declare the field as t.epochSeconds.',
    });
  }
  return instant;
}

/** Years, both whole. */
export const INSTANT_BOUNDS = '1900 to 2299';

/** Whether a value is an instant, but none that is kept. */
export function isBeyondInstants(value: unknown): boolean {
  const instant = read(value);
  return instant !== undefined && (instant < EARLIEST || instant > LATEST);
}

function read(value: unknown): Instant | undefined {
  return typeof value === 'string' ? fromText(value.trim()) : fromNumber(value);
}

function fromNumber(value: unknown): Instant | undefined {
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.getTime();
  return typeof value === 'number' && Number.isInteger(value) ? value : undefined;
}

function fromText(text: string): Instant | undefined {
  if (/^-?\d{1,15}$/.test(text) && text.replace('-', '').length > 8) return Number(text);
  const match = ISO.exec(text);
  if (!match) return undefined;
  const [, y, mo, d, h = '0', mi = '0', s = '0', fraction = '', zone = 'Z'] = match;
  const ms = Number(fraction.padEnd(3, '0').slice(0, 3));
  const parts = [Number(y), Number(mo) - 1, Number(d), Number(h), Number(mi), Number(s), ms] as const;
  const date = new Date(Date.UTC(...parts));
  // Date.UTC rolls over (February 30 becomes March 2): what comes back must be what was written.
  const exact =
    date.getUTCFullYear() === parts[0] && date.getUTCMonth() === parts[1] && date.getUTCDate() === parts[2] &&
    date.getUTCHours() === parts[3] && date.getUTCMinutes() === parts[4] && date.getUTCSeconds() === parts[5];
  return exact ? date.getTime() - zoneOffsetMs(zone) : undefined;
}

function zoneOffsetMs(zone: string): number {
  if (zone === 'Z') return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2));
  return (zone.startsWith('-') ? -1 : 1) * minutes * UNIT_MS.m;
}

/** Any value as messages show it; a bigint, which JSON has not, by its digits. */
export function quote(value: unknown): string {
  if (typeof value === 'bigint') return String(value);
  return JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? String(each) : each)) ?? String(value);
}

/** `2026-01-31T12:00:00.000Z`. */
export function formatInstant(instant: Instant): string {
  return new Date(instant).toISOString();
}
