/** The seed of this run's random tests, which it prints. */
export function testSeed(spec: string): number {
  const seed = Number(process.env['SEED']);
  console.info(`${spec}: SEED=${seed}`);
  return seed;
}
