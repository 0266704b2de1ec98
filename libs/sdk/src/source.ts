import { parseDuration, type DurationText, type FileFormat, type Source } from '@granary/contracts';
import { at, checkFieldNames, checkName, declarationSite, freeze, invalid, knownOptions, type Declaration } from './declaration.js';
import type { Fields } from './entity.js';
import type { Type } from './types.js';

/** For sources without time: their rows hold from the beginning of time, and of each thing the row that arrived last wins. */
export const timeless = Symbol('timeless');

/** Names of the fields whose type is a timestamp that is never null. */
type TimeField<F extends Fields> = { [K in keyof F & string]: F[K] extends Type<'timestamp', never> ? K : never }[keyof F & string];

type FieldNames<F extends Fields> = (keyof F & string) | readonly (keyof F & string)[];

export interface TimedRows<F extends Fields> {
  /** When it happened. */
  readonly eventTime: TimeField<F>;
  /** The field or fields that name an event; the same id again is the same event. Left out: the row's whole content. */
  readonly eventId?: FieldNames<F>;
  /** When the source says it became known (labels, corrections); needs an eventId, which says what is corrected. Left out: at its event time. */
  readonly knownAt?: TimeField<F>;
}

interface TimelessRows<F extends Fields> {
  readonly eventTime: typeof timeless;
  /**
   * The field or fields that name the thing a row describes. A row of the same thing with other content is its newer
   * version, also when the content is an older one's again.
   */
  readonly eventId: FieldNames<F>;
  readonly knownAt?: never;
}

export type SourceOptions<F extends Fields> = {
  readonly fields: F;
  /** The file of the `--data` folder that holds its rows; the format comes from the ending. Left out: events are pushed. */
  readonly file?: string;
  /** True: the source says the same event again with other content, such as a label that becomes known. Default false. */
  readonly corrected?: boolean;
  /** Events older than this may be gone: no window should be longer. Left out: they are kept for ever. */
  readonly retention?: DurationText;
} & (TimedRows<F> | TimelessRows<F>);

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- any: fields are read by inference only
export interface SourceDeclaration<F extends Fields = any> extends Declaration<Source> {
  readonly fields: F;
}

const FORMATS: Readonly<Record<string, FileFormat>> = { csv: 'csv', ndjson: 'ndjson', jsonl: 'ndjson', parquet: 'parquet' };

/** Where events come from: typed fields, an id, an event time. */
export function source<const F extends Fields>(name: string, options: SourceOptions<F>): SourceDeclaration<F> {
  const site = declarationSite(source);
  const owner = `source ${name}`;
  checkName(site, 'source', name);
  at(site, owner, () => knownOptions<SourceOptions<F>>('it', options, ['fields', 'eventTime', 'eventId', 'knownAt', 'file', 'corrected', 'retention']));
  checkFieldNames(site, owner, Object.keys(options.fields));
  if (Object.keys(options.fields).length === 0) throw invalid(site, `${owner} has no fields`, 'Give it those of its events.');
  const { eventId, eventTime, knownAt, file, corrected, retention } = options;
  const retentionMs = retention === undefined ? undefined : at(site, owner, () => parseDuration(retention));
  if (retentionMs === 0) throw invalid(site, `${owner}: a retention of ${retention} keeps nothing`, 'Give a longer one, or leave it out: events are then kept for ever.');
  const definition: Source = {
    kind: 'source',
    name,
    fields: fieldDefinitions(options.fields),
    eventId: fieldNames(eventId),
    eventTime: eventTime === timeless ? null : eventTime,
    knownAt: knownAt ?? null,
    file: file === undefined ? null : { path: file, format: fileFormat(file) },
    ...(corrected === true ? { corrected } : {}),
    ...(retentionMs === undefined ? {} : { retentionMs }),
    site,
  };
  return freeze({ kind: 'source', name, fields: options.fields, definition, uses: [] });

  function fileFormat(path: string): FileFormat {
    const ending = path.replace(/\.gz$/, '').split('.').at(-1) ?? '';
    const format = FORMATS[ending];
    if (format === undefined) {
      throw invalid(site, `${owner}: ${path} has no known format`, 'Name a .csv, .ndjson, .jsonl or .parquet file.');
    }
    return format;
  }
}

export function fieldDefinitions(fields: Fields): Source['fields'] {
  return Object.entries(fields).map(([name, { type, isNullable, encoding }]) => ({ name, type, nullable: isNullable, ...(encoding === undefined ? {} : { encoding }) }));
}

export function fieldNames(names: string | readonly string[] | undefined): string[] {
  return names === undefined ? [] : typeof names === 'string' ? [names] : [...names];
}
