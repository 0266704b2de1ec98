import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { GranaryError, isGranaryError, type JobOptions, type Snapshot, type Source } from '@granary/contracts';
import type { OfflineStore } from '@granary/offline-store';
import { ingestSource, type IngestReport } from './ingest-source.js';

export interface IngestFolderOptions extends JobOptions {
  /** Only these sources; by default all that declare a file. */
  readonly sources?: readonly string[] | undefined;
}

export interface IngestFolderReport {
  /** One of each file; that of a file that could not be read to its end has an `error`. */
  readonly reports: readonly IngestReport[];
  /** Sources whose file the folder does not hold. */
  readonly missing: readonly { readonly source: string; readonly file: string }[];
}

/**
 * Loads the files of a folder, each into the source that declares it, one after the other. A file that can't be read
 * (FILE_UNREADABLE, FILE_NOT_FOUND) keeps no other from being loaded: its report tells the error, which the caller must look for.
 * Throws FILE_NOT_FOUND when the folder holds none of them, DEFINITION_NOT_FOUND for a name that is no source with a file,
 * CANCELLED and the store's errors: files loaded before stay loaded.
 */
export async function ingestFolder(
  store: OfflineStore,
  snapshot: Pick<Snapshot, 'sources'>,
  dataDir: string,
  options: IngestFolderOptions = {},
): Promise<IngestFolderReport> {
  const wanted = selectSources(snapshot.sources, options.sources).map((source) => ({ source, path: resolve(dataDir, source.file.path) }));
  const present = wanted.filter(({ path }) => existsSync(path));
  if (present.length === 0) throw nothingFound(dataDir, wanted);

  const reports: IngestReport[] = [];
  for (const { source, path } of present) {
    const label = source.file.path;
    const started = performance.now();
    const loaded = ingestSource(store, source, path, { label, onProgress: options.onProgress, signal: options.signal });
    reports.push(await loaded.catch((error: unknown) => failedReport(source.name, label, error, started)));
  }
  const missing = wanted.filter((each) => !present.includes(each)).map(({ source }) => ({ source: source.name, file: source.file.path }));
  return Object.freeze({ reports, missing });
}

/** What was loaded of a file that failed; throws what is no fault of the file. */
function failedReport(source: string, file: string, error: unknown, started: number): IngestReport {
  if (!isGranaryError(error, 'FILE_UNREADABLE') && !isGranaryError(error, 'FILE_NOT_FOUND')) throw error;
  const partial = error.details.report as IngestReport | undefined;
  const nothing = { source, file, read: 0, inserted: 0, duplicates: 0, quarantined: 0, reasons: [], ignoredColumns: [], ms: Math.round(performance.now() - started) };
  return Object.freeze({ ...(partial ?? nothing), error: { code: error.code, message: error.message, todo: error.todo ?? null } });
}

type FileSource = Source & { readonly file: NonNullable<Source['file']> };

function selectSources(sources: readonly Source[], names: readonly string[] | undefined): readonly FileSource[] {
  const withFile = sources.filter((source): source is FileSource => source.file !== null && source.computed === undefined);
  const unknown = names?.find((name) => !withFile.some((source) => source.name === name));
  if (unknown !== undefined) {
    throw new GranaryError('DEFINITION_NOT_FOUND', `${unknown} is no source that declares a file`, {
      todo: withFile.length === 0 ? 'Declare the file in the source.' : `Give one of ${withFile.map((source) => source.name).join(', ')}.`,
      details: { source: unknown },
    });
  }
  return names === undefined ? withFile : withFile.filter((source) => names.includes(source.name));
}

function nothingFound(dataDir: string, wanted: readonly { readonly source: FileSource; readonly path: string }[]): GranaryError {
  const files = wanted.map(({ source }) => source.file.path);
  return new GranaryError(
    'FILE_NOT_FOUND',
    files.length === 0 ? 'no source declares a file' : `${resolve(dataDir)} holds none of the sources' files: ${files.join(', ')}`,
    {
      todo: files.length === 0 ? 'Declare the file of a source, then plan and apply.' : 'Give the folder that holds them.',
      details: { dataDir, lookedFor: wanted.map(({ source, path }) => ({ source: source.name, file: path })) },
    },
  );
}
