import { join } from 'node:path';
import { ESLint } from 'eslint';
import ts from 'typescript';
import { lintConfig } from './lint.js';
import { ROOT } from './run.mjs';

/**
 * Types and lint of all packages, specs included, by one compiler: the rules that ask for types are answered by the
 * checker that has just worked them out, where one for each package would read the same libraries fifteen times.
 */
const host = { ...ts.sys, onUnRecoverableConfigFileDiagnostic: (diagnostic) => report([diagnostic]) };
const config = ts.getParsedCommandLineOfConfigFile(join(ROOT, 'tsconfig.spec.json'), {}, host);
if (config === undefined) process.exit(1);
const program = ts.createProgram({ rootNames: config.fileNames, options: config.options, configFileParsingDiagnostics: config.errors });
report(ts.getPreEmitDiagnostics(program));

const eslint = new ESLint({ cwd: ROOT, overrideConfigFile: true, overrideConfig: lintConfig(ROOT, [program]) });
const results = await eslint.lintFiles(['.']);
if (results.some(({ errorCount, warningCount }) => errorCount + warningCount > 0)) process.exitCode = 1;
process.stdout.write(await (await eslint.loadFormatter('stylish')).format(results));

function report(diagnostics) {
  if (diagnostics.length === 0) return;
  process.exitCode = 1;
  const format = process.stdout.isTTY ? ts.formatDiagnosticsWithColorAndContext : ts.formatDiagnostics;
  process.stdout.write(format(diagnostics, { getCurrentDirectory: () => ROOT, getCanonicalFileName: (name) => name, getNewLine: () => '\n' }));
}
