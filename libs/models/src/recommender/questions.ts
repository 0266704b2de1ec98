import type { Generator } from '@granary/contracts';
import { createGenerator, type RetrievalModel } from '../artifacts/model-files.js';
import type { Interactions } from '../interactions.js';
import type { LeaveLatestOut } from '../evaluation/leave-latest-out.js';
import type { CandidateGenerator } from '../retrieval/candidate-generator.js';
import { movingTrending, type MovingTrending } from './moving-trending.js';

/** What would this user choose next, asked just before a choice that was held out? */
export interface Question {
  readonly user: number;
  /** When the user first met the chosen item, epoch milliseconds: what is known at the question happened before. */
  readonly time: number;
  /** Distinct items that the user met before, ascending; equal times by order of arrival. */
  readonly history: Int32Array;
  /** The item that was chosen. */
  readonly chosen: number;
}

/**
 * One question for each user with a held-out item; `all`: every interaction, before any split. A user may come back to
 * an item (view, cart, purchase): asked any later than at the first of these, the own features would name the answer.
 */
export function questionsOf(all: Interactions, split: LeaveLatestOut): Question[] {
  const { offsets, items, times } = all.events;
  const questions: Question[] = [];
  split.heldOut.forEach((chosen, user) => {
    if (chosen < 0) return;
    const start = offsets[user]!;
    const first = items.indexOf(chosen, start);
    const history = Int32Array.from(new Set(items.subarray(start, first))).sort();
    questions.push({ user, time: times[first]!, history, chosen });
  });
  return questions;
}

/** Generators for questions at different instants: trending moves along, the others stay as trained. */
export interface GeneratorsInTime {
  readonly generators: readonly CandidateGenerator[];
  /** Instants must not go back. */
  moveTo(instant: number): void;
}

export function generatorsInTime(interactions: Interactions, declared: readonly Generator[], models: readonly RetrievalModel[]): GeneratorsInTime {
  const moving: MovingTrending[] = [];
  const generators = declared.map((generator, i) => {
    if (generator.kind !== 'trending') return createGenerator(models[i]!);
    const trending = movingTrending(interactions, generator.halfLifeMs);
    moving.push(trending);
    return trending.generator;
  });
  return { generators, moveTo: (instant) => moving.forEach((each) => each.moveTo(instant)) };
}
