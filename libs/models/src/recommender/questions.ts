import type { Generator } from '@granary/contracts';
import { createGenerator, type RetrievalModel } from '../artifacts/model-files.js';
import { rowOf, type Interactions } from '../interactions.js';
import type { LeaveLatestOut } from '../evaluation/leave-latest-out.js';
import type { CandidateGenerator } from '../retrieval/candidate-generator.js';
import { movingTrending, type MovingTrending } from './moving-trending.js';

/** What would this user choose next, asked at the instant of a choice that was held out? */
export interface Question {
  readonly user: number;
  /** Epoch milliseconds. */
  readonly time: number;
  /** Distinct items that the user had by then, ascending. */
  readonly history: Int32Array;
  /** The item that was chosen. */
  readonly chosen: number;
}

/** One question for each user with a held-out item; `all`: the interactions before the split. */
export function questionsOf(all: Interactions, split: LeaveLatestOut): Question[] {
  const questions: Question[] = [];
  split.heldOut.forEach((chosen, user) => {
    if (chosen < 0) return;
    // The held-out item is that of the user's last event.
    const time = all.events.times[all.events.offsets[user + 1]! - 1]!;
    questions.push({ user, time, history: rowOf(split.train.byUser, user), chosen });
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
