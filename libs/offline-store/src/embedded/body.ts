import { createWriteStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { scratchFolder } from './scratch.js';

export type Body = Readable | string | Uint8Array;

export interface SpooledBody {
  /** A path without quotes or glob characters. */
  readonly file: string;
  readonly bytes: number;
  remove(): Promise<void>;
}

/** Writes the data of an INSERT to a file of its own. The caller removes it. */
export async function spoolToFile(head: string, body: Body | undefined): Promise<SpooledBody> {
  const folder = await scratchFolder('insert');
  const remove = () => rm(folder, { recursive: true, force: true });
  const file = join(folder, 'data');
  try {
    await pipeline(parts(head, body), createWriteStream(file));
    return { file, bytes: (await stat(file)).size, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function* parts(head: string, body: Body | undefined): AsyncGenerator<Uint8Array | string> {
  if (head.length > 0) yield head;
  if (body instanceof Readable) yield* body as AsyncIterable<Uint8Array>;
  else if (body !== undefined && body.length > 0) yield body;
}
