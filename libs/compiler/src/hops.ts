/** SQL of a length of time that ends at `at` (SQL of ms) and begins `ms` before it, or earlier, on a multiple of the hop. */
export function emitWithHop(at: string, ms: number, hopMs: number): string {
  return `${ms} + positiveModulo(${at} - ${ms}, ${hopMs})`;
}

/** SQL of when the hop begins in which `instant` (SQL of ms) lies, in ms. */
export function emitHopStart(instant: string, hopMs: number): string {
  return `${instant} - positiveModulo(${instant}, ${hopMs})`;
}
