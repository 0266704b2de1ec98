import type { Definition } from '@granary/contracts';
import { sortProblems, type Problem } from '../problem.js';
import { declaredBy } from '../validate/context.js';
import { historyProblems } from './history.js';
import { leakProblems } from './leaks.js';
import { sizeProblems } from './size.js';
import { timeProblems } from './time.js';

/** What is questionable about definitions that are valid: errors stop `apply`, warnings don't. Sorted by place. Pure. */
export function checkDefinitions(definitions: readonly Definition[]): readonly Problem[] {
  const declared = declaredBy(definitions);
  return sortProblems([...leakProblems(declared), ...timeProblems(declared), ...historyProblems(declared), ...sizeProblems(declared)]);
}
