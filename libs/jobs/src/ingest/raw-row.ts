import type { SourceField } from '@granary/contracts';

/** One row as a file holds it, before its types are checked; or the reason why there is none. */
export type RawRow =
  | {
      readonly kind: 'row';
      /** From 1: the line of a text file on which the row begins, the row of a Parquet file. */
      readonly line: number;
      /** In the order of the source's fields; undefined where the row says nothing. */
      readonly values: readonly unknown[];
      /** The row's own text, with or without the line ends around it; a function where it takes making. */
      readonly text: string | (() => string);
    }
  | {
      readonly kind: 'fault';
      readonly line: number;
      readonly text: string;
      /** What is wrong with this row. */
      readonly reason: string;
      /** The same without the row's own values: what rows with the same mistake have in common. */
      readonly mistake: string;
    };

/** The row's own text, without line ends around it. */
export function textOf({ text }: RawRow): string {
  return (typeof text === 'string' ? text : text()).replace(/^[\r\n]+|[\r\n]+$/g, '');
}

/** How text and values of a format relate: in CSV all is text and empty text may be null; JSON and Parquet have types and nulls. */
export type Notation = 'text' | 'json' | 'typed';

/** What a reader tells while it reads. It alone writes it. */
export interface ReadState {
  /** Bytes of the file, as it lies on disk. */
  readonly totalBytes: number;
  readBytes: number;
  /** Bytes after decompression; what rows in memory weigh is measured by it. */
  decodedBytes: number;
  /** Columns of the file that the source does not declare, in its order: the first of them. */
  readonly ignored: Set<string>;
  /** How many of them are kept. Default 100. */
  readonly ignoredLimit?: number;
}

/**
 * Streams a file's rows, a chunk at a time: the next chunk is read when the one before was taken.
 * Throws FILE_UNREADABLE when the file breaks off or is not of its format; rows yielded before stay valid.
 */
export type RowReader = (file: string, fields: readonly SourceField[], state: ReadState) => AsyncGenerator<readonly RawRow[]>;

/** A row beyond this many bytes is a mistake of the file (an unclosed quote, a missing line break), not data. */
export const MAX_ROW_BYTES = 4 * 1024 * 1024;

const MAX_IGNORED = 100;

export function ignore(state: ReadState, column: string): void {
  if (state.ignored.size < (state.ignoredLimit ?? MAX_IGNORED)) state.ignored.add(column);
}
