import { EVENT, clickhouseType, identifier, named, servedName, type ComputedSource, type FeatureService, type Snapshot, type Source, type Statement } from '@granary/contracts';
import { compileDataset } from './dataset.js';
import { Emitter, list } from './emit.js';
import { emitArrived, emitRowNumber, type EventScope } from './events.js';
import { SPINE } from './spine-table.js';
import { emitSql } from './sql-template.js';
import { QUERY, emitTyped } from './typed-column.js';

type Sql = Extract<ComputedSource, { kind: 'sql' }>;
type Enriched = Extract<ComputedSource, { kind: 'enriched' }>;
/** A source that is computed in a given way. */
export type SqlSource = Source & { readonly computed: Sql };
export type EnrichedSource = Source & { readonly computed: Enriched };

/** The query of a SQL source, its inputs put in: of each the last versions of its events at the horizon, with its declared fields. */
export function compileSqlQuery(snapshot: Snapshot, source: SqlSource, scope: EventScope = {}): Statement {
  const emitter = new Emitter();
  return emitter.statement(emitQuery(emitter, snapshot, source, scope));
}

/**
 * The events of a SQL source, in the columns of an events table: one of each id (and known-at, where it declares one),
 * numbered in order of time. A value that is not as declared fails the statement by `throwIf`, with a message for its author.
 */
export function compileSqlEvents(snapshot: Snapshot, source: SqlSource, scope: EventScope = {}): Statement {
  const emitter = new Emitter();
  const fields = source.fields.map((field) => `${emitTyped(emitter, `source ${source.name}`, field)} AS ${identifier(field.name)}`);
  const [id, time, knownAt, sequence] = [EVENT.id, EVENT.time, EVENT.knownAt, EVENT.sequence].map(identifier) as [string, string, string, string];
  const instant = source.eventTime === null ? "fromUnixTimestamp64Milli(toInt64(0), 'UTC')" : emitInstant(source, source.eventTime);
  const known = source.knownAt === null ? instant : `ifNull(${identifier(source.knownAt)}, ${instant})`;
  const names = source.fields.map((field) => identifier(field.name));
  // Of several rows of one id the first by time, then by content: any would do, but always the same.
  const nth = emitRowNumber([time, `cityHash64(tuple(${names.join(', ')}))`], source.knownAt === null ? [id] : [id, knownAt]);
  return emitter.statement(`SELECT ${[id, time, knownAt].join(', ')}, ${emitRowNumber([time, knownAt, id])} AS ${sequence}, ${names.join(', ')}
FROM (
  SELECT ${[id, time, knownAt, ...names].join(', ')}, ${nth} AS ${identifier(NTH)}
  FROM (
    SELECT ${emitId(source)} AS ${id}, ${instant} AS ${time}, ${known} AS ${knownAt}, ${names.join(', ')}
    FROM (
      SELECT
${list(fields).replaceAll(/^/gm, '      ')}
      FROM (
${emitQuery(emitter, snapshot, source, scope)}
      ) AS ${identifier(QUERY)}
    )
  )
)
WHERE ${identifier(NTH)} = 1`);
}

const NTH = '__nth';
/** The spine of an enriched source: every version of its base's events, as of its own time. */
export function compileEnrichedSpine(snapshot: Snapshot, source: EnrichedSource, scope: EventScope = {}): Statement {
  const emitter = new Emitter();
  const base = named(snapshot.sources, source.computed.events);
  const fields = base.fields.map((field) => field.name);
  const own = [
    `${identifier(EVENT.sequence)} AS ${identifier(SPINE.row)}`,
    `${identifier(EVENT.time)} AS ${identifier(SPINE.time)}`,
    ...[SPINE.eventId, EVENT.knownAt, EVENT.sequence].map(identifier),
  ];
  return emitter.statement(`SELECT ${[...own, ...fields.map(identifier)].join(', ')}\nFROM ${emitArrived(emitter, base, fields, scope)}`);
}

/** The events of an enriched source, in the columns of an events table; `spine` is a table of what `compileEnrichedSpine` gives. */
export function compileEnrichedEvents(snapshot: Snapshot, source: EnrichedSource, spine: string, scope: EventScope = {}): Statement {
  const { views } = source.computed;
  const served = new Set(views.flatMap((use) => use.features.map((name) => servedName(use.alias, name))));
  const carried = source.fields.map((field) => field.name).filter((name) => !served.has(name));
  const service: FeatureService = { kind: 'featureService', name: source.name, views, request: [] };
  const base = named(snapshot.sources, source.computed.events);
  // Older versions of a corrected event are rows too, with what they said.
  const events = base.knownAt === null ? base.name : undefined;
  const columns = [SPINE.eventId, SPINE.time, EVENT.knownAt, EVENT.sequence, ...carried];
  const { sql, params } = compileDataset(snapshot, service, { table: spine, columns, events }, scope);
  const fields = source.fields.map(({ name, type, nullable }) => {
    const stored = nullable ? `Nullable(${clickhouseType(type)})` : clickhouseType(type);
    return served.has(name) ? `CAST(${identifier(name)} AS ${stored}) AS ${identifier(name)}` : identifier(name);
  });
  const own = [identifier(EVENT.id), `${identifier(SPINE.time)} AS ${identifier(EVENT.time)}`, identifier(EVENT.knownAt), identifier(EVENT.sequence)];
  return { sql: `SELECT ${[...own, ...fields].join(', ')}\nFROM (\n${sql.replaceAll(/^/gm, '  ')}\n)`, params };
}

function emitQuery(emitter: Emitter, snapshot: Snapshot, { name, computed }: SqlSource, scope: EventScope): string {
  return emitSql(emitter, snapshot, `source ${name}`, computed, scope);
}

/**
 * The id of the row's event: the declared fields' texts with their lengths, so that ('ab', 'c') and ('a', 'bc') differ;
 * else the hash of all, in a tuple, for a hash of several values is null where one of them is.
 */
function emitId({ fields, eventId }: Source): string {
  const all = fields.map((field) => identifier(field.name));
  if (eventId.length === 0) return `hex(sipHash128(tuple(${all.join(', ')})))`;
  const parts = eventId.map((name) => {
    const text = `toString(${identifier(name)})`;
    return `ifNull(concat(toString(length(${text})), ':', ${text}), 'n')`;
  });
  return `assumeNotNull(concat(${[...parts, "''"].join(', ')}))`;
}

function emitInstant({ name, fields }: Source, time: string): string {
  const column = identifier(time);
  return named(fields, time).nullable ? `assumeNotNull(if(throwIf(isNull(${column}), '${name}: ${time} is null') = 1, NULL, ${column}))` : column;
}
