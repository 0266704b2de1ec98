import { REPLACES } from '@granary/compiler';
import { EVENT } from '@granary/contracts';
import { createPublisher } from '@granary/jobs';
import type { Row } from '@granary/offline-store';
import type { OnlineStore } from '@granary/online-store';

/** Where a base says how many bytes it has: its frames begin there. */
const LENGTH_AT = 23;
const SECOND = 1_000;

/** Publishers that go wrong, since the stores lie to them: what a publisher could do wrong in earnest. */
export const faults: Readonly<Record<string, typeof createPublisher>> = {
  'appends corrections beside what they correct': readingArrivals((rows) => rows.map((row) => ({ ...row, [REPLACES]: false }))),
  'forgets what comes late': readingArrivals((rows) => {
    const newest = Math.max(...rows.map(timeOf));
    return rows.filter((row) => timeOf(row) > newest - SECOND);
  }),
  'loses an event in a batch of many': readingArrivals((rows) => rows.slice(0, Math.max(2, rows.length - 1))),
  'folds a base without its tail': (offline, online, ...rest) => createPublisher(offline, withoutTails(online), ...rest),
};

const timeOf = (row: Row): number => row[EVENT.time] as number;

/** Of events that it reads from the table, which are all. */
function readingArrivals(change: (rows: readonly Row[]) => readonly Row[]): typeof createPublisher {
  return (offline, ...rest) => {
    const rows: typeof offline.rows = async (statement, options) => {
      const found = await offline.rows(statement, options);
      return options?.comment?.startsWith('publish ') === true ? [...change(found)] : found;
    };
    const publisher = createPublisher({ ...offline, rows }, ...rest);
    return { ...publisher, published: (source, _events, last) => publisher.published(source, [], last) };
  };
}

function withoutTails(online: OnlineStore): OnlineStore {
  const read: OnlineStore['read'] = async (keys) => (await online.read(keys)).map((value) => value && value.subarray(0, Buffer.from(value).readUInt32LE(LENGTH_AT)));
  return Object.assign(Object.create(online) as OnlineStore, { read });
}
