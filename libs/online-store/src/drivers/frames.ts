import { GranaryError } from '@granary/contracts';
import type { Appended, FrameRow } from '../store.js';
import { groupBy } from '../group-by.js';

/** All frames of one call for one key, one after the other: they become visible at once. */
export interface KeyFrames {
  readonly key: string;
  readonly frames: Uint8Array;
}

export function framesByKey(rows: readonly FrameRow[]): KeyFrames[] {
  const byKey = groupBy(rows, ({ key }) => key);
  return Array.from(byKey, ([key, [first, ...rest]]) => ({
    key,
    frames: rest.length === 0 ? first!.frame : Buffer.concat([first!, ...rest].map(({ frame }) => frame)),
  }));
}

/** Passes on what was appended. Throws SCHEMA_MISMATCH if some key's value has no base (`bytes` is negative then). */
export function olderFormat(appended: readonly Appended[]): readonly Appended[] {
  const refused = appended.filter(({ bytes }) => bytes < 0);
  if (refused.length === 0) return appended;
  throw new GranaryError('SCHEMA_MISMATCH', `${refused.length} of ${appended.length} rows of the online store have an older format, such as ${refused[0]!.key}`, {
    todo: 'Materialise the view again: that replaces them.',
    details: { keys: refused.slice(0, 10).map(({ key }) => key) },
  });
}
