import { GranaryError, isGranaryError, type ErrorCode, type FileFormat, type JobOptions, type Source } from '@granary/contracts';
import type { OfflineStore, Reject } from '@granary/offline-store';
import { conflictMistake, conflictReason } from './conflict.js';
import { createEventParser, type ParsedEvent } from './event-parser.js';
import { openFile } from './open-file.js';
import { textOf, type Notation, type RawRow } from './raw-row.js';
import { createTextToJson } from './text-as-json.js';

export interface IngestOptions extends JobOptions {
  /** How the report and the quarantine name the file; by default its path as given. */
  readonly label?: string | undefined;
  /** By default the source's declared format, else what the file's name says. */
  readonly format?: FileFormat | undefined;
  /** Rows that are written at once, 50,000 by default: the unit of memory and of cancellation. */
  readonly batchRows?: number | undefined;
}

/** read = inserted + duplicates + quarantined; rows that contradict a stored event are quarantined. */
export interface IngestReport {
  readonly source: string;
  readonly file: string;
  readonly read: number;
  readonly inserted: number;
  /** Rows whose event was in the store already, or earlier in the file, with the same content. */
  readonly duplicates: number;
  readonly quarantined: number;
  /** Quarantined rows by field and kind of mistake, the most frequent first. */
  readonly reasons: readonly { readonly reason: string; readonly count: number }[];
  /** Columns of the file that the source does not declare, and that were therefore not loaded (at most 100). */
  readonly ignoredColumns: readonly string[];
  readonly ms: number;
  /** Why the file could not be read to its end (in a folder, whose other files are loaded all the same); the counts are of what came before. */
  readonly error?: IngestFailure;
}

export interface IngestFailure {
  readonly code: ErrorCode;
  readonly message: string;
  readonly todo: string | null;
}

const BATCH_ROWS = 50_000;
/** Long rows fill a batch by weight before they do by number. Two batches are in memory: one is written while the next is read. */
const BATCH_BYTES = 32 * 1024 * 1024;
/** Characters of a bad row that its quarantine keeps: enough for most to be corrected and read again. */
const QUARANTINED_TEXT = 65_536;

/**
 * Loads one file into a source's events. Rows that are not as declared go to the source's quarantine, with their line,
 * text and reason. Loading a file again, also after a failure, adds only what is not there yet.
 * Throws DEFINITION_INVALID for a computed source; FILE_NOT_FOUND; FILE_UNREADABLE (`details` has the counts; what was read before is kept); CANCELLED; and the store's errors.
 */
export async function ingestSource(store: OfflineStore, source: Source, file: string, options: IngestOptions = {}): Promise<IngestReport> {
  if (source.computed !== undefined) throw computedFromOthers(source);
  const started = performance.now();
  const label = options.label ?? file;
  const { read, notation, state } = await openFile(file, options.format ?? source.file?.format);
  await store.ensureSource(source);
  const loader = createLoader(store, source, label, notation, options);
  const report = (): IngestReport => ({
    source: source.name,
    file: label,
    ...loader.counts(),
    ignoredColumns: [...state.ignored],
    ms: Math.round(performance.now() - started),
  });
  const tell = (): void => {
    options.onProgress?.({ stage: `ingest ${source.name}`, done: state.readBytes, total: state.totalBytes, unit: 'bytes', message: `${loader.counts().read.toLocaleString('en')} rows` });
  };

  const rows = read(source.fields);
  try {
    for (;;) {
      if (options.signal?.aborted) {
        await loader.written();
        throw cancelled(options.signal, report());
      }
      const { done, value } = await rows.next().catch(async (error: unknown) => {
        throw await keepAndExplain(loader, error, report);
      });
      if (done) break;
      await loader.add(value, state.decodedBytes);
      tell();
    }
    await loader.flush();
    await loader.written();
  } finally {
    await rows.return(undefined);
    // Whatever failed, no write goes on behind the caller's back.
    await loader.written().catch(() => undefined);
  }
  state.readBytes = state.totalBytes;
  tell();
  return Object.freeze(report());
}

function computedFromOthers({ name, computed }: Source): GranaryError {
  const inputs = computed?.kind === 'sql' ? computed.inputs : [computed?.events];
  return new GranaryError('DEFINITION_INVALID', `${name} is computed from other sources: nothing can be ingested into it`, { todo: `Ingest ${inputs.join(', ')}.`, details: { source: name } });
}

function cancelled(signal: AbortSignal, soFar: IngestReport): GranaryError {
  return new GranaryError('CANCELLED', `ingest of ${soFar.source} was cancelled; ${soFar.inserted} events are in`, {
    todo: 'Run it again to load the rest; nothing is loaded twice.',
    details: { report: soFar },
    cause: signal.reason,
  });
}

/** The file broke off: what was read before is written, and the error says how far that was. */
async function keepAndExplain(loader: Loader, error: unknown, report: () => IngestReport): Promise<unknown> {
  if (!isGranaryError(error, 'FILE_UNREADABLE')) return error;
  await loader.flush();
  await loader.written();
  const soFar = report();
  const kept = soFar.read === 0 ? '' : `; the ${soFar.read} rows before that are kept (${soFar.inserted} new)`;
  return new GranaryError('FILE_UNREADABLE', `${error.message}${kept}`, {
    ...(error.todo === undefined ? {} : { todo: error.todo }),
    details: { ...error.details, report: soFar },
    cause: error.cause,
  });
}

interface Quarantined {
  readonly reject: Reject;
  readonly mistake: string;
}

/** A row that is an event; it may still contradict a stored one. */
interface Readable {
  readonly event: ParsedEvent;
  readonly raw: RawRow;
}

interface Loader {
  /** Takes rows; writes when a batch is full. `decodedBytes`: how much of the file was decoded for them. */
  add: (rows: readonly RawRow[], decodedBytes: number) => Promise<void>;
  /** Begins to write the batch when the one before is written. */
  flush: () => Promise<void>;
  written: () => Promise<void>;
  counts: () => Pick<IngestReport, 'read' | 'inserted' | 'duplicates' | 'quarantined' | 'reasons'>;
}

function createLoader(store: OfflineStore, source: Source, file: string, notation: Notation, options: IngestOptions): Loader {
  const parser = createEventParser(source, notation);
  const textToJson = createTextToJson(source);
  const batchRows = options.batchRows ?? BATCH_ROWS;
  const mistakes = new Map<string, number>();
  let inserted = 0;
  let duplicates = 0;
  let quarantined = 0;
  let events: Readable[] = [];
  let rejects: Quarantined[] = [];
  let flushedBytes = 0;

  const rejectOf = (raw: RawRow, reason: string, mistake: string): Quarantined => {
    const text = raw.kind === 'row' && notation === 'text' ? textToJson(raw.values) : textOf(raw);
    const kept = text.length > QUARANTINED_TEXT ? `${text.slice(0, QUARANTINED_TEXT)}…` : text;
    return { reject: { file, line: raw.line, text: kept, reason }, mistake };
  };

  let writing: Promise<void> = Promise.resolve();

  const flush = async (): Promise<void> => {
    await writing;
    writing = write(events, rejects);
    // Its failure is thrown by the next flush() or written(); until then it is not unhandled.
    writing.catch(() => undefined);
    events = [];
    rejects = [];
  };

  const setAside = async (bad: readonly Quarantined[]): Promise<void> => {
    if (bad.length > 0) await store.quarantine(source, bad.map((each) => each.reject));
    quarantined += bad.length;
    for (const { mistake } of bad) mistakes.set(mistake, (mistakes.get(mistake) ?? 0) + 1);
  };

  const write = async (batch: readonly Readable[], bad: readonly Quarantined[]): Promise<void> => {
    await setAside(bad);
    if (batch.length === 0) return;
    const written = await store.appendEvents(source, batch.map(({ event }) => event));
    inserted += written.inserted;
    duplicates += written.duplicates;
    if (written.conflicts === 0) return;
    await setAside(batch.flatMap(({ raw }, i) => {
      const { outcome, differs = [] } = written.rows[i]!;
      return outcome === 'conflict' ? [rejectOf(raw, conflictReason(source, differs), conflictMistake(differs))] : [];
    }));
  };

  return {
    flush,
    written: () => writing,
    async add(rows, decodedBytes) {
      for (const raw of rows) {
        const parsed = raw.kind === 'fault' ? raw : parser.parse(raw.values);
        if (parsed.kind === 'event') events.push({ event: parsed, raw });
        else rejects.push(rejectOf(raw, parsed.reason, parsed.mistake));
        if (events.length + rejects.length >= batchRows) await flush();
      }
      if (decodedBytes - flushedBytes < BATCH_BYTES) return;
      flushedBytes = decodedBytes;
      await flush();
    },
    counts: () => ({
      read: inserted + duplicates + quarantined,
      inserted,
      duplicates,
      quarantined,
      reasons: [...mistakes].map(([reason, count]) => ({ reason, count })).sort((a, b) => b.count - a.count || (a.reason < b.reason ? -1 : 1)),
    }),
  };
}
