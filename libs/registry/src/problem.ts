import { relative } from 'node:path';
import { GranaryError, type Site } from '@granary/contracts';

/** One finding in the definitions: where it is, whose it is, what is wrong and what to do. */
export interface Problem {
  /** Stable: `DEF-001`; docs/reference/checks.md lists them. */
  readonly id: string;
  /** An error stops `apply`, a warning doesn't. */
  readonly severity: 'error' | 'warning';
  /** Absolute path; `unknown` where the definition carries no place. */
  readonly file: string;
  readonly line: number;
  /** `feature view user_activity`, or the file's name where no declaration was reached. */
  readonly owner: string;
  readonly message: string;
  readonly todo: string;
}

/** Collects problems of one declaration after another. */
export type Report = (owner: Owner, id: string, message: string, todo: string) => void;

/** Collects those of one declaration, or of one of its parts. */
export type Say = (id: string, message: string, todo: string) => void;

export interface Owner {
  readonly title: string;
  readonly site: Site | undefined;
}

export function problemOf({ title, site }: Owner, severity: Problem['severity'], id: string, message: string, todo: string): Problem {
  return { id, severity, file: site?.file ?? 'unknown', line: site?.line ?? 0, owner: title, message, todo };
}

/** By file, line and id. */
export function sortProblems(problems: readonly Problem[]): readonly Problem[] {
  return [...problems].sort((a, b) => compare(a.file, b.file) || a.line - b.line || compare(a.id, b.id));
}

export function problemsError(problems: readonly Problem[]): GranaryError {
  const sorted = sortProblems(problems);
  const count = sorted.length === 1 ? '1 problem' : `${sorted.length} problems`;
  return new GranaryError('DEFINITION_INVALID', `${count} in the definitions\n${sorted.map(formatProblem).join('\n')}`, {
    todo: `Correct ${sorted.length === 1 ? 'it' : 'them'}, then plan again.`,
    details: { problems: sorted },
  });
}

/** What refuses an apply; undefined when only warnings were found, or nothing. */
export function checksError(checks: readonly Problem[]): GranaryError | undefined {
  const errors = checks.filter((check) => check.severity === 'error');
  if (errors.length === 0) return undefined;
  const message = `nothing was applied: ${errors.length === 1 ? '1 check fails' : `${errors.length} checks fail`}\n${errors.map(formatProblem).join('\n')}`;
  return new GranaryError('CHECK_FAILED', message, { todo: 'Mend the definitions as said there, then plan again.', details: { checks } });
}

/** Two lines: the mistake, then its place (relative to the working directory) and what to do. */
export function formatProblem(problem: Problem): string {
  const file = relative(process.cwd(), problem.file);
  const place = problem.file === 'unknown' ? 'place unknown' : `${file.startsWith('..') ? problem.file : file}:${problem.line}`;
  return `! ${problem.id}  ${problem.owner}: ${problem.message}\n  ${place}   ${problem.todo}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
