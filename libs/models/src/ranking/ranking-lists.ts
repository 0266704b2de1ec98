import type { CandidateRows } from './ranker.js';

/** Lists of candidates that were, or could have been, shown to a user at some instant. */
export interface RankingLists extends CandidateRows {
  /** List l has the rows from offsets[l] to offsets[l + 1]; [lists + 1]. */
  readonly offsets: Int32Array;
  /** [rows]: 1 where the user chose the candidate. Lists without any teach nothing and are left out. */
  readonly positives: Uint8Array;
}
