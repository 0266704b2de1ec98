import {
  GranaryError,
  snapshotSchema,
  type Definition,
  type Entity,
  type FeatureView,
  type Snapshot,
  type Source,
} from '@granary/contracts';
import { fieldsOf } from '../expression.js';
import { freeze } from '../freeze.js';
import { problemsError } from '../problem.js';
import { validateDefinitions } from '../validate/validate.js';
import { contentHash } from './canonical.js';

/**
 * The immutable, content-addressed form of a set of definitions: sorted by name, without places, each view with its
 * version. The order of the declarations, their files and their layout don't change the id. Throws DEFINITION_INVALID.
 */
export function resolveSnapshot(definitions: readonly Definition[]): Snapshot {
  const problems = validateDefinitions(definitions);
  if (problems.length > 0) throw problemsError(problems);
  const entities = named(definitions, 'entity');
  const sources = named(definitions, 'source');
  const content = {
    format: 1 as const,
    entities,
    sources,
    views: named(definitions, 'featureView').map((view) => ({
      ...view,
      version: viewVersion(view, entities.find((each) => each.name === view.entity)!, sources.find((each) => each.name === view.source)!),
    })),
    services: named(definitions, 'featureService'),
    recommenders: named(definitions, 'recommender'),
    scorers: named(definitions, 'scorer'),
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

function corrupt(origin: string, why: string): GranaryError {
  return new GranaryError('ARTIFACT_CORRUPT', `${origin} was changed after it was written (${why})`, {
    todo: 'Restore the file from a copy, or apply the definitions again.',
    details: { origin },
  });
}

function snapshotId({ id: _, ...content }: Snapshot): string {
  return contentHash(content);
}

type Named<K extends Definition['kind']> = Extract<Definition, { kind: K }>;

function named<K extends Definition['kind']>(definitions: readonly Definition[], kind: K): Named<K>[] {
  return definitions
    .filter((each): each is Named<K> => each.kind === kind)
    .map(({ site: _, ...definition }) => definition as Named<K>)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/**
 * 12 hex digits of the hash of all that gives a view's stored values their meaning. Not the TTL: it is applied when values
 * are read. Not the source's file, nor fields that the view doesn't read.
 */
export function viewVersion(view: FeatureView, entity: Entity, source: Source): string {
  return contentHash({
    name: view.name,
    entity: { name: entity.name, keys: entity.keys },
    keyFields: view.keyFields,
    source: { name: source.name, eventId: source.eventId, eventTime: source.eventTime, knownAt: source.knownAt, fields: fieldsRead(view, source) },
    features: view.features,
  }).slice(0, 12);
}

function fieldsRead(view: FeatureView, source: Source): Source['fields'] {
  // Without an event id the whole row, in its order, says which event it is.
  if (source.eventId.length === 0) return source.fields;
  const read = new Set([...view.keyFields, ...source.eventId, source.eventTime, source.knownAt]);
  for (const { aggregate } of view.features) {
    read.add(aggregate.column);
    if (aggregate.where !== null) for (const name of fieldsOf(aggregate.where)) read.add(name);
  }
  return source.fields.filter((field) => read.has(field.name)).sort((a, b) => (a.name < b.name ? -1 : 1));
}
