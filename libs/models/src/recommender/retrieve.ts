import type { Candidate, CandidateGenerator, History } from '../retrieval/candidate-generator.js';

/** The candidates of one user, from all generators. */
export interface Retrieved {
  /** Item indices; in the order of the first generator that found them, and its score. */
  readonly items: Int32Array;
  /** Per item, what the generator that ranks it highest says. */
  readonly found: readonly (Candidate & { readonly generator: number })[];
  /** [items × generators]: each generator's score of each item, found by it or not. */
  readonly scores: Float32Array;
}

/** Takes at most `perGenerator` items from each generator, leaving out `exclude`. */
export function retrieve(generators: readonly CandidateGenerator[], history: History, exclude: History, perGenerator: number): Retrieved {
  const best = new Map<number, Candidate & { generator: number; rank: number }>();
  generators.forEach((each, generator) => {
    each.candidates(history, perGenerator, exclude).forEach((candidate, rank) => {
      const known = best.get(candidate.item);
      if (known === undefined || rank < known.rank) best.set(candidate.item, { ...candidate, generator, rank });
    });
  });
  const items = Int32Array.from(best.keys());
  return { items, found: [...best.values()], scores: scoreAll(generators, history, items) };
}

/** [items × generators] */
export function scoreAll(generators: readonly CandidateGenerator[], history: History, items: Int32Array): Float32Array {
  const scores = new Float32Array(items.length * generators.length);
  generators.forEach((generator, g) => {
    const column = generator.score(history, items);
    for (let i = 0; i < items.length; i++) scores[i * generators.length + g] = column[i]!;
  });
  return scores;
}
