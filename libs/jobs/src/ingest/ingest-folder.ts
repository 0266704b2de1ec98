import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { GranaryError, type JobOptions, type Snapshot, type Source } from '@granary/contracts';
import type { OfflineStore } from '@granary/offline-store';
import { ingestSource, type IngestReport } from './ingest-source.js';

export interface IngestFolderOptions extends JobOptions {
  /** Only these sources; by default all that declare a file. */
  readonly sources?: readonly string[] | undefined;
}

export interface IngestFolderReport {
  readonly reports: readonly IngestReport[];
  /** Sources whose file the folder does not hold. */
  readonly missing: readonly { readonly source: string; readonly file: string }[];
}

/**
 * Loads the files of a folder, each into the source that declares it, one after the other.
 * Throws FILE_NOT_FOUND when it holds none of them, DEFINITION_NOT_FOUND for a name that is no source with a file,
 * and what `ingestSource` throws: files loaded before stay loaded.
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
    reports.push(await ingestSource(store, source, path, { label: source.file.path, onProgress: options.onProgress, signal: options.signal }));
  }
  const missing = wanted.filter((each) => !present.includes(each)).map(({ source }) => ({ source: source.name, file: source.file.path }));
  return Object.freeze({ reports, missing });
}

type FileSource = Source & { readonly file: NonNullable<Source['file']> };

function selectSources(sources: readonly Source[], names: readonly string[] | undefined): readonly FileSource[] {
  const withFile = sources.filter((source): source is FileSource => source.file !== null);
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
