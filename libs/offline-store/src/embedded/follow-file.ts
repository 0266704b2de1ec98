import { open, type FileHandle } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** What one piece has at most. */
const PIECE_BYTES = 8 * 1024 ** 2;
const POLL_MS = 2;

/**
 * The bytes of a file that is being written, or will be, in pieces as they come, until `written` has resolved and all is read. Throws
 * what `written` rejects with.
 */
export async function* followFile(path: string, written: Promise<unknown>): AsyncGenerator<Uint8Array, undefined> {
  let ended = false;
  const end = (): void => void (ended = true);
  const settled = written.then(end, end);
  let file: FileHandle | undefined;
  try {
    for (let at = 0; ; ) {
      // Asked first: what was written before the end is then read after it.
      const isLast = ended;
      file ??= await openIfThere(path);
      const bytes = file === undefined ? 0 : Math.min(PIECE_BYTES, (await file.stat()).size - at);
      if (file !== undefined && bytes > 0) {
        const { buffer, bytesRead } = await file.read(Buffer.allocUnsafeSlow(bytes), 0, bytes, at);
        at += bytesRead;
        yield buffer.subarray(0, bytesRead);
      } else if (isLast) {
        break;
      } else {
        await Promise.race([settled, sleep(POLL_MS)]);
      }
    }
  } finally {
    await file?.close();
  }
  await written;
  return undefined;
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
