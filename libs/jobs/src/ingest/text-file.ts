import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { drain } from './drain.js';
import type { ReadState } from './raw-row.js';
import { unreadable } from './unreadable.js';

const CHUNK_BYTES = 256 * 1024;

/** A text file, decompressed and without byte order mark, in chunks that never split a character. */
export interface TextFile {
  readonly chunks: AsyncGenerator<Buffer>;
  /** True once bytes have been met that are not UTF-8: from there on U+FFFD in decoded text may stand for lost bytes. */
  damaged: () => boolean;
}

const GZIP = Buffer.from([0x1f, 0x8b]);
const BOM = Buffer.from([0xef, 0xbb, 0xbf]);
/** First bytes of files that are often given by mistake. */
const FOREIGN: readonly (readonly [string, Buffer])[] = [
  ['a Parquet file', Buffer.from('PAR1')],
  ['a ZIP archive (or Excel workbook)', Buffer.from('PK\x03\x04')],
  ['zstd-compressed', Buffer.from([0x28, 0xb5, 0x2f, 0xfd])],
  ['UTF-16 text', Buffer.from([0xff, 0xfe])],
  ['UTF-16 text', Buffer.from([0xfe, 0xff])],
];

/** Opens a text file; gzip is known by its first bytes, whatever the file's name. `format` is for messages. */
export async function openTextFile(file: string, format: string, state: ReadState): Promise<TextFile> {
  const head = await firstBytes(file);
  refuseForeign(file, format, head);
  const compressed = head.subarray(0, 2).equals(GZIP);
  if (file.endsWith('.gz') && !compressed && head.length > 0) {
    throw unreadable(file, 'is not gzip-compressed, though its name ends in .gz', 'Name the file by what it holds.');
  }
  let damaged = false;
  const bytes = readBytes(file, compressed, state);
  return {
    damaged: () => damaged,
    chunks: wholeCharacters(file, format, bytes, () => {
      damaged = true;
    }),
  };
}

async function firstBytes(file: string): Promise<Buffer> {
  try {
    const handle = await open(file);
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(4), 0, 4, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (cause) {
    throw unreadable(file, `can't be read (${(cause as Error).message})`, 'Give a regular file that this user may read.', cause);
  }
}

function refuseForeign(file: string, format: string, head: Buffer): void {
  const foreign = FOREIGN.find(([, magic]) => head.subarray(0, magic.length).equals(magic));
  if (foreign) throw unreadable(file, `is ${foreign[0]}, not ${format} in UTF-8`, `Convert it to ${format} in UTF-8, or declare the source's format.`);
}

async function* readBytes(file: string, compressed: boolean, state: ReadState): AsyncGenerator<Buffer> {
  const raw = createReadStream(file, { highWaterMark: CHUNK_BYTES });
  // The error reaches the reader through `decoded`, which the pipeline destroys with it.
  const decoded: Readable = compressed ? pipeline(raw, createGunzip({ chunkSize: CHUNK_BYTES }), () => {}) : raw;
  try {
    for await (const chunks of drain<Buffer>(decoded)) {
      for (const chunk of chunks) {
        state.readBytes = raw.bytesRead;
        state.decodedBytes += chunk.length;
        yield chunk;
      }
    }
  } catch (cause) {
    const what = compressed ? 'the gzip data is damaged or breaks off' : 'reading failed';
    throw unreadable(file, `${what} (${(cause as Error).message})`, 'Get a complete copy of the file and run again; rows that are already in are not loaded twice.', cause);
  } finally {
    decoded.destroy();
    raw.destroy();
  }
}

async function* wholeCharacters(file: string, format: string, bytes: AsyncGenerator<Buffer>, onDamage: () => void): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  let first = true;
  for await (const piece of bytes) {
    let chunk: Buffer = rest.length === 0 ? piece : Buffer.concat([rest, piece]);
    if (first && chunk.length >= BOM.length) {
      refuseForeign(file, format, chunk);
      if (chunk.subarray(0, BOM.length).equals(BOM)) chunk = chunk.subarray(BOM.length);
      first = false;
    } else if (first) {
      rest = chunk;
      continue;
    }
    const end = chunk.length - incompleteTail(chunk);
    rest = Buffer.from(chunk.subarray(end));
    const whole = chunk.subarray(0, end);
    if (!isUtf8(whole)) onDamage();
    if (whole.length > 0) yield whole;
  }
  if (rest.length > 0) {
    if (!isUtf8(rest)) onDamage();
    yield rest;
  }
}

/** How many bytes at the end begin a UTF-8 character that the next chunk completes. */
function incompleteTail(chunk: Buffer): number {
  for (let back = 1; back <= Math.min(3, chunk.length); back++) {
    const byte = chunk[chunk.length - back]!;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) {
      const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return length > back ? back : 0;
    }
  }
  return 0;
}
