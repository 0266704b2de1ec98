import type { FeatureValue, Instant, ServedFeature, Value } from '@granary/contracts';
import { LEFT_OUT, type EntityEvent, type JudgedEvent, type LeftOut } from '../history/entity-events.js';
import type { ExplainedFeature } from '../history/explain.js';
import { naiveValue } from '../history/naive-value.js';
import { sameAnswer } from './same-value.js';

/** An event that alone makes the difference between what was served and what the stored events come to. */
export interface Suspect {
  readonly event: JudgedEvent;
  /** Without the event, or with it, the value is the one served. */
  readonly says: 'served without it' | 'served with it';
}

/** Folding all of more events than this once for each of them takes too long. */
const MOST_EVENTS = 500;

/** None: no stored event that can have been in the value explains it. Null: that can't be told by single events. */
export function suspectsOf(served: ServedFeature, explained: readonly ExplainedFeature[], was: FeatureValue, at: Instant): readonly Suspect[] | null {
  const [only] = explained;
  // Of a derived feature each input may be at fault, and its own value was not logged.
  if (served.kind === 'derived' || only === undefined || was.state === 'expired') return null;
  const counted = only.events.filter(({ leftOut }) => leftOut === null);
  if (was.state === 'missing') {
    const visible = only.events.filter(({ leftOut }) => leftOut === null || !UNSEEN.has(leftOut));
    return visible.length === 1 ? [{ event: visible[0]!, says: 'served without it' }] : null;
  }
  if (counted.length > MOST_EVENTS) return null;
  const gives = (events: readonly EntityEvent[]): boolean => {
    const value = naiveValue(only.feature, only.source, events, only.request?.row ?? null, at);
    return sameAnswer(served.type, was, { value, state: value === null ? 'null' : 'present', eventTime: null });
  };
  const near = only.events.filter(({ leftOut }) => leftOut !== null && NEAR.has(leftOut)).slice(0, MOST_EVENTS);
  return [
    ...counted.filter((event) => gives(withoutOne(only, event, counted))).map((event): Suspect => ({ event, says: 'served without it' })),
    ...near.filter((event) => gives([...counted, event])).map((event): Suspect => ({ event, says: 'served with it' })),
  ];
}

/** Such events were there when it was served, and a computation that is wrong may have taken them up; the others were not, or can't change the value. */
const NEAR: ReadonlySet<LeftOut> = new Set([LEFT_OUT.corrected, LEFT_OUT.tooOld, LEFT_OUT.tooNew, LEFT_OUT.notLatest]);

/** An entity that has only such events is missing. */
const UNSEEN: ReadonlySet<LeftOut> = new Set([LEFT_OUT.arrivedLater, LEFT_OUT.notKnownYet, LEFT_OUT.notHappenedYet, LEFT_OUT.corrected, LEFT_OUT.otherEntity]);

/** Without the latest event the one before it is the latest. */
function withoutOne({ feature, events }: ExplainedFeature, left: EntityEvent, counted: readonly EntityEvent[]): readonly EntityEvent[] {
  if (feature.aggregate.fn === 'latest') return events.filter(({ leftOut }) => leftOut === LEFT_OUT.notLatest).slice(0, 1);
  return counted.filter((event) => event !== left);
}

/** How great the numbers are that went into a feature, added up. */
export function scaleOf(served: ServedFeature, explained: readonly ExplainedFeature[], values: Readonly<Record<string, Value>>): number {
  if (served.kind === 'derived') return 0;
  let scale = 0;
  for (const { feature, events } of explained) {
    const { column } = feature.aggregate;
    if (column === null) continue;
    for (const { leftOut, row } of events) if (leftOut === null) scale += Math.abs(Number(row[column]));
    scale += Math.abs(Number(values[column] ?? 0));
  }
  return Number.isFinite(scale) ? scale : 0;
}
