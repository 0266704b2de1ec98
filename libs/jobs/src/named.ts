import { GranaryError, type Entity, type ErrorCode, type FeatureService, type Snapshot, type Source } from '@granary/contracts';

/** Finds what a user names. Throws the code with what there is to name. */
function find<T extends { readonly name: string }>(items: readonly T[], name: string, what: string, code: ErrorCode): T {
  const item = items.find((each) => each.name === name);
  if (item !== undefined) return item;
  throw new GranaryError(code, `There is no ${what} ${name}`, { todo: `Name one of ${items.map((each) => each.name).join(', ') || '(none is declared)'}.` });
}

/** Throws DEFINITION_NOT_FOUND. */
export function findEntity(snapshot: Snapshot, name: string): Entity {
  return find(snapshot.entities, name, 'entity', 'DEFINITION_NOT_FOUND');
}

/** Throws UNKNOWN_SERVICE. */
export function findService(snapshot: Snapshot, name: string): FeatureService {
  return find(snapshot.services, name, 'feature service', 'UNKNOWN_SERVICE');
}

/** Throws DEFINITION_NOT_FOUND. */
export function findSource(snapshot: Snapshot, name: string): Source {
  return find(snapshot.sources, name, 'source', 'DEFINITION_NOT_FOUND');
}

/** Throws UNKNOWN_SCORER. */
export function findScorer(snapshot: Snapshot, name: string): Snapshot['scorers'][number] {
  return find(snapshot.scorers, name, 'scorer', 'UNKNOWN_SCORER');
}

/** Throws UNKNOWN_RECOMMENDER. */
export function findRecommender(snapshot: Snapshot, name: string): Snapshot['recommenders'][number] {
  return find(snapshot.recommenders, name, 'recommender', 'UNKNOWN_RECOMMENDER');
}
