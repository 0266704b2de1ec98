import type { Site } from './definitions.js';

/**
 * The place that one frame of an error's stack names (`    at name (/dir (1)/50%/file.ts:3:7)`); undefined for a frame
 * without a file. Paths may hold parentheses and percent signs; only `file://` URLs are percent-encoded.
 */
export function frameSite(frame: string): Site | undefined {
  // A frame with a function's name ends in a parenthesis, and its place begins at the first one: names have none.
  const match = /^\s*at .*?\((.+):(\d+):\d+\)$/.exec(frame) ?? /^\s*at (?:async )?(.+):(\d+):\d+$/.exec(frame);
  if (match === null) return undefined;
  const [, place = '', line] = match;
  const file = place.startsWith('file://') ? decodeURIComponent(new URL(place).pathname) : place;
  return file.startsWith('/') || /^[A-Za-z]:[\\/]/.test(file) ? { file, line: Number(line) } : undefined;
}
