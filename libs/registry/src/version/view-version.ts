import { fieldsRead, named, servedName, viewId, type AggregateFunction, type Entity, type Feature, type FeatureView, type Source, type ViewFeatures } from '@granary/contracts';
import { contentHash } from './canonical.js';

/** What views refer to. */
export interface Definitions {
  readonly entities: readonly Entity[];
  readonly sources: readonly Source[];
  readonly views: readonly FeatureView[];
}

/**
 * 12 hex digits of the hash of all that gives a view's stored values their meaning; of a computed source that is what its
 * events are computed from, to the stored ones. Not the TTL: it is applied when values are read. Not the source's file,
 * nor fields that the view doesn't read.
 */
export function viewVersion(view: FeatureView, all: Definitions): string {
  return contentHash(viewMeaning(view, all)).slice(0, 12);
}

function viewMeaning(view: FeatureView, all: Definitions): unknown {
  const entity = named(all.entities, view.entity);
  const read = [...view.keyFields, ...view.features.flatMap((feature) => fieldsRead(feature.aggregate))];
  return {
    name: view.name,
    entity: { name: entity.name, keys: entity.keys },
    keyFields: view.keyFields,
    source: sourceMeaning(named(all.sources, view.source), read, all),
    features: view.features.map(featureMeaning),
  };
}

/** What a function computes now, where a former release computed or stored something else under the same declaration. */
const COMPUTES: Readonly<Partial<Record<AggregateFunction, string>>> = { approxCountDistinct: 'the 1024 smallest hashes' };

function featureMeaning(feature: Feature): unknown {
  const computes = COMPUTES[feature.aggregate.fn];
  return computes === undefined ? feature : { ...feature, computes };
}

/** What a source's events mean to someone who reads these fields; undefined: all of them. */
function sourceMeaning(source: Source, read: readonly string[] | undefined, all: Definitions): unknown {
  const { name, eventId, eventTime, knownAt, computed } = source;
  const fields = fieldsOf(source, read);
  return { name, eventId, eventTime, knownAt, fields, ...(computed === undefined ? {} : { computed: computedMeaning(computed, fields.map((field) => field.name), all) }) };
}

function fieldsOf(source: Source, read: readonly string[] | undefined): Source['fields'] {
  // Without an event id the whole row, in its order, says which event it is.
  if (read === undefined || source.eventId.length === 0) return source.fields;
  const wanted = new Set<string | null>([...read, ...source.eventId, source.eventTime, source.knownAt]);
  return source.fields.filter((field) => wanted.has(field.name)).sort((a, b) => (a.name < b.name ? -1 : 1));
}

function computedMeaning(computed: NonNullable<Source['computed']>, read: readonly string[], all: Definitions): unknown {
  // A query may read whatever its inputs have, by name or by *.
  if (computed.kind === 'sql') return { sql: computed.sql, inputs: [...computed.inputs].sort().map((input) => sourceMeaning(named(all.sources, input), undefined, all)) };
  const uses = [...computed.views]
    .sort((a, b) => (viewId(a) < viewId(b) ? -1 : 1))
    .map(({ view: name, alias, keys, features }) => {
      const view = named(all.views, name);
      const taken = view.features.filter((feature) => features.includes(feature.name) && read.includes(servedName(alias, feature.name)));
      return { alias, keys, view: { ...view, features: taken.sort((a, b) => (a.name < b.name ? -1 : 1)) } };
    })
    .filter(({ view }) => view.features.length > 0);
  const asked = uses.flatMap(({ view, keys }) => askedOfEvent(view, keys, all));
  return {
    events: sourceMeaning(named(all.sources, computed.events), [...read, ...asked], all),
    // An expired value is no value, so the ttl counts for whoever reads on.
    uses: uses.map(({ view, ...use }) => ({ ...use, ttlMs: view.ttlMs, view: viewMeaning(view, all) })),
  };
}

/** The fields of an event that say for whom its features are, and those that windows read which include the event. */
function askedOfEvent(view: FeatureView, keys: ViewFeatures['keys'], all: Definitions): readonly string[] {
  const including = view.features.filter((feature) => feature.aggregate.window?.includeRequest === true);
  return [...named(all.entities, view.entity).keys.map(({ name }) => keys?.[name] ?? name), ...including.flatMap((feature) => fieldsRead(feature.aggregate))];
}
