import { asFloat } from './numbers.js';
import type { Builder } from './operand.js';

/** The Earth's mean radius. */
const RADIUS_KM = 6371.0088;
const HALF_RADIANS = Math.PI / 360;

/**
 * The great-circle distance by the haversine formula, written so that neither near nor opposite points lose digits: with
 * u, v half the differences in latitude and longitude and m the mean latitude, hav = sin²u cos²v + cos²m sin²v and
 * 1 − hav = cos²u cos²v + sin²m sin²v.
 */
export const haversineKm: Builder = (args) => {
  const [lat1, lon1, lat2, lon2] = args.map((arg) => asFloat(arg).read);
  return (row) => {
    const [a, b, c, d] = [lat1!(row), lon1!(row), lat2!(row), lon2!(row)] as (number | null)[];
    return a === null || b === null || c === null || d === null ? null : distance(a!, b!, c!, d!);
  };
};

function distance(lat1: number, lon1: number, lat2: number, lon2: number): number | null {
  const u = (lat2 - lat1) * HALF_RADIANS;
  const v = (lon2 - lon1) * HALF_RADIANS;
  const m = (lat1 + lat2) * HALF_RADIANS;
  const chord = Math.hypot(Math.sin(u) * Math.cos(v), Math.cos(m) * Math.sin(v));
  const rest = Math.hypot(Math.cos(u) * Math.cos(v), Math.sin(m) * Math.sin(v));
  const km = 2 * RADIUS_KM * Math.atan2(chord, rest);
  return Number.isFinite(km) ? km : null;
}
