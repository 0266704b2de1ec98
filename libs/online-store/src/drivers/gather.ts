interface Call<T> {
  readonly keys: readonly string[];
  readonly resolve: (answers: readonly T[]) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Calls about few keys go out together, as one: what a command costs by itself, most of all the system's calls that write it and
 * read its reply, is paid once for all of them. While none is under way those go that the callers of one reply make next; else those
 * of a turn of the event loop. A call about `most` keys or more goes alone, so that the server works on it while the
 * reply before it is read.
 */
export function gathering<T>(send: (keys: readonly string[]) => Promise<readonly T[]>, most: number): (keys: readonly string[]) => Promise<readonly T[]> {
  let waiting: Call<T>[] = [];
  let count = 0;
  let underWay = 0;

  async function flush(): Promise<void> {
    if (waiting.length === 0) return;
    const calls = waiting;
    waiting = [];
    count = 0;
    underWay++;
    try {
      const answers = await send(calls.length === 1 ? calls[0]!.keys : calls.flatMap(({ keys }) => keys));
      let from = 0;
      for (const { keys, resolve } of calls) resolve(answers.slice(from, (from += keys.length)));
    } catch (error) {
      for (const { reject } of calls) reject(error);
    } finally {
      underWay--;
    }
  }

  return (keys) => {
    if (keys.length >= most) return send(keys);
    return new Promise((resolve, reject) => {
      waiting.push({ keys, resolve, reject });
      count += keys.length;
      if (count >= most) void flush();
      else if (waiting.length === 1) (underWay === 0 ? process.nextTick : setImmediate)(() => void flush());
    });
  };
}
