import { formatProblem, type Problem } from '../problem.js';
import { KIND_TITLES } from '../validate/context.js';
import { plural } from './notes.js';
import type { Change } from './plan.js';

const COLOURS = { '+': 32, '~': 33, '-': 31 } as const;
const GAP = '   ';
const WIDTH = 120;

/**
 * The plan as people read it: a line a change, aligned, notes beside it and wrapped below at 120 columns; then the counts.
 * `no changes` when there are none. Ends with a newline.
 */
export function renderPlan(changes: readonly Change[], { color }: { readonly color: boolean }): string {
  if (changes.length === 0) return 'no changes\n';
  const titles = changes.map((change) => `${KIND_TITLES[change.kind]} ${change.name}`);
  const column = Math.max(...titles.map((title) => title.length)) + GAP.length;
  const lines = changes.flatMap((change, i) => {
    const [first = '', ...rest] = wrap(change.notes, WIDTH - column - 2);
    const head = `${paint(change.sign, COLOURS[change.sign], color)} ${titles[i]!.padEnd(column)}${first}`;
    return [head, ...rest.map((notes) => `${' '.repeat(column + 2)}${notes}`)].map((line) => line.trimEnd());
  });
  const count = (sign: Change['sign']): number => changes.filter((change) => change.sign === sign).length;
  return `${[...lines, '', `${count('+')} to add, ${count('~')} to change, ${count('-')} to remove`].join('\n')}\n`;
}

/** What the static checks found, two lines each, and how many; empty for none. Ends with a newline otherwise. */
export function renderChecks(checks: readonly Problem[], { color }: { readonly color: boolean }): string {
  if (checks.length === 0) return '';
  const count = (severity: Problem['severity']): number => checks.filter((check) => check.severity === severity).length;
  const [errors, warnings] = [count('error'), count('warning')];
  const lines = checks.map((check) => `${paint('!', check.severity === 'error' ? COLOURS['-'] : COLOURS['~'], color)}${formatProblem(check).slice(1)}`);
  const counts = [...(errors > 0 ? [`${plural(errors, 'error')}, which apply refuses`] : []), ...(warnings > 0 ? [plural(warnings, 'warning')] : [])];
  return `${lines.join('\n')}\n\n${counts.join(', ')}\n`;
}

/** Whole notes in lines; a note longer than a line has one of its own. */
function wrap(notes: readonly string[], width: number): readonly string[] {
  const lines: string[] = [];
  for (const note of notes) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + GAP.length + note.length <= width) lines[lines.length - 1] = `${last}${GAP}${note}`;
    else lines.push(note);
  }
  return lines;
}

function paint(text: string, code: number, color: boolean): string {
  return color ? `\u001b[${code}m${text}\u001b[0m` : text;
}
