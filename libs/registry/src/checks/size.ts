import type { AggregateFunction, Feature, Source } from '@granary/contracts';
import { problemOf, type Problem } from '../problem.js';
import { fieldOf, ownerOf, type Declared } from '../validate/context.js';

/** For one more event to join these, every (distinct) value is kept online. */
const KEEPS_VALUES: ReadonlySet<AggregateFunction> = new Set(['countBy', 'topK', 'countDistinct', 'percentile']);

const INSTEAD: Readonly<Partial<Record<AggregateFunction, string>>> = {
  countDistinct: 'Or count with approxCountDistinct, which keeps 8 kB at most.',
  percentile: 'Or use approxPercentile, which keeps 1 kB at most for each power of two between its values.',
};

/** Rows that grow without end. How long lists may be is checked with their parameters, under the same code. */
export function sizeProblems(declared: Declared): readonly Problem[] {
  return [...declared.views.values()].flatMap((view): readonly Problem[] => {
    const source = declared.sources.get(view.source);
    const growing = view.features.filter((feature) => source !== undefined && grows(feature, source));
    if (growing.length === 0) return [];
    const names = growing.map(({ name, aggregate }) => `${name} (${aggregate.fn})`).join(', ');
    const message = `${names} ${growing.length === 1 ? 'is' : 'are'} over all of history: the online row of an entity grows with every value it ever had`;
    const others = new Set(growing.flatMap(({ aggregate }) => INSTEAD[aggregate.fn] ?? []));
    return [problemOf(ownerOf(view), 'warning', 'SIZE-001', message, ["Give the window a length, such as '365d'.", ...others].join(' '))];
  });
}

function grows({ aggregate: { fn, window, column } }: Feature, source: Source): boolean {
  if (window === null || window.sizeMs !== null || !KEEPS_VALUES.has(fn)) return false;
  const type = column === null ? undefined : fieldOf(source, column)?.type;
  return type?.kind !== 'enum' && type?.kind !== 'bool';
}
