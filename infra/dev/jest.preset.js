import { fileURLToPath } from 'node:url';

const reporter = fileURLToPath(new URL('./count-reporter.js', import.meta.url));

/** Jest for ESM TypeScript: swc strips types and emits decorator metadata; other packages are used built (dist). */
export default {
  rootDir: process.cwd(),
  testEnvironment: 'node',
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
  // Embedded stores are native: one worker keeps memory bounded, and the tests of one package share nothing.
  maxWorkers: 1,
  testTimeout: 60_000,
  passWithNoTests: true,
  reporters: ['default', reporter],
};
