/** How much `sampleMemory` looks at when it isn't told. */
export const DEFAULT_SAMPLE = { rows: 1_000, budgetMs: 500 } as const;
