import { GranaryError, type Source } from '@granary/contracts';
import type { OfflineStore } from '@granary/offline-store';
import { UnreadableRow, pushableSource, type EventSink } from './event-sink.js';
import { createRowsParser } from './parse-events.js';
import { readLine } from './read-rows.js';

export interface ReplayOptions {
  /** Only dead letters whose reason holds this text (case does not count). Default: all. */
  readonly reason?: string | undefined;
  /** Fields that get another value before they are read again. */
  readonly set?: Readonly<Record<string, unknown>>;
  readonly signal?: AbortSignal | undefined;
}

export interface ReplayReport {
  /** Dead letters that are events now, and gone from the dead letters. */
  readonly replayed: number;
  /** How many of those were stored before. */
  readonly duplicates: number;
  /** Dead letters that are as wrong as before; they stay. */
  readonly stillWrong: number;
  /** Why, the most frequent first. */
  readonly reasons: readonly { readonly reason: string; readonly count: number }[];
}

const PAGE = 500;

/**
 * Reads dead letters again, with fields corrected, and stores those that are events now. What is stopped in between is
 * done by the next run: nothing is stored twice. Only rows kept as JSON can be read again (pushed events, NDJSON and
 * Parquet files): a line of CSV does not say which column is which.
 * Throws INVALID_USAGE (a field that the source has not), CANCELLED, and what the sink throws.
 */
export async function replayDeadLetters(store: OfflineStore, declared: Source, sink: EventSink, { reason, set = {}, signal }: ReplayOptions = {}): Promise<ReplayReport> {
  const source = pushableSource({ sources: [declared] }, declared.name);
  const unknown = Object.keys(set).find((name) => !source.fields.some((field) => field.name === name));
  if (unknown !== undefined) {
    throw new GranaryError('INVALID_USAGE', `${source.name} has no field ${unknown}`, { todo: `Set one of ${source.fields.map((field) => field.name).join(', ')}.` });
  }
  const parse = createRowsParser(source);
  const reasons = new Map<string, number>();
  let [replayed, duplicates, stillWrong] = [0, 0, 0];
  await store.ensureSource(source);
  // A page that was stored is gone from the next; what stays wrong is skipped.
  for (;;) {
    if (signal?.aborted) throw new GranaryError('CANCELLED', `replaying ${source.name} was stopped; ${replayed} are done`, { todo: 'Run it again to replay the rest.', details: { replayed } });
    const letters = await store.listQuarantine(source, PAGE, { reason, offset: stillWrong });
    if (letters.length === 0) break;
    const rows = letters.map(({ text }) => corrected(readLine(text), set));
    const wrong = new Set<number>();
    for (const { index, reason: why } of parse(rows, '').rejected) {
      wrong.add(index);
      reasons.set(why, (reasons.get(why) ?? 0) + 1);
    }
    const right = rows.filter((_, i) => !wrong.has(i));
    stillWrong += wrong.size;
    if (right.length === 0) continue;
    const result = await sink.accept(source.name, right, { origin: 'replay' });
    await store.removeQuarantined(source, letters.filter((_, i) => !wrong.has(i)));
    replayed += right.length;
    duplicates += result.duplicates ?? 0;
  }
  return { replayed, duplicates, stillWrong, reasons: [...reasons].map(([why, count]) => ({ reason: why, count })).sort((a, b) => b.count - a.count) };
}

function corrected(row: unknown, set: Readonly<Record<string, unknown>>): unknown {
  if (row instanceof UnreadableRow || typeof row !== 'object' || row === null || Array.isArray(row)) return row;
  return { ...row, ...set };
}
