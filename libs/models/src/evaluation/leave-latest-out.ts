import type { JobOptions } from '@granary/contracts';
import { fromEvents, rowOf, type Interactions, type UserEvents } from '../interactions.js';
import { rankingQuality, rankOf, type RankingQuality } from '../metrics/ranking.js';
import { createPacer } from '../pacer.js';
import type { CandidateGenerator } from '../retrieval/candidate-generator.js';

export interface LeaveLatestOut {
  /** The same users and items without the events held out. */
  readonly train: Interactions;
  /** The item held out per user; −1 for users with fewer than two distinct items, who stay in training whole. */
  readonly heldOut: Int32Array;
}

/**
 * Holds out the item of each user's latest event (equal times: the one that arrived last), with all the user's events
 * of that item: what is ranked afterwards is unseen.
 */
export function leaveLatestOut(interactions: Interactions): LeaveLatestOut {
  const { users, items, events, byUser } = interactions;
  const userCount = users.keys.length;
  const heldOut = new Int32Array(userCount).fill(-1);
  const offsets = new Int32Array(userCount + 1);
  const kept = new Int32Array(events.items.length);
  let size = 0;
  for (let user = 0; user < userCount; user++) {
    const end = events.offsets[user + 1]!;
    if (rowOf(byUser, user).length >= 2) heldOut[user] = events.items[end - 1]!;
    for (let at = events.offsets[user]!; at < end; at++) if (events.items[at] !== heldOut[user]) kept[size++] = at;
    offsets[user + 1] = size;
  }
  return { train: fromEvents(users, items, pick(events, offsets, kept.subarray(0, size))), heldOut };
}

function pick(events: UserEvents, offsets: Int32Array, kept: Int32Array): UserEvents {
  return {
    offsets,
    items: kept.map((at) => events.items[at]!),
    weights: Float32Array.from(kept, (at) => events.weights[at]!),
    times: Float64Array.from(kept, (at) => events.times[at]!),
  };
}

/** Scores for all items, given a user's index and their training items (distinct, ascending). */
export type ItemScorer = (user: number, history: Int32Array) => ArrayLike<number>;

/** Scores every item with a generator. */
export function scorerOf(generator: CandidateGenerator): ItemScorer {
  const all = Int32Array.from({ length: generator.itemCount }, (_, i) => i);
  return (_user, history) => generator.score(history, all);
}

/**
 * Ranks each held-out item among all items that the user has not seen in training. An item that never occurs in
 * training is ranked too, mostly last: leaving it out would flatter.
 */
export async function evaluateScorer(split: LeaveLatestOut, scorer: ItemScorer, options: { readonly k?: number } & JobOptions = {}): Promise<RankingQuality> {
  const pace = createPacer(options);
  const ranks: number[] = [];
  const isSeen = new Uint8Array(split.train.items.keys.length);
  for (let user = 0; user < split.heldOut.length; user++) {
    const item = split.heldOut[user]!;
    await pace({ stage: 'evaluation', done: user + 1, total: split.heldOut.length, unit: 'users' });
    if (item < 0) continue;
    const history = rowOf(split.train.byUser, user);
    for (const seen of history) isSeen[seen] = 1;
    ranks.push(rankOf(scorer(user, history), item, (i) => isSeen[i] === 0));
    for (const seen of history) isSeen[seen] = 0;
  }
  return rankingQuality(ranks, options.k ?? 10);
}
