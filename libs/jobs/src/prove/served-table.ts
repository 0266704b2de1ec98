import { formatInstant, named, parseValue, resolveService, valueMap, type FeatureState, type FeatureValue, type FieldType, type Instant, type Scalar, type ServedRow, type Snapshot, type Value } from '@granary/contracts';
import type { OfflineStore, Row } from '@granary/offline-store';

const TABLE = 'granary_served';
const COLUMNS = ['served_at', 'service', 'snapshot', 'as_of', 'asked', 'features', 'horizons'] as const;

/** Stores what was served: what `ServingLog` writes with. */
export async function appendServed(store: OfflineStore, rows: readonly ServedRow[]): Promise<void> {
  await store.insertRows(TABLE, COLUMNS, rows.map(({ servedAt, service, snapshot, asOf, asked, values, horizons }) => {
    const features = Object.fromEntries(Object.entries(values).map(([name, { state, eventTime, value }]) => [name, [state, eventTime, value]]));
    return [instantText(servedAt), service, snapshot, instantText(asOf), toText(asked), toText(features), toText(horizons)];
  }));
}

/** A text without a zone is in the column's own, UTC. */
function instantText(instant: Instant): string {
  return formatInstant(instant).replace('T', ' ').replace('Z', '');
}

/** JSON in which int64 and floats that are no numbers are text; the types tell them from texts. */
function toText(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' || (typeof each === 'number' && !Number.isFinite(each)) ? String(each) : each));
}

/** A row as it is stored: it can't be read without its snapshot. */
export interface StoredServedRow {
  readonly id: string;
  readonly servedAt: Instant;
  readonly service: string;
  readonly snapshot: string;
  readonly asOf: Instant;
  readonly row: Row;
}

export interface ServedFilter {
  /** Default: all. */
  readonly service?: string | undefined;
  /** Served at or after; default: ever. */
  readonly since?: Instant | undefined;
  /** The share of rows, 0 to 1, always the same of them. Default 1. */
  readonly sample?: number | undefined;
}

const PAGE = 1_000;
const SHARES = 1_000_000;

/** Pages of rows of one service and snapshot each. */
export async function* readServed(store: OfflineStore, { service, since, sample = 1 }: ServedFilter, signal?: AbortSignal): AsyncGenerator<readonly StoredServedRow[]> {
  const conditions = [
    ...(service === undefined ? [] : ['service = {service:String}']),
    ...(since === undefined ? [] : ["served_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')"]),
    ...(sample >= 1 ? [] : ['cityHash64(id) % {shares:UInt64} < {share:UInt64}']),
  ];
  const params = { service: service ?? '', since: since ?? 0, shares: SHARES, share: Math.round(sample * SHARES) };
  const place = '(service, snapshot, served_at, id)';
  let after: StoredServedRow | undefined;
  for (;;) {
    const beyond = after === undefined ? [] : [`${place} > ({lastService:String}, {lastSnapshot:String}, fromUnixTimestamp64Milli({lastAt:Int64}, 'UTC'), {lastId:UUID})`];
    const last = after === undefined ? {} : { lastService: after.service, lastSnapshot: after.snapshot, lastAt: after.servedAt, lastId: after.id };
    const where = [...conditions, ...beyond];
    const sql = `SELECT id, ${COLUMNS.join(', ')} FROM ${TABLE}${where.length === 0 ? '' : ` WHERE ${where.join(' AND ')}`} ORDER BY ${place} LIMIT ${PAGE}`;
    const rows = (await store.rows({ sql, params: { ...params, ...last } }, { comment: 'prove', signal })).map(storedRow);
    for (const page of bySnapshot(rows)) yield page;
    if (rows.length < PAGE) return;
    after = rows.at(-1);
  }
}

function storedRow(row: Row): StoredServedRow {
  return { id: row['id'] as string, servedAt: row['served_at'] as Instant, service: row['service'] as string, snapshot: row['snapshot'] as string, asOf: row['as_of'] as Instant, row };
}

function bySnapshot(rows: readonly StoredServedRow[]): readonly (readonly StoredServedRow[])[] {
  const pages: StoredServedRow[][] = [];
  for (const row of rows) {
    const page = pages.at(-1);
    if (page !== undefined && page[0]!.service === row.service && page[0]!.snapshot === row.snapshot) page.push(row);
    else pages.push([row]);
  }
  return pages;
}

/** Reads stored rows of a service of the snapshot. Throws a GranaryError or a SyntaxError for a row that is not what it should be. */
export function servedRowReader(snapshot: Snapshot, serviceName: string): (stored: StoredServedRow) => ServedRow {
  const service = resolveService(snapshot, named(snapshot.services, serviceName));
  const given = [...service.keys, ...service.request];
  return ({ servedAt, asOf, row }) => {
    const asked = JSON.parse(row['asked'] as string) as Record<string, unknown>;
    const features = JSON.parse(row['features'] as string) as Record<string, [FeatureState, Instant | null, unknown]>;
    const valueOf = (name: string, type: FieldType): FeatureValue => {
      const [state, eventTime, value] = features[name]!;
      return { state, eventTime, value: state === 'present' ? fromJson(type, value) : null };
    };
    return {
      servedAt,
      service: serviceName,
      snapshot: snapshot.id,
      asOf,
      asked: Object.fromEntries(given.map(({ name, type }) => [name, fromJson(type, asked[name])])),
      values: Object.fromEntries(service.features.map(({ name, type }) => [name, valueOf(name, type)])),
      horizons: JSON.parse(row['horizons'] as string) as Record<string, number>,
    };
  };
}

/** What `toText` wrote of a value. */
function fromJson(type: FieldType, json: unknown): Value {
  if (type.kind === 'array') return (json as readonly unknown[]).map((each) => fromJson(type.of, each) as Scalar);
  if (type.kind === 'map') return valueMap(Object.entries(json as object).map(([key, each]) => [key, fromJson(type.of, each) as Scalar]));
  if ((type.kind === 'float64' || type.kind === 'float32') && typeof json === 'string') return Number(json);
  return parseValue(type, json);
}
