import { formatDuration, type Feature, type FeatureView, type Scorer, type Source } from '@granary/contracts';
import { problemOf, type Problem } from '../problem.js';
import { ownerOf, type Declared } from '../validate/context.js';
import { serviceReads } from '../validate/uses.js';
import { labelAges, type LabelAge } from './label-age.js';

export const LEAK = 'LEAK-001';

/** Labels that features see before anyone could have known them: a model trained on them is only good in training. */
export function leakProblems(declared: Declared): readonly Problem[] {
  return [...declared.scorers.values()].flatMap((scorer) => [...requestLeak(declared, scorer), ...featureLeaks(declared, scorer)]);
}

function requestLeak(declared: Declared, scorer: Scorer): readonly Problem[] {
  const service = declared.services.get(scorer.service);
  if (service === undefined || !service.request.some((field) => field.name === scorer.label)) return [];
  const owner = { ...ownerOf(scorer), site: service.site };
  return [problemOf(owner, 'error', LEAK, `its label ${scorer.label} is a request field of ${service.name}: the answer is not known when the question is asked`, 'take it out of the request')];
}

/** Features that read a scorer's label, with how old the labels are. */
export function labelReads(declared: Declared, scorer: Scorer): readonly { readonly view: FeatureView; readonly feature: Feature; readonly age: LabelAge }[] {
  const service = declared.services.get(scorer.service);
  if (service === undefined) return [];
  const ageOf = labelAges(declared, scorer);
  const read = new Map<string, Set<string>>();
  for (const use of serviceReads(declared, service)) read.set(use.view, new Set([...(read.get(use.view) ?? []), ...use.features]));
  return [...read].flatMap(([name, features]) => {
    const view = declared.views.get(name);
    return (view?.features ?? []).flatMap((feature) => {
      const age = features.has(feature.name) ? ageOf(view!, feature) : null;
      return age === null ? [] : [{ view: view!, feature, age }];
    });
  });
}

function featureLeaks(declared: Declared, scorer: Scorer): readonly Problem[] {
  const events = declared.sources.get(scorer.events);
  if (events === undefined) return [];
  // With a delay of 0 the label of the scored event itself is still the answer.
  const known = Math.max(scorer.labelDelayMs, 1);
  const leaking = labelReads(declared, scorer).filter(({ feature, age }) => age.youngestMs < known && !(isKnownLater(events) && feature.aggregate.window?.includeRequest !== true));
  return [...new Set(leaking.map(({ view }) => view))].map((view) => {
    const features = leaking.filter((each) => each.view === view);
    const youngest = Math.min(...features.map(({ age }) => age.youngestMs));
    const names = features.map(({ feature }) => `${view.name}.${feature.name}`).join(', ');
    const of = youngest === 0 ? 'of the scored event itself' : `of events only ${formatDuration(youngest)} old`;
    const sure = features.some(({ age }) => age.sure) && events.knownAt === null;
    const message = `its label ${scorer.label} ${sure ? 'leaks' : 'may leak'} through ${names}, which ${features.length === 1 ? 'reads' : 'read'} it ${of}${scorer.labelDelayMs > 0 ? `; a label is known ${formatDuration(scorer.labelDelayMs)} after its event` : ''}`;
    return problemOf({ ...ownerOf(scorer), site: view.site }, sure ? 'error' : 'warning', LEAK, message, wayOut(scorer, features.map(({ feature }) => feature)));
  });
}

/** A label is a correction that says when it became known: reads as of t take no label that came later. */
function isKnownLater(events: Source): boolean {
  return events.corrected === true && events.knownAt !== null;
}

function wayOut(scorer: Scorer, features: readonly Feature[]): string {
  const ways = new Set(
    features.map(({ aggregate: { fn, window } }) => {
      const delayed = scorer.labelDelayMs > 0 ? `delay: '${formatDuration(scorer.labelDelayMs)}'` : "bounds: '[)'";
      if (fn === 'latest') return `use last(…).over(…, { ${delayed} })`;
      return window?.includeRequest === true ? `use ${delayed} without includeRequest` : `use ${delayed}`;
    }),
  );
  return [...ways].join(', or ');
}
