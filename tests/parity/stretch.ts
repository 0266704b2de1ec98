import type { ParityCase } from './cases.js';

const START = Date.UTC(2000, 0, 1);
const STEP = 500;
const DAY = 86_400_000;
/** A step becomes as long as this, so that windows reach beyond the 2^31 ms that a frame in milliseconds can. */
const STRETCHED = 10 * DAY;

/** The same world in which events lie days apart, and still milliseconds beside a bound. */
export function stretch(world: ParityCase): ParityCase {
  const origin = Math.floor(Math.min(...world.events.map((event) => event.time), ...world.questions.map((question) => question.at)) / STEP) * STEP;
  const time = (ms: number): number => START + long(ms - origin);
  const window = (each: ParityCase['view']['features'][number]): typeof each =>
    each.aggregate.window === null
      ? each
      : {
          ...each,
          aggregate: {
            ...each.aggregate,
            window: { ...each.aggregate.window, sizeMs: each.aggregate.window.sizeMs === null ? null : long(each.aggregate.window.sizeMs), delayMs: long(each.aggregate.window.delayMs), ...(each.aggregate.window.hopMs === undefined ? {} : { hopMs: long(each.aggregate.window.hopMs) }) },
          },
        };
  return {
    ...world,
    view: { ...world.view, ttlMs: world.view.ttlMs === null ? null : long(world.view.ttlMs), features: world.view.features.map(window) },
    events: world.events.map((event) => ({ ...event, time: time(event.time), knownAt: time(event.knownAt) })),
    questions: world.questions.map((question) => ({ ...question, at: time(question.at) })),
  };
}

/** Multiples of a step become longer, what is left of them stays. Longer than any history stays as it is. */
function long(ms: number): number {
  if (ms > 1_000 * STEP) return ms;
  const steps = Math.round(ms / STEP);
  return steps * STRETCHED + (ms - steps * STEP);
}
