import type { Readable } from 'node:stream';

/**
 * All that a stream has ready, again and again: one turn of the event loop per chunk instead of one per object.
 * Unlike a stream's own iterator it hands on what was decoded before an error, then throws the error.
 */
export async function* drain<T>(stream: Readable): AsyncGenerator<readonly T[]> {
  let failure: { readonly error: unknown } | undefined;
  let ended = false;
  let wake = (): void => {};
  stream
    .on('readable', () => wake())
    .on('end', () => {
      ended = true;
      wake();
    })
    .on('error', (error) => {
      failure ??= { error };
      wake();
    });
  for (;;) {
    const ready: T[] = [];
    for (let next = stream.read() as T | null; next !== null; next = stream.read() as T | null) ready.push(next);
    if (ready.length > 0) yield ready;
    else if (failure) throw failure.error;
    else if (ended) return;
    else await new Promise<void>((resolve) => (wake = resolve));
  }
}
