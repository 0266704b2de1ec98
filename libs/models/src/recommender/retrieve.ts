import type { Candidate, CandidateGenerator, History } from '../retrieval/candidate-generator.js';

/** The candidates of one user, from all generators, best first. */
export interface Retrieved {
  /** Item indices, distinct. */
  readonly items: Int32Array;
  /** Per item: what the generator that ranks it highest says of it, and the fused score that the order is by. */
  readonly found: readonly Found[];
  /** [items × generators]: each generator's score of each item, found by it or not. */
  readonly scores: Float32Array;
}

export interface Found extends Candidate {
  /** Index of the generator; the first declared of equals. */
  readonly generator: number;
  /** Σ 1 / (60 + rank) over the generators that found it. */
  readonly fused: number;
}

/** Of reciprocal rank fusion, as its authors chose it. */
const FUSION = 60;

/**
 * Takes at most `perGenerator` items from each generator, leaving out `exclude`. Scores of different generators can't be
 * compared, so the order is by reciprocal rank fusion (Cormack, Clarke and Büttcher 2009); equals by the first finder.
 */
export function retrieve(generators: readonly CandidateGenerator[], history: History, exclude: History, perGenerator: number): Retrieved {
  const best = new Map<number, { candidate: Candidate; generator: number; rank: number; fused: number }>();
  generators.forEach((each, generator) => {
    each.candidates(history, perGenerator, exclude).forEach((candidate, i) => {
      const rank = i + 1;
      const known = best.get(candidate.item);
      if (known === undefined) {
        best.set(candidate.item, { candidate, generator, rank, fused: 1 / (FUSION + rank) });
        return;
      }
      known.fused += 1 / (FUSION + rank);
      if (rank < known.rank) Object.assign(known, { candidate, generator, rank });
    });
  });
  // A Map keeps the order of first insertion, and the sort is stable.
  const found = [...best.values()].sort((a, b) => b.fused - a.fused).map(({ candidate, generator, fused }): Found => ({ ...candidate, generator, fused }));
  const items = Int32Array.from(found, ({ item }) => item);
  return { items, found, scores: scoreAll(generators, history, items) };
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
