import { hash } from 'node:crypto';
import { createWriteStream, existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { GranaryError, type Source } from '@granary/contracts';
import type { OfflineStore, QuarantinedRow } from '@granary/offline-store';
import { UnreadableRow, pushableSource, type EventSink, type RejectedEvent } from './event-sink.js';
import { createRowsParser, jsonText } from './parse-events.js';
import { readLine } from './read-rows.js';

export interface ReplayOptions {
  /** Only dead letters whose reason holds this text (case does not count). Default: all. */
  readonly reason?: string | undefined;
  /** Fields that get another value before they are read again. */
  readonly set?: Readonly<Record<string, unknown>>;
  readonly signal?: AbortSignal | undefined;
}

export interface ReplayReport {
  /** Dead letters whose events are stored now; they are gone from the dead letters. */
  readonly replayed: number;
  /** How many of those events were stored before. */
  readonly duplicates: number;
  /** Those that are no events yet, or contradict a stored one; the dead letters stay. */
  readonly stillWrong: number;
  /** Lines of a file whose dead letters are gone already: replayed before, or dropped. */
  readonly gone: number;
  /** Why, the most frequent first; of a file with the line. */
  readonly reasons: readonly { readonly reason: string; readonly count: number }[];
}

const PAGE = 500;

/**
 * Reads dead letters again, with fields corrected, and stores those that are events now. What is stopped in between is
 * done by the next run: nothing is stored twice. Lines of CSV with too many or too few columns, or badly quoted, are
 * rows only once somebody has mended them: `exportDeadLetters`.
 * Throws INVALID_USAGE (a field that the source has not), CANCELLED, and what the sink throws.
 */
export async function replayDeadLetters(store: OfflineStore, declared: Source, sink: EventSink, { reason, set = {}, signal }: ReplayOptions = {}): Promise<ReplayReport> {
  const source = pushableSource({ sources: [declared] }, declared.name);
  const unknown = Object.keys(set).find((name) => !source.fields.some((field) => field.name === name));
  if (unknown !== undefined) {
    throw new GranaryError('INVALID_USAGE', `${source.name} has no field ${unknown}`, { todo: `Set one of ${source.fields.map((field) => field.name).join(', ')}.` });
  }
  await store.ensureSource(source);
  const replay = new Replay(store, source, sink, signal);
  // A page that was stored is gone from the next; what stays wrong is skipped.
  for (;;) {
    const letters = await store.listQuarantine(source, PAGE, { reason, offset: replay.report().stillWrong });
    if (letters.length === 0) return replay.report();
    await replay.take(letters.map((letter) => ({ letter, row: corrected(readLine(letter.text), set), place: '' })));
  }
}

/**
 * Writes dead letters to a new file to be mended: a line of JSON each, `{ letter, file, line, reason, row }`. `row` is the object, or the
 * text of what is none. Says how many. Throws INVALID_USAGE where the file is there already: it may hold what somebody mended.
 */
export async function exportDeadLetters(store: OfflineStore, source: Source, path: string, { reason }: Pick<ReplayOptions, 'reason'> = {}): Promise<number> {
  if (existsSync(path)) throw new GranaryError('INVALID_USAGE', `${path} is there already`, { todo: 'Name a new file, or remove that one.' });
  await store.ensureSource(source);
  let exported = 0;
  async function* lines(): AsyncGenerator<string> {
    for (;;) {
      const letters = await store.listQuarantine(source, PAGE, { reason, offset: exported });
      if (letters.length === 0) return;
      exported += letters.length;
      yield letters.map((letter) => `${jsonText(exportedAs(letter))}\n`).join('');
    }
  }
  await pipeline(Readable.from(lines()), createWriteStream(path, { flags: 'wx' })).catch((cause: NodeJS.ErrnoException) => {
    if (cause.syscall === undefined) throw cause;
    throw new GranaryError('INVALID_USAGE', `${path} can't be written: ${cause.message}`, { todo: 'Name a file in a folder that is there and may be written.', cause });
  });
  return exported;
}

function exportedAs(letter: QuarantinedRow): object {
  const { file, line, reason, text } = letter;
  const row = readLine(text);
  return { letter: idOf(letter), file, line, reason, row: row instanceof UnreadableRow ? text : row };
}

function idOf({ file, line, text }: QuarantinedRow): string {
  return hash('sha256', JSON.stringify([file, line, text]), 'hex').slice(0, 16);
}

/**
 * Stores the rows of a file that `exportDeadLetters` wrote and somebody mended. A dead letter is gone when all rows under its id are
 * stored; lines that were taken out stay dead letters. Throws FILE_NOT_FOUND, CANCELLED, and what the sink throws.
 */
export async function replayFile(store: OfflineStore, declared: Source, sink: EventSink, path: string, { signal }: Pick<ReplayOptions, 'signal'> = {}): Promise<ReplayReport> {
  const source = pushableSource({ sources: [declared] }, declared.name);
  const lines = await readExported(path);
  await store.ensureSource(source);
  const letters = await lettersById(store, source, new Set(lines.map(({ id }) => id)));
  const replay = new Replay(store, source, sink, signal);
  const byLetter = new Map<QuarantinedRow, Entry[]>();
  for (const { id, row, place } of lines) {
    const letter = letters.get(id ?? '');
    if (id === null) replay.refuse(`${place}not a line of an export: { "letter": …, "row": … }`);
    else if (letter === undefined) replay.gone += 1;
    else byLetter.set(letter, [...(byLetter.get(letter) ?? []), { letter, row, place }]);
  }
  // The rows of one letter come together.
  let page: Entry[] = [];
  for (const entries of byLetter.values()) {
    page.push(...entries);
    if (page.length < PAGE) continue;
    await replay.take(page);
    page = [];
  }
  await replay.take(page);
  return replay.report();
}

interface ExportedLine {
  /** Null: it is no line of an export. */
  readonly id: string | null;
  readonly row: unknown;
  readonly place: string;
}

async function readExported(path: string): Promise<readonly ExportedLine[]> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new GranaryError('FILE_NOT_FOUND', `${path} can't be read: ${(cause as Error).message}`, { todo: 'Give the file that granary quarantine export wrote.', cause });
  });
  return text.split('\n').flatMap((line, i): ExportedLine[] => {
    if (line.trim() === '') return [];
    const read = readLine(line);
    const entry = (typeof read === 'object' && read !== null ? read : {}) as { readonly letter?: unknown; readonly row?: unknown };
    const whole = typeof entry.letter === 'string' && entry.row !== undefined;
    return [{ id: whole ? (entry.letter as string) : null, row: entry.row, place: `line ${i + 1}: ` }];
  });
}

async function lettersById(store: OfflineStore, source: Source, wanted: ReadonlySet<string | null>): Promise<ReadonlyMap<string, QuarantinedRow>> {
  const found = new Map<string, QuarantinedRow>();
  for (let offset = 0; ; offset += PAGE) {
    const letters = await store.listQuarantine(source, PAGE, { offset });
    for (const letter of letters) if (wanted.has(idOf(letter))) found.set(idOf(letter), letter);
    if (letters.length < PAGE) return found;
  }
}

interface Entry {
  readonly letter: QuarantinedRow;
  readonly row: unknown;
  /** Where the row stands, for the reasons. */
  readonly place: string;
}

/** Stores rows of dead letters, and counts what becomes of them. */
class Replay {
  readonly #store: OfflineStore;
  readonly #source: Source;
  readonly #sink: EventSink;
  readonly #signal: AbortSignal | undefined;
  readonly #parse: ReturnType<typeof createRowsParser>;
  readonly #reasons = new Map<string, number>();
  #replayed = 0;
  #duplicates = 0;
  #stillWrong = 0;
  gone = 0;

  constructor(store: OfflineStore, source: Source, sink: EventSink, signal: AbortSignal | undefined) {
    this.#store = store;
    this.#source = source;
    this.#sink = sink;
    this.#signal = signal;
    this.#parse = createRowsParser(source);
  }

  refuse(reason: string): void {
    this.#stillWrong += 1;
    this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1);
  }

  async take(entries: readonly Entry[]): Promise<void> {
    if (this.#signal?.aborted === true) {
      throw new GranaryError('CANCELLED', `replaying ${this.#source.name} was stopped; ${this.#replayed} are done`, { todo: 'Run it again to replay the rest.', details: { replayed: this.#replayed } });
    }
    const right = this.#without(entries, this.#parse(entries.map(({ row }) => row), null).rejected);
    if (right.length === 0) return;
    const { rejected, duplicates } = await this.#sink.accept(this.#source.name, right.map(({ row }) => row), { origin: null });
    const letters = [...new Set(this.#without(right, rejected).map(({ letter }) => letter))];
    await this.#store.removeQuarantined(this.#source, letters);
    this.#replayed += letters.length;
    this.#duplicates += duplicates ?? 0;
  }

  /** Those whose letters have no row that is rejected; a letter that became several rows is wrong once. */
  #without(entries: readonly Entry[], rejected: readonly RejectedEvent[]): readonly Entry[] {
    const wrong = new Set<QuarantinedRow>();
    for (const { index, reason } of rejected) {
      const { letter, place } = entries[index]!;
      if (!wrong.has(letter)) this.refuse(`${place}${reason}`);
      wrong.add(letter);
    }
    return entries.filter(({ letter }) => !wrong.has(letter));
  }

  report(): ReplayReport {
    const reasons = [...this.#reasons].map(([reason, count]) => ({ reason, count })).sort((a, b) => b.count - a.count);
    return { replayed: this.#replayed, duplicates: this.#duplicates, stillWrong: this.#stillWrong, gone: this.gone, reasons };
  }
}

function corrected(row: unknown, set: Readonly<Record<string, unknown>>): unknown {
  if (row instanceof UnreadableRow || typeof row !== 'object' || row === null || Array.isArray(row)) return row;
  return { ...row, ...set };
}
