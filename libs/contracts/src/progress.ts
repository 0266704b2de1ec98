/** How long work tells how far it is. Counts are of `unit`; `total` is null while unknown. */
export interface Progress {
  readonly stage: string;
  readonly done: number;
  readonly total: number | null;
  readonly unit: string;
  /** What stands beside the bar: rows so far, the step within the stage. */
  readonly message?: string | undefined;
}

export interface JobOptions {
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Aborting stops the work at the next safe point: what was done stays, what was not is done by the next run. */
  readonly signal?: AbortSignal | undefined;
}
