import { existsSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { createNodeResolver, importX } from 'eslint-plugin-import-x';
import tseslint from 'typescript-eslint';

const LIBS = ['contracts', 'sdk', 'registry', 'aggregates', 'compiler', 'offline-store', 'online-store', 'models', 'serving', 'jobs'];

/** Which packages of the workspace a package may import. This is the direction of design.md, section 3. */
const MAY_IMPORT = {
  'libs/contracts': [],
  'libs/sdk': ['contracts'],
  'libs/registry': ['contracts', 'sdk'],
  'libs/aggregates': ['contracts'],
  'libs/compiler': ['contracts', 'aggregates'],
  'libs/offline-store': ['contracts', 'aggregates'],
  'libs/online-store': ['contracts', 'aggregates'],
  'libs/models': ['contracts'],
  'libs/serving': ['contracts', 'aggregates', 'online-store', 'models'],
  'libs/jobs': ['contracts', 'aggregates', 'compiler', 'registry', 'offline-store', 'online-store', 'models'],
  'apps/serving-api': LIBS,
  'apps/ingest': LIBS,
  'apps/cli': [...LIBS, 'serving-api', 'ingest', 'feature-defs'],
  'feature-defs': ['sdk'],
  tests: [...LIBS, 'serving-api', 'ingest', 'cli', 'feature-defs'],
};

/** Public entries for tests alone: specs, what they share (`*.testing.ts`, `testing/`) and tests may import them of the packages they may import. */
const FOR_TESTS = ['online-store/testing'];

const WORKSPACE_FILE = 'only files named environment.ts read process.env: take the value from the parsed environment';

const typedRules = {
  '@typescript-eslint/await-thenable': 'error',
  '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports', disallowTypeAnnotations: false }],
  '@typescript-eslint/no-explicit-any': 'error',
  '@typescript-eslint/no-floating-promises': 'error',
  '@typescript-eslint/no-misused-promises': 'error',
  '@typescript-eslint/only-throw-error': 'error',
  '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
};

const plainRules = {
  eqeqeq: ['error', 'smart'],
  'granary/kebab-case-file': 'error',
  'import-x/no-cycle': ['error', { ignoreExternal: true }],
  'max-lines': ['error', 500],
  'no-restricted-properties': ['error', { object: 'process', property: 'env', message: WORKSPACE_FILE }],
  'no-var': 'error',
  'prefer-const': 'error',
};

/** File names are lower case, words joined by hyphens, suffixes by dots. */
const kebabCaseFile = {
  create: (context) => ({
    Program(node) {
      const name = basename(context.filename);
      if (/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+(-[a-z0-9]+)*)+$/.test(name)) return;
      context.report({ node, message: `Name this file in kebab-case: '${name}'.` });
    },
  }),
};

const NO_EXPORT_ALL = { selector: 'ExportAllDeclaration', message: 'Export names one by one: `export *` hides what is public.' };
const NO_DEFAULT_EXPORT = { selector: 'ExportDefaultDeclaration', message: 'Use a named export.' };
const NO_DECORATOR = { selector: 'Decorator', message: 'Decorators belong to apps; libs are plain classes and functions.' };

/**
 * The lint rules of a workspace at `root`. A function of the root so that a test can apply the same rules to a
 * workspace of its own. `programs`: compilers that already hold the files; else each package's project is read.
 */
export function lintConfig(root, programs = null) {
  return [
    { ignores: ['**/dist/**', '**/node_modules/**', '**/.granary/**', '**/.nx/**', '**/coverage/**'] },
    {
      files: ['**/*.{ts,js,mjs}'],
      plugins: {
        '@typescript-eslint': tseslint.plugin,
        'import-x': importX,
        granary: { rules: { 'kebab-case-file': kebabCaseFile } },
      },
      linterOptions: { reportUnusedDisableDirectives: 'error' },
      settings: {
        'import-x/extensions': ['.ts', '.js', '.mjs'],
        'import-x/external-module-folders': ['node_modules', 'dist'],
        'import-x/parsers': { '@typescript-eslint/parser': ['.ts'] },
        'import-x/resolver-next': [
          createNodeResolver({ extensions: ['.ts', '.js', '.mjs'], extensionAlias: { '.js': ['.ts', '.js'] } }),
        ],
      },
      rules: { ...plainRules, 'no-restricted-syntax': ['error', NO_EXPORT_ALL] },
    },
    ...Object.entries(MAY_IMPORT).flatMap(([folder, allowed]) => packageConfig(root, folder, allowed, programs)),
    { files: ['infra/dev/**', '**/environment.ts', '**/*.spec.ts'], rules: { 'no-restricted-properties': 'off' } },
  ];
}

function packageConfig(root, folder, allowed, programs) {
  if (!existsSync(join(root, folder))) return [];
  const published = /^(libs|apps)\//.test(folder);
  const forTests = FOR_TESTS.filter((entry) => allowed.includes(entry.split('/')[0]));
  const specs = folder === 'tests' ? [`${folder}/**/*.ts`] : [`${folder}/**/*.{spec,testing}.ts`, `${folder}/src/testing/**/*.ts`];
  return [
    {
      files: [`${folder}/**/*.ts`],
      languageOptions: {
        parser: tseslint.parser,
        parserOptions: { ...(programs === null ? { project: [join(root, folder, 'tsconfig.spec.json')] } : { programs }), tsconfigRootDir: root },
      },
      rules: {
        ...typedRules,
        'import-x/no-relative-packages': 'error',
        // Under Nest an `import type` of an injected class leaves nothing to inject.
        ...(folder === 'apps/serving-api' || folder === 'apps/ingest' ? { '@typescript-eslint/consistent-type-imports': 'off' } : {}),
        ...importRules(folder, allowed),
      },
    },
    ...(published ? [{ files: [`${folder}/src/**/*.ts`], rules: importRules(folder, allowed, [NO_DEFAULT_EXPORT]) }] : []),
    // After the block above: of several rules for one file the last one holds.
    ...(forTests.length > 0
      ? [{ files: specs, rules: importRules(folder, [...allowed, ...forTests], published ? [NO_DEFAULT_EXPORT] : []) }]
      : []),
  ];
}

function importRules(folder, allowed, more = []) {
  const direction = directionOf(folder, allowed);
  return {
    'no-restricted-imports': [
      'error',
      { patterns: [direction], paths: [{ name: 'node:process', importNames: ['env'], message: WORKSPACE_FILE }] },
    ],
    'no-restricted-syntax': [
      'error',
      NO_EXPORT_ALL,
      // `import()` and `import('…').Type` are out of reach of no-restricted-imports.
      { selector: `ImportExpression > Literal[value=/${direction.regex}/]`, message: direction.message },
      { selector: `TSImportType Literal[value=/${direction.regex}/]`, message: direction.message },
      ...(folder.startsWith('libs/') ? [NO_DECORATOR] : []),
      ...more,
    ],
  };
}

/** A pattern of the workspace imports that a package may not have: other packages, and paths past an index. */
function directionOf(folder, allowed) {
  const names = allowed.map((name) => (name === 'feature-defs' ? 'feature-defs/[^/]+/[^/]+' : name));
  const may = names.length === 0 ? 'nothing of the workspace' : allowed.join(', ');
  return {
    regex: `^@granary\\u002f(?!(${names.join('|').replaceAll('/', '\\u002f')})$)`,
    message: `${folder} may import ${may}, each through its index.`,
  };
}
