import { problemOf, type Problem } from '../problem.js';
import { ownerOf, type Declared } from '../validate/context.js';
import { earlyReads, wayOut, youngestText } from './leaks.js';

const TIME = 'TIME-001';

/** Sources that don't say when what they say became known, where that matters. */
export function timeProblems(declared: Declared): readonly Problem[] {
  const corrected = [...declared.sources.values()].filter((source) => source.corrected === true && source.knownAt === null);
  return [
    ...corrected.map((source) =>
      problemOf(ownerOf(source), 'error', TIME, 'gets corrections and does not say when they become known: the first form of an event would stay', 'Name the field that says it: knownAt.'),
    ),
    ...earlyLabels(declared),
  ];
}

/** Labels that become known later than their events, and that someone else than the scorer reads as if they did not: for the scorer itself that is LEAK-001. */
function earlyLabels(declared: Declared): readonly Problem[] {
  return [...declared.scorers.values()].flatMap((scorer): readonly Problem[] => {
    const events = declared.sources.get(scorer.events);
    if (events === undefined || events.knownAt !== null || scorer.labelDelayMs === 0) return [];
    const early = earlyReads(declared, scorer).filter(({ scored }) => !scored);
    return [...new Set(early.map(({ view }) => view))].map((view) => {
      const reads = early.filter((each) => each.view === view);
      const message = `${reads.map(({ feature }) => feature.name).join(', ')} ${reads.length === 1 ? 'reads' : 'read'} ${scorer.label}, the label of ${scorer.name}, ${youngestText(reads)}, and ${events.name} does not say when it becomes known: it is taken as known at event time`;
      return problemOf(ownerOf(view), 'warning', TIME, message, `${wayOut(scorer, reads.map(({ feature }) => feature))}, or name the field that says when: knownAt`);
    });
  });
}
