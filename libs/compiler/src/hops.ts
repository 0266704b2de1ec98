/** SQL of a length of time that ends at `at` (SQL of ms) and begins `ms` before it, or earlier, on a multiple of the hop. */
export function emitWithHop(at: string, ms: number, hopMs: number): string {
  return `${ms} + positiveModulo(${at} - ${ms}, ${hopMs})`;
}
