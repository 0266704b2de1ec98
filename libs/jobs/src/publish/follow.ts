import { setTimeout as sleep } from 'node:timers/promises';
import type { OnlinePublisher } from './publisher.js';

export interface FollowOptions {
  /** Milliseconds from the end of one look at the tables to the next. Default 1,000. */
  readonly everyMs?: number;
  /** Told once of each failure that is not the one before; the next look tries again. */
  readonly onTrouble: (error: unknown) => void;
}

/** Publishes, until it is closed, what is stored without coming through this process's intake: files that are ingested, dead letters replayed. */
export function follow(publisher: Pick<OnlinePublisher, 'catchUp'>, { everyMs = 1_000, onTrouble }: FollowOptions): { close(): Promise<void> } {
  const ended = new AbortController();
  const run = async (): Promise<void> => {
    let trouble: string | null = null;
    while (!ended.signal.aborted) {
      try {
        await publisher.catchUp();
        trouble = null;
      } catch (error) {
        if (String(error) !== trouble && !ended.signal.aborted) onTrouble(error);
        trouble = String(error);
      }
      await sleep(everyMs, undefined, { signal: ended.signal }).catch(() => undefined);
    }
  };
  const running = run();
  return {
    async close() {
      ended.abort();
      await running;
    },
  };
}
