const SECOND_MS = 1_000;
/** Two changes of a zone's clock within a week would be overlooked; there are none. */
const STEP_MS = 7 * 86_400_000;
/** What is found out about a zone at a time: somewhat more than a year. */
const BLOCK_MS = 60 * STEP_MS;

/** The wall clock's distance from UTC within one block: `offsets[i]` holds from `starts[i]` on. All in ms. */
interface Offsets {
  readonly starts: readonly number[];
  readonly offsets: readonly number[];
}

const zones = new Map<string, (instant: number) => number>();

/**
 * How many ms an IANA zone's wall clock is ahead of UTC at an instant, by the runtime's own time-zone data. What Intl says
 * is looked up once for each stretch of time, because it takes microseconds.
 */
export function zoneOffset(zone: string): (instant: number) => number {
  let offsetAt = zones.get(zone);
  if (offsetAt === undefined) {
    offsetAt = remembered(intlOffset(zone));
    zones.set(zone, offsetAt);
  }
  return offsetAt;
}

function remembered(look: (instant: number) => number): (instant: number) => number {
  const blocks = new Map<number, Offsets>();
  return (instant) => {
    const index = Math.floor(instant / BLOCK_MS);
    let block = blocks.get(index);
    if (block === undefined) {
      block = explore(look, index * BLOCK_MS);
      blocks.set(index, block);
    }
    let i = block.starts.length - 1;
    while (block.starts[i]! > instant) i--;
    return block.offsets[i]!;
  };
}

/** Finds every change of the offset in a block. */
function explore(look: (instant: number) => number, from: number): Offsets {
  const starts = [from];
  const offsets = [look(from)];
  for (let step = from; step < from + BLOCK_MS; step += STEP_MS) {
    const [before, after] = [offsets.at(-1)!, look(step + STEP_MS)];
    if (before === after) continue;
    let [low, high] = [step, step + STEP_MS];
    while (high - low > SECOND_MS) {
      const middle = low + Math.floor((high - low) / 2 / SECOND_MS) * SECOND_MS;
      if (look(middle) === before) low = middle;
      else high = middle;
    }
    starts.push(high);
    offsets.push(after);
  }
  return { starts, offsets };
}

function intlOffset(zone: string): (instant: number) => number {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  return (instant) => {
    const part = { year: 0, month: 0, day: 0, hour: 0, minute: 0, second: 0 };
    for (const { type, value } of format.formatToParts(instant)) if (type in part) part[type as keyof typeof part] = Number(value);
    const wall = Date.UTC(part.year, part.month - 1, part.day, part.hour, part.minute, part.second);
    return wall - Math.floor(instant / SECOND_MS) * SECOND_MS;
  };
}
