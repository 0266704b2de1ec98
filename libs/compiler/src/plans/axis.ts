import { ageRange, type AgeRange } from '@granary/aggregates';
import type { Window } from '@granary/contracts';

/**
 * A number line that a SQL window orders by, such that RANGE frames with whole offsets below 2^31 (all that ClickHouse
 * takes) cut it between the right milliseconds. An event of epoch `ms` stands at ms / unit, a question at
 * (ms + shift) / unit.
 */
export interface Axis {
  /** Milliseconds. */
  readonly unit: number;
  /** Milliseconds: 0, ½ or −½. */
  readonly shift: number;
  /** Milliseconds that a cut must stay away from an event, because positions are rounded. 0: they are exact. */
  readonly margin: number;
}

/** Offsets of a RANGE frame, both PRECEDING. */
export interface Offsets {
  /** Null: UNBOUNDED. */
  readonly start: number | null;
  /** 0: CURRENT ROW. */
  readonly end: number;
}

/**
 * Who asks. `events`: the ordered rows themselves, each as of its own time. `questions`: rows of their own among the
 * events, which may stand half a millisecond beside their instant.
 */
export type Asker = 'events' | 'questions';

const MAX_OFFSET = 2 ** 31 - 1;

/**
 * Float64 holds a position of DateTime64's range (|ms| < 1.05e13) and the end of a frame with errors of at most 2^-53 of
 * it each, 3.5e-3 ms for the two positions and the end together.
 */
const MARGIN = 5e-3;

/** Every instant up to the question's own: the frame of what was last seen. */
export const ALL_UP_TO_NOW: Window = { sizeMs: null, delayMs: 0, bounds: '(]', includeRequest: false };

/** The frame on an axis that holds exactly the events whose age is in the range; null: no frame with whole offsets does. */
export function offsetsOn({ unit, shift, margin }: Axis, { youngest, oldest }: AgeRange): Offsets | null {
  // At offset 0 both positions are rounded alike, so nothing can fall on the wrong side.
  const now = youngest === 0 && shift === 0;
  const end = now ? 0 : Math.floor((youngest + shift - margin) / unit);
  const ended = now || end * unit > youngest + shift - 1 + margin;
  if (!ended || end < 0 || end > MAX_OFFSET) return null;
  if (oldest === Infinity) return { start: null, end };
  const start = Math.ceil((oldest + shift + margin) / unit);
  return start * unit < oldest + shift + 1 - margin && start <= MAX_OFFSET ? { start, end } : null;
}

/**
 * An axis for each window, few different ones (the same object for the same axis), because each costs a sort; null for a
 * window that no axis frames. A window in which no instant can lie is framed by any.
 */
export function chooseAxes(windows: readonly Window[], asker: Asker): readonly (Axis | null)[] {
  const groups: { readonly kind: Kind; readonly members: Window[]; axis: Axis }[] = [];
  // Windows that reach far are choosy, those that reach to the beginning of time the least.
  const order = windows.map((_, i) => i).sort((a, b) => reach(windows[b]!) - reach(windows[a]!));
  const chosen = new Map<number, (typeof groups)[number]>();
  for (const i of order) {
    const window = windows[i]!;
    let group = groups.find((each) => extend(each, window));
    for (const kind of KINDS[asker]) {
      if (group !== undefined) break;
      const axis = kind([window]);
      if (!frames(axis, window)) continue;
      group = { kind, members: [window], axis };
      groups.push(group);
    }
    if (group !== undefined) chosen.set(i, group);
  }
  return windows.map((_, i) => chosen.get(i)?.axis ?? null);
}

/** Makes an axis that frames one window more, if one of its kind can. */
function extend(group: { readonly kind: Kind; readonly members: Window[]; axis: Axis }, window: Window): boolean {
  const axis = group.kind([...group.members, window]);
  if (![...group.members, window].every((each) => frames(axis, each))) return false;
  group.members.push(window);
  group.axis = axis;
  return true;
}

function frames(axis: Axis, window: Window): boolean {
  const range = ageRange(window);
  return range === null || offsetsOn(axis, range) !== null;
}

function reach({ sizeMs, delayMs }: Window): number {
  return sizeMs === null ? -1 : sizeMs + delayMs;
}

type Kind = (windows: readonly Window[]) => Axis;

const milliseconds: Kind = () => ({ unit: 1, shift: 0, margin: 0 });

/** The greatest power of two that divides all ends: positions are exact in Float64, also between two milliseconds. */
function binary(shift: number): Kind {
  return (windows) => {
    const divisor = ends(windows).reduce(gcd, 0);
    let unit = 1;
    while (divisor > 0 && divisor % (unit * 2) === 0) unit *= 2;
    return { unit, shift, margin: 0 };
  };
}

/**
 * Slightly less or more than the greatest common divisor of all ends, so that whole multiples of it fall between the
 * last millisecond inside and the first one outside.
 */
function beside(sign: 1 | -1): Kind {
  return (windows) => {
    const all = ends(windows);
    const divisor = all.reduce(gcd, 0);
    if (divisor === 0) return milliseconds(windows);
    return { unit: divisor + sign / (Math.max(...all) / divisor + 1), shift: 0, margin: MARGIN };
  };
}

const KINDS: Readonly<Record<Asker, readonly Kind[]>> = {
  events: [milliseconds, beside(-1), beside(1)],
  questions: [milliseconds, binary(-0.5), binary(0.5), binary(0)],
};

function ends(windows: readonly Window[]): readonly number[] {
  return windows.flatMap(({ sizeMs, delayMs }) => [delayMs, sizeMs === null ? 0 : delayMs + sizeMs]).filter((end) => end > 0);
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
