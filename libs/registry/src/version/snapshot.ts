import {
  GranaryError,
  snapshotSchema,
  type Definition,
  type Snapshot,
} from '@granary/contracts';
import { freeze } from '../freeze.js';
import { problemsError } from '../problem.js';
import { validateDefinitions } from '../validate/validate.js';
import { contentHash } from './canonical.js';
import { viewVersion, type Definitions } from './view-version.js';

/**
 * The immutable, content-addressed form of a set of definitions: sorted by name, without places, each view with its
 * version. The order of the declarations, their files and their layout don't change the id. Throws DEFINITION_INVALID.
 */
export function resolveSnapshot(definitions: readonly Definition[]): Snapshot {
  const problems = validateDefinitions(definitions);
  if (problems.length > 0) throw problemsError(problems);
  const all: Definitions = { entities: sorted(definitions, 'entity'), sources: sorted(definitions, 'source'), views: sorted(definitions, 'featureView') };
  const content = {
    format: 1 as const,
    ...all,
    views: all.views.map((view) => ({ ...view, version: viewVersion(view, all) })),
    derived: sorted(definitions, 'derived'),
    services: sorted(definitions, 'featureService'),
    recommenders: sorted(definitions, 'recommender'),
    scorers: sorted(definitions, 'scorer'),
  };
  // Through the schema: what is stored is exactly what is read back.
  const parsed = snapshotSchema.parse({ ...content, id: '0'.repeat(64) });
  return freeze({ ...parsed, id: snapshotId(parsed) });
}

/** Reads a stored snapshot. Throws ARTIFACT_CORRUPT when it isn't one, or when its content is not what its id says. */
export function parseSnapshot(json: unknown, origin = 'snapshot'): Snapshot {
  const parsed = snapshotSchema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw corrupt(origin, `${issue?.path.join('.') || 'the whole'}: ${issue?.message}`);
  }
  // The raw content is hashed, so that a member which the schema would drop is noticed too.
  const id = snapshotId(json as Snapshot);
  if (id !== parsed.data.id) throw corrupt(origin, `it says ${parsed.data.id}, its content is ${id}`);
  return freeze(parsed.data);
}

/**
 * The snapshot, if its views mean to this release what they meant to the one that applied it. Throws SCHEMA_MISMATCH: what is
 * stored of a view, and what models have learned from it, would be taken for something else.
 */
export function requireCurrent(snapshot: Snapshot): Snapshot {
  const former = snapshot.views.filter((view) => view.version !== viewVersion(view, snapshot)).map(({ name }) => name);
  if (former.length === 0) return snapshot;
  throw new GranaryError('SCHEMA_MISMATCH', `Snapshot ${snapshot.id.slice(0, 12)} was applied by another release of Granary, to which ${former.join(', ')} meant something else`, {
    todo: 'Run granary apply: the views get new versions, to be materialised, and backfilled if they were. Train models anew that read them, and ask anew for training sets.',
    details: { snapshot: snapshot.id, views: former },
  });
}

function corrupt(origin: string, why: string): GranaryError {
  return new GranaryError('ARTIFACT_CORRUPT', `${origin} was changed after it was written (${why})`, {
    todo: 'Restore the file from a copy, or apply the definitions again.',
    details: { origin },
  });
}

/** Snapshots of before there were derived views lack the list: it is the same as an empty one. */
function snapshotId({ id: _, derived, ...content }: Partial<Snapshot>): string {
  return contentHash(derived === undefined || derived.length === 0 ? content : { ...content, derived });
}

type Named<K extends Definition['kind']> = Extract<Definition, { kind: K }>;

function sorted<K extends Definition['kind']>(definitions: readonly Definition[], kind: K): Named<K>[] {
  return definitions
    .filter((each): each is Named<K> => each.kind === kind)
    .map(({ site: _, ...definition }) => definition as Named<K>)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}
