import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { ESLint } from 'eslint';

const REPOSITORY = resolve(process.cwd(), '..');

/** A small workspace of its own under the rules of this one; each file breaks one rule, or none. */
const SOURCES: Record<string, string> = {
  'libs/contracts/src/fine.ts': "export const fine = process.argv.length;\n",
  'libs/contracts/src/upward.ts': "export { entity } from '@granary/sdk';\n",
  'libs/contracts/src/upward-later.ts': "export const later = (): Promise<unknown> => import('@granary/sdk');\n",
  'libs/contracts/src/upward-type.ts': "export type Later = typeof import('@granary/sdk');\n",
  'libs/contracts/src/star.ts': "export * from './fine.js';\n",
  'libs/contracts/src/main.ts': 'export default 1;\n',
  'libs/contracts/src/surroundings.ts': 'export const home = process.env.HOME;\n',
  'libs/contracts/src/surroundings-named.ts': "import { env } from 'node:process';\nexport const home = env.HOME;\n",
  'libs/contracts/src/environment.ts': 'export const home = process.env.HOME;\n',
  'libs/contracts/src/forgotten.ts': 'const work = async (): Promise<void> => {};\nexport const start = (): void => {\n  work();\n};\n',
  'libs/contracts/src/decorated.ts': 'const note = (_: unknown): void => {};\n@note\nexport class Decorated {}\n',
  'libs/contracts/src/CamelCase.ts': 'export const camel = 1;\n',
  'libs/contracts/src/loose.ts': 'export const loose = (value: any): string => String(value);\n',
  'libs/contracts/src/long.ts': `export const long = 1;\n${'// line\n'.repeat(500)}`,
  'libs/contracts/src/cycle-a.ts': "import { b } from './cycle-b.js';\nexport const a = (): number => b();\n",
  'libs/contracts/src/cycle-b.ts': "import { a } from './cycle-a.js';\nexport const b = (): number => a();\n",
  'libs/sdk/src/downward.ts': "export { parseInstant } from '@granary/contracts';\n",
  'libs/sdk/src/deep.ts': "export { parseInstant } from '@granary/contracts/dist/time.js';\n",
  'libs/sdk/src/sideways.ts': "export { fine } from '../../contracts/src/fine.js';\n",
  'libs/offline-store/src/other-store.ts': "export { keyspace } from '@granary/online-store';\n",
  'libs/jobs/src/up-to-app.ts': "export { start } from '@granary/serving-api';\n",
  'libs/jobs/src/jobs.ts': "export { parseInstant } from '@granary/contracts';\nexport { keyspace } from '@granary/online-store';\n",
  'apps/serving-api/src/to-cli.ts': "export { main } from '@granary/cli';\n",
  'apps/serving-api/src/injected.ts': "import { Thing } from './thing.js';\nexport const use = (thing: Thing): Thing => thing;\n",
  'apps/serving-api/src/thing.ts': 'const note = (_: unknown): void => {};\n@note\nexport class Thing {}\n',
  'apps/cli/src/serve.ts': "export { start } from '@granary/serving-api';\n",
  'apps/cli/src/value-for-type.ts': "import { Thing } from './thing.js';\nexport const use = (thing: Thing): Thing => thing;\n",
  'apps/cli/src/thing.ts': 'export class Thing {}\n',
  'feature-defs/shop/features.ts': "export { entity } from '@granary/sdk';\n",
  'feature-defs/shop/cheating.ts': "export { parseInstant } from '@granary/contracts';\n",
  'tests/e2e/all.ts': "export { payments } from '@granary/feature-defs/payments/simulator';\nexport { main } from '@granary/cli';\n",
  'tests/e2e/redis.spec.ts': "export { startRedis } from '@granary/online-store/testing';\n",
  'libs/serving/src/reader.spec.ts': "export { startRedis } from '@granary/online-store/testing';\n",
  'libs/serving/src/reader.ts': "export { startRedis } from '@granary/online-store/testing';\n",
  'libs/offline-store/src/other.spec.ts': "export { startRedis } from '@granary/online-store/testing';\n",
  'tests/e2e/deep.ts': "export { parseInstant } from '@granary/contracts/dist/time.js';\n",
};

/** What is refused, and by which rule; every other file must pass. */
const REFUSED: Record<string, string> = {
  'libs/contracts/src/upward.ts': 'no-restricted-imports',
  'libs/contracts/src/upward-later.ts': 'no-restricted-syntax',
  'libs/contracts/src/upward-type.ts': 'no-restricted-syntax',
  'libs/contracts/src/star.ts': 'no-restricted-syntax',
  'libs/contracts/src/main.ts': 'no-restricted-syntax',
  'libs/contracts/src/surroundings.ts': 'no-restricted-properties',
  'libs/contracts/src/surroundings-named.ts': 'no-restricted-imports',
  'libs/contracts/src/forgotten.ts': '@typescript-eslint/no-floating-promises',
  'libs/contracts/src/decorated.ts': 'no-restricted-syntax',
  'libs/contracts/src/CamelCase.ts': 'granary/kebab-case-file',
  'libs/contracts/src/loose.ts': '@typescript-eslint/no-explicit-any',
  'libs/contracts/src/long.ts': 'max-lines',
  'libs/contracts/src/cycle-a.ts': 'import-x/no-cycle',
  'libs/contracts/src/cycle-b.ts': 'import-x/no-cycle',
  'libs/sdk/src/deep.ts': 'no-restricted-imports',
  'libs/sdk/src/sideways.ts': 'import-x/no-relative-packages',
  'libs/offline-store/src/other-store.ts': 'no-restricted-imports',
  'libs/serving/src/reader.ts': 'no-restricted-imports',
  'libs/offline-store/src/other.spec.ts': 'no-restricted-imports',
  'libs/jobs/src/up-to-app.ts': 'no-restricted-imports',
  'apps/serving-api/src/to-cli.ts': 'no-restricted-imports',
  'apps/cli/src/value-for-type.ts': '@typescript-eslint/consistent-type-imports',
  'feature-defs/shop/cheating.ts': 'no-restricted-imports',
  'tests/e2e/deep.ts': 'no-restricted-imports',
};

let root = '';
const verdicts = new Map<string, { rules: string[]; text: string }>();

beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'granary-lint-')));
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  for (const [path, text] of Object.entries(SOURCES)) write(path, text);
  for (const folder of new Set(Object.keys(SOURCES).map(packageOf))) {
    write(`${folder}/package.json`, JSON.stringify({ name: `@granary/${folder.split('/').at(-1)!}`, type: 'module' }));
    write(
      `${folder}/tsconfig.spec.json`,
      JSON.stringify({
        extends: join(REPOSITORY, 'tsconfig.base.json'),
        compilerOptions: { noEmit: true, composite: false, experimentalDecorators: true, rootDir: root },
        include: ['**/*.ts'],
      }),
    );
  }
  write('package.json', '{ "type": "module" }');
  // The parser needs Node's types (process), not the packages of the workspace: their names alone decide.
  mkdirSync(join(root, 'node_modules/@types'), { recursive: true });
  symlinkSync(join(REPOSITORY, 'node_modules/@types/node'), join(root, 'node_modules/@types/node'));
  symlinkSync(join(REPOSITORY, 'node_modules/undici-types'), join(root, 'node_modules/undici-types'));
  const rules = JSON.stringify(join(REPOSITORY, 'infra/dev/lint.js'));
  write('eslint.config.js', `import { lintConfig } from ${rules};\nexport default lintConfig(${JSON.stringify(root)});\n`);

  // A process of its own: inside Jest's sandbox the same run takes several times as long.
  const eslint = join(REPOSITORY, 'node_modules/eslint/bin/eslint.js');
  const { stdout, stderr } = spawnSync(process.execPath, [eslint, '.', '--format', 'json'], { cwd: root, encoding: 'utf8' });
  if (stdout === '') throw new Error(stderr);
  const results = JSON.parse(stdout) as ESLint.LintResult[];
  for (const { filePath, messages } of results) {
    verdicts.set(filePath.slice(root.length + 1), {
      rules: [...new Set(messages.map((message) => message.ruleId ?? 'parse'))],
      text: messages.map((message) => message.message).join('\n'),
    });
  }
}, 180_000);

afterAll(() => rmSync(root, { recursive: true, force: true }));

function packageOf(path: string): string {
  return path.split('/').slice(0, /^(libs|apps)\//.test(path) ? 2 : 1).join('/');
}

describe('lint', () => {
  it.each(Object.entries(REFUSED))('refuses %s by %s', (path, rule) => {
    expect(verdicts.get(path)?.rules).toEqual([rule]);
  });

  it.each(Object.keys(SOURCES).filter((path) => !(path in REFUSED)))('accepts %s', (path) => {
    expect(verdicts.get(path)).toEqual({ rules: [], text: '' });
  });

  it('says what the package may import instead', () => {
    expect(verdicts.get('libs/offline-store/src/other-store.ts')?.text).toContain(
      'libs/offline-store may import contracts, aggregates, each through its index.',
    );
  });
});
