import { formatDuration } from '@granary/contracts';
import { problemOf, type Problem } from '../problem.js';
import { ownerOf, type Declared } from '../validate/context.js';
import { LEAK, labelReads } from './leaks.js';

export const TIME = 'TIME-001';

/** Sources that don't say when what they say became known, where that matters. */
export function timeProblems(declared: Declared, leaks: readonly Problem[]): readonly Problem[] {
  const corrected = [...declared.sources.values()].filter((source) => source.corrected === true && source.knownAt === null);
  const leaking = new Set(leaks.filter((each) => each.id === LEAK).map((each) => each.owner));
  return [
    ...corrected.map((source) =>
      problemOf(ownerOf(source), 'error', TIME, 'gets corrections and does not say when they become known: the first form of an event would stay', 'Name the field that says it: knownAt.'),
    ),
    ...[...declared.scorers.values()].flatMap((scorer): readonly Problem[] => {
      const events = declared.sources.get(scorer.events);
      // What leaks is said already, and mended otherwise.
      if (events === undefined || events.knownAt !== null || scorer.labelDelayMs === 0 || leaking.has(ownerOf(scorer).title)) return [];
      const features = labelReads(declared, scorer).map(({ view, feature }) => `${view.name}.${feature.name}`);
      if (features.length === 0) return [];
      const late = formatDuration(scorer.labelDelayMs);
      const message = `${features.join(', ')} ${features.length === 1 ? 'reads' : 'read'} its label ${scorer.label}, and ${events.name} does not say when a label becomes known: one that comes later than ${late} is seen too early in training`;
      return [problemOf(ownerOf(scorer), 'warning', TIME, message, `If labels come later than ${late}, give ${events.name} the field that says when: knownAt.`)];
    }),
  ];
}
