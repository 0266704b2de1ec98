import { GranaryError, type Recommender, type Scorer, type Snapshot } from '@granary/contracts';

/**
 * The recommenders and then the scorers of a snapshot that have one of these names; none named: all of them. Throws
 * UNKNOWN_MODEL for a name that is neither's.
 */
export function selectModels(snapshot: Pick<Snapshot, 'recommenders' | 'scorers'>, names: readonly string[]): readonly (Recommender | Scorer)[] {
  const known = [...snapshot.recommenders, ...snapshot.scorers];
  const unknown = names.find((name) => !known.some((each) => each.name === name));
  if (unknown !== undefined) {
    throw new GranaryError('UNKNOWN_MODEL', `There is no recommender or scorer ${unknown}`, { todo: `Name one of ${known.map((each) => each.name).join(', ') || '(none is declared)'}.` });
  }
  return names.length === 0 ? known : known.filter((each) => names.includes(each.name));
}
