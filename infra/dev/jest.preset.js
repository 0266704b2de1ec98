import { randomInt } from 'node:crypto';
import { fileURLToPath } from 'node:url';

const beside = (name) => fileURLToPath(new URL(name, import.meta.url));

// What random tests draw from: workers inherit it, and a failure prints it. In CI it is made of the tree that is tested
// (test.mjs): the same tree has the same verdict, and each change meets other random values.
process.env.SEED ??= String(randomInt(2 ** 31));

/** Jest for ESM TypeScript: swc strips types and emits decorator metadata; other packages are used built (dist). */
export default {
  rootDir: process.cwd(),
  testEnvironment: beside('./jest-environment.js'),
  testMatch: ['**/*.spec.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true },
          target: 'es2023',
        },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  // Not in the temporary folder, which `npm test` makes anew each time.
  cacheDirectory: beside('../../node_modules/.cache/jest'),
  // Embedded stores are native: one worker keeps memory bounded, and the tests of one package share nothing.
  maxWorkers: 1,
  // For what hangs: beside other work a training takes several times as long as alone.
  testTimeout: 240_000,
  passWithNoTests: true,
  reporters: ['default', beside('./count-reporter.js')],
};
