/** The seed of this run's random tests: SEED, to repeat one that failed, else another one each time. Prints it. */
export function testSeed(spec: string): number {
  const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31);
  console.info(`${spec}: SEED=${seed}`);
  return seed;
}
