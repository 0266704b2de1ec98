import type { Generator } from '@granary/contracts';

/** An item retrieved for a user. */
export interface Candidate {
  /** Index in the vocabulary of items that the generator was trained on. */
  readonly item: number;
  /** Greater is better; comparable within one generator and one user only. */
  readonly score: number;
  /** The item of the user's history that contributes most to the score; absent where history plays no part. */
  readonly because?: number;
}

/** Item indices of one user, oldest first. Repeats count once; indices outside the vocabulary are ignored. */
export type History = Int32Array | readonly number[];

/** A trained source of candidates. Synchronous and pure: the same question has the same answer. */
export interface CandidateGenerator {
  readonly kind: Generator['kind'];
  /** How many items it knows: indices are below this. */
  readonly itemCount: number;
  /**
   * At most `k` items with a score above 0 that are not in `exclude`, best first, equal scores by index.
   * Items of the history are not left out unless excluded.
   */
  candidates(history: History, k: number, exclude: History): Candidate[];
  /** The score of each given item, 0 where there is nothing to say; the same numbers as in `candidates`. */
  score(history: History, items: History): Float32Array;
}
