/** Which user and which item, as of when: indices into the vocabularies, and epoch milliseconds. */
export interface FeatureQuestions {
  readonly users: Int32Array;
  readonly items: Int32Array;
  readonly times: Float64Array;
}

/**
 * The instant that the features of a question are as of: the last millisecond before the choice. As of the choice itself
 * `latest` and windows closed at the end would know it.
 */
export function asOfQuestion(time: number): number {
  return time - 1;
}

/** [rows × names] by rows; mask 1 where the value is present. */
export interface FeatureRows {
  readonly names: readonly string[];
  readonly values: Float32Array;
  readonly mask: Uint8Array;
}

/** Gives the ranker's features as of each row's own instant: offline a point-in-time training set. */
export type FeatureSource = (questions: FeatureQuestions) => Promise<FeatureRows>;
