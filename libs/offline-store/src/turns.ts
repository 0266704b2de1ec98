import { get } from 'node:http';
import { get as getSecure } from 'node:https';

/** Who may append to a source: one after the other, in the order they asked. */
export interface Turns {
  /** Resolves when it is the caller's turn, with what ends it. */
  take(name: string): Promise<() => void>;
}

/** Where the HTTP front gives turns: `GET /turn?name=…` is answered when it has come, and ends when the caller hangs up. */
export const TURN_PATH = '/turn';

/** By directory, which one process owns: its own appends and those that come through its front are in one queue. */
const QUEUES = new Map<string, Turns>();

export function turnsOf(path: string): Turns {
  const known = QUEUES.get(path);
  if (known !== undefined) return known;
  const tails = new Map<string, Promise<unknown>>();
  const turns: Turns = {
    async take(name) {
      let end: () => void = () => undefined;
      const before = tails.get(name);
      const mine = new Promise<void>((resolve) => (end = resolve));
      tails.set(name, mine);
      await before;
      return end;
    },
  };
  QUEUES.set(path, turns);
  return turns;
}

/**
 * Turns that the front at a URL gives. A ClickHouse server knows none: then callers of one store take turns among
 * themselves, and several processes must not append to one source at once.
 */
export function turnsByUrl(url: string): Turns {
  const own = turnsOf(url);
  let given = true;
  return {
    async take(name) {
      const end = await own.take(name);
      if (!given) return end;
      const hangUp = await askForTurn(url, name);
      if (hangUp === null) given = false;
      return () => {
        hangUp?.();
        end();
      };
    },
  };
}

/** Null: nobody there gives turns. */
function askForTurn(url: string, name: string): Promise<(() => void) | null> {
  const target = new URL(TURN_PATH, url);
  target.searchParams.set('name', name);
  return new Promise((resolve) => {
    const request = (target.protocol === 'https:' ? getSecure : get)(target, { agent: false }, (response) => {
      const granted = response.statusCode === 200;
      if (!granted) request.destroy();
      resolve(granted ? () => void request.destroy() : null);
    });
    // Whoever is not there at all will be missed by the append itself.
    request.on('error', () => resolve(() => undefined));
  });
}
