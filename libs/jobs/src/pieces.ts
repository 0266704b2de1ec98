/** The same, but the next is asked for before the last is worked on. Whoever stops early waits until the source has stopped. */
export async function* readAhead<T>(source: AsyncGenerator<T, undefined>): AsyncGenerator<T, undefined> {
  let next = source.next();
  try {
    for (;;) {
      const { done, value } = await next;
      if (done === true) return undefined;
      next = source.next();
      // It may fail while this one is being worked on: who awaits it later gets the failure.
      next.catch(() => undefined);
      yield value;
    }
  } finally {
    await next.catch(() => undefined);
    await source.return(undefined);
  }
}

/** The same, but what it takes to get each runs in `wrap`, which may say better what failed. */
export async function* eachNext<T>(source: AsyncIterable<T>, wrap: (next: () => Promise<IteratorResult<T>>) => Promise<IteratorResult<T>>): AsyncGenerator<T, undefined> {
  const iterator = source[Symbol.asyncIterator]();
  try {
    for (let next = await wrap(() => iterator.next()); next.done !== true; next = await wrap(() => iterator.next())) yield next.value;
  } finally {
    await iterator.return?.();
  }
  return undefined;
}
