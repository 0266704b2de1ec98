import { servedName, type Source, type SourceField } from '@granary/contracts';
import { checkFieldNames, checkName, declarationSite, freeze, invalid } from './declaration.js';
import type { Fields } from './entity.js';
import type { ArrayOf, Kind, Merge } from './kinds.js';
import { viewPart, type AnyView, type AnyViewUse, type KindsOf, type ServedBy } from './part.js';
import { fieldDefinitions, fieldNames, type SourceDeclaration, type TimedRows } from './source.js';
import { makeType, type Type } from './types.js';

export type SqlSourceOptions<F extends Fields> = {
  /** Gives each event a row of the fields; `{{payments}}` are the events of the input payments. */
  readonly sql: string;
  /** The sources that the query reads. */
  readonly inputs: readonly [SourceDeclaration, ...SourceDeclaration[]];
  readonly fields: F;
} & TimedRows<F> & Required<Pick<TimedRows<F>, 'eventId'>>;

/** A source of events that a query computes from other sources, whenever they are read. */
export function sqlSource<const F extends Fields>(name: string, { sql, inputs, fields, eventId, eventTime, knownAt }: SqlSourceOptions<F>): SourceDeclaration<F> {
  const site = declarationSite(sqlSource);
  const owner = `source ${name}`;
  checkName(site, 'source', name);
  checkFieldNames(site, owner, Object.keys(fields));
  if (Object.keys(fields).length === 0) throw invalid(site, `${owner} has no fields`, 'Give it those that the query gives.');
  const encoded = Object.entries(fields).find(([, { encoding }]) => encoding !== undefined);
  if (encoded !== undefined) throw invalid(site, `${owner}: ${encoded[0]} says how files write it, and a query is no file`, 'Use t.timestamp or t.array(…) as they are, and convert in the query.');
  const read = [...sql.matchAll(/\{\{\s*([^{}]*?)\s*\}\}/g)].map(([, input]) => input!);
  const known = inputs.map((input) => input.name);
  const stranger = read.find((input) => !known.includes(input));
  if (stranger !== undefined) throw invalid(site, `${owner}: its query reads {{${stranger}}}, which is not among its inputs`, `Add it to inputs, which are ${known.join(', ')}.`);
  const idle = known.find((input) => !read.includes(input));
  if (idle !== undefined) throw invalid(site, `${owner}: its query does not read the input ${idle}`, `Write {{${idle}}} where the query names its table, or take it out of inputs.`);
  const definition: Source = {
    kind: 'source',
    name,
    fields: fieldDefinitions(fields),
    eventId: fieldNames(eventId),
    eventTime,
    knownAt: knownAt ?? null,
    file: null,
    computed: { kind: 'sql', sql, inputs: known },
    site,
  };
  return freeze({ kind: 'source', name, fields, definition, uses: [...inputs] });
}

type EnrichingView<F extends Fields> = (AnyView | AnyViewUse) & { readonly asks?: (given: KindsOf<F>) => void };
type EnrichedFields<F extends Fields, V> = Merge<F | { readonly [N in keyof V]: V[N] extends Kind ? Type<V[N], V[N] extends ArrayOf<infer _E> ? never : null> : never }>;

/**
 * The events of another source, each with features as of its own time, as fields of the names they are served under: so a
 * view can be computed from what other views say. The event has the views' keys as fields; for other names there is
 * `view.keyedBy({ itemId: 'productId' })`, and against clashes of names `view.as('item')`.
 */
export function enriched<const F extends Fields, const P extends readonly [EnrichingView<F>, ...EnrichingView<F>[]]>(
  name: string,
  events: SourceDeclaration<F>,
  views: P,
): SourceDeclaration<EnrichedFields<F, Merge<ServedBy<P[number]>>>> {
  const site = declarationSite(enriched);
  const owner = `source ${name}`;
  checkName(site, 'source', name);
  const base = events.definition;
  if (base.eventTime === null) throw invalid(site, `${owner}: ${base.name} has no time to have features as of`, 'Enrich a source with an event time.');
  const parts = views.map((view) => viewPart(view));
  const added = new Map<string, Type>();
  for (const { view, use } of parts) {
    for (const name of use.features) {
      const served = servedName(use.alias, name);
      const { type } = view.definition.features.find((each) => each.name === name)!;
      if (type.kind === 'map') throw invalid(site, `${owner}: ${served} is a map, which no field can be`, 'Pick other features of its view.');
      if (Object.hasOwn(events.fields as Fields, served) || added.has(served)) {
        throw invalid(site, `${owner} has ${served} twice`, `Read ${view.name} under an alias: ${view.name}.as('its'), or pick other features of it.`);
      }
      added.set(served, makeType<Kind, null>(type, type.kind !== 'array'));
    }
  }
  const own = base.fields.map(({ name, type, nullable }): SourceField => ({ name, type, nullable }));
  const definition: Source = {
    kind: 'source',
    name,
    fields: [...own, ...fieldDefinitions(Object.fromEntries(added))],
    eventId: [...base.eventId],
    eventTime: base.eventTime,
    knownAt: base.knownAt,
    file: null,
    computed: { kind: 'enriched', events: base.name, views: parts.map(({ use }) => use) },
    site,
  };
  const fields = { ...events.fields, ...Object.fromEntries(added) } as unknown as EnrichedFields<F, Merge<ServedBy<P[number]>>>;
  return freeze({ kind: 'source', name, fields, definition, uses: [events, ...parts.map(({ view }) => view)] });
}
