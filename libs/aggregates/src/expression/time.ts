import { binary, unary, type Builder } from './operand.js';
import { zoneOffset } from './time-zone.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

const modulo = (a: number, b: number): number => a - Math.floor(a / b) * b;

/** Of a timestamp on the wall clock of a zone; `part` takes the clock's reading as ms since 1970-01-01T00:00. */
const wallClock = (part: (wall: number) => number): Builder => ([time, zone]) => {
  const offsetAt = zoneOffset(zone!.constant as string);
  return unary((instant: number) => part(instant + offsetAt(instant)))([time!]);
};

export const minute = wallClock((wall) => Math.floor(modulo(wall, HOUR_MS) / MINUTE_MS));
export const hour = wallClock((wall) => Math.floor(modulo(wall, DAY_MS) / HOUR_MS));
// 1970-01-01 was a Thursday.
export const dayOfWeek = wallClock((wall) => modulo(Math.floor(wall / DAY_MS) + 3, 7) + 1);
export const dayOfMonth = wallClock((wall) => new Date(wall).getUTCDate());
export const month = wallClock((wall) => new Date(wall).getUTCMonth() + 1);
export const year = wallClock((wall) => new Date(wall).getUTCFullYear());

export const msBetween = binary((later: number, earlier: number) => later - earlier);
