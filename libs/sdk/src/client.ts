import {
  ERROR_CODES,
  GranaryError,
  formatInstant,
  graphqlAsOfName,
  graphqlRootFields,
  graphqlTypeName,
  parseInstant,
  parseValue,
  resolveService,
  toJson,
  type Derived,
  type Entity,
  type ErrorCode,
  type FeatureState,
  type FieldType,
  type ServedFeature,
  type Snapshot,
  type Source,
  type Value,
  type VersionedView,
} from '@granary/contracts';
import type { Declaration } from './declaration.js';
import type { FeatureServiceDeclaration, RequestFor, RowOf } from './feature-service.js';

export interface ConnectOptions {
  /** The serving API, without a path: `http://127.0.0.1:4000`. */
  readonly url: string;
  /** Sent with every request, such as `authorization`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** How long an answer may take. Default 10,000. */
  readonly timeoutMs?: number;
}

export interface ReadOptions {
  /**
   * As of when: epoch milliseconds, ISO 8601 or a Date. Default: now. What is too far back for the online store is computed from the
   * stored events, in tens of milliseconds; a server without them throws STORE_UNAVAILABLE.
   */
  readonly at?: number | string | Date | undefined;
}

/** Reads one feature service; rows are typed by its declaration. */
export interface FeatureClient<S> {
  get(request: RequestFor<S>, options?: ReadOptions): Promise<RowOf<S>>;
  /** In the order of the requests, with one call of the server; all as of the same instant. */
  getMany(requests: readonly RequestFor<S>[], options?: ReadOptions): Promise<RowOf<S>[]>;
}

export interface GranaryClient {
  features<S extends FeatureServiceDeclaration>(service: S): FeatureClient<S>;
}

/**
 * A client of the serving API. int64 values are bigints and timestamps epoch milliseconds, both ways. Throws
 * GranaryErrors with the server's code; STORE_UNAVAILABLE where no answer comes, SCHEMA_MISMATCH where the server serves
 * other declarations than these.
 */
export function connect(options: ConnectOptions): GranaryClient {
  return { features: (service) => featureClient(service, options) };
}

function featureClient<S extends FeatureServiceDeclaration>(service: S, options: ConnectOptions): FeatureClient<S> {
  const { features, keys, request } = resolveService(declared(service), service.definition);
  const fields: ReadonlyMap<string, FieldType> = new Map([...keys, ...request].map(({ name, type }) => [name, type]));
  const [, field] = graphqlRootFields(service) as readonly [string, string];
  const selection = features.map(({ name, type }) => `${name} { value${type.kind === 'map' ? ' { key value }' : ''} state }`).join(' ');
  const asOf = graphqlAsOfName([...fields.keys()]);
  const query = `query ($entities: [${graphqlTypeName(service.name)}Key!]!, $at: Timestamp) { ${field}(entities: $entities, ${asOf}: $at) { ${selection} } }`;

  async function getMany(requests: readonly RequestFor<S>[], { at }: ReadOptions = {}): Promise<RowOf<S>[]> {
    const entities = requests.map((request) => written(fields, request));
    const data = await post(options, { query, variables: { entities, ...(at === undefined ? {} : { at: formatInstant(parseInstant(at)) }) } });
    return (data[field] as readonly ServedRow[]).map((row) => read(features, row) as RowOf<S>);
  }
  return { getMany, get: async (request, read) => (await getMany([request], read))[0]! };
}

/** What the service refers to, as the registry has it, but without versions: a client has none. */
function declared(service: FeatureServiceDeclaration): Snapshot {
  const snapshot = { format: 1 as const, id: '', entities: [] as Entity[], sources: [] as Source[], views: [] as VersionedView[], derived: [] as Derived[], services: [], recommenders: [], scorers: [] };
  const collect = ({ definition, uses }: Declaration): void => {
    if (definition.kind === 'entity') snapshot.entities.push(definition);
    if (definition.kind === 'source') snapshot.sources.push(definition);
    if (definition.kind === 'featureView') snapshot.views.push({ ...definition, version: '' });
    if (definition.kind === 'derived') snapshot.derived.push(definition);
    uses.forEach(collect);
  };
  collect(service);
  return snapshot;
}

/** A request as JSON. What isn't of its type stays as it is: the server says what is wrong with it. */
function written(fields: ReadonlyMap<string, FieldType>, request: object): Record<string, unknown> {
  const given = request as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    [...fields].map(([name, type]) => {
      const value = given[name];
      if (typeof value === 'bigint') return [name, String(value)];
      return [name, type.kind === 'timestamp' && typeof value === 'number' && Number.isInteger(value) ? toJson(type, value) : value];
    }),
  );
}

type ServedRow = Readonly<Record<string, { readonly value: unknown; readonly state: string }>>;

interface Entry {
  readonly key: string;
  readonly value: unknown;
}

function entries(list: readonly Entry[]): object {
  return Object.fromEntries(list.map(({ key, value }) => [key, value]));
}

function read(features: readonly ServedFeature[], row: ServedRow): object {
  const values: Record<string, Value | null> = {};
  const $state: Record<string, FeatureState> = {};
  for (const { name, type } of features) {
    const { value, state } = row[name]!;
    values[name] = value === null ? null : parseValue(type, type.kind === 'map' ? entries(value as readonly Entry[]) : value);
    $state[name] = state.toLowerCase() as FeatureState;
  }
  return { ...values, $state };
}

interface Answer {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly { readonly message: string; readonly extensions?: Readonly<Record<string, unknown>> }[];
}

async function post({ url, headers = {}, timeoutMs = 10_000 }: ConnectOptions, body: object): Promise<Readonly<Record<string, unknown>>> {
  const answer = await exchange(`${url.replace(/\/+$/, '')}/graphql`, { 'content-type': 'application/json', ...headers }, body, timeoutMs);
  const [error] = answer.errors ?? [];
  if (error !== undefined) throw serverError(error);
  if (answer.data == null) throw unavailable(url, 'it gave no GraphQL answer', undefined);
  return answer.data;
}

async function exchange(endpoint: string, headers: Readonly<Record<string, string>>, body: object, timeoutMs: number): Promise<Answer> {
  try {
    const response = await fetch(endpoint, { method: 'POST', headers, body: JSON.stringify(body), signal: AbortSignal.timeout(timeoutMs) });
    return (await response.json()) as Answer;
  } catch (cause) {
    throw unavailable(endpoint, (cause as Error).message, cause);
  }
}

function unavailable(url: string, reason: string, cause: unknown): GranaryError {
  return new GranaryError('STORE_UNAVAILABLE', `The serving API at ${url} can't be used: ${reason}`, {
    todo: 'Check that it runs (granary up), and that the URL is right.',
    details: { url },
    ...(cause === undefined ? {} : { cause }),
  });
}

const GRAPHQL_CODES: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  GRAPHQL_VALIDATION_FAILED: ['SCHEMA_MISMATCH', 'The server serves other declarations than this client has: apply them, or update the client.'],
  BAD_USER_INPUT: ['INVALID_VALUE', 'Give values of the declared types.'],
  BODY_TOO_LARGE: ['TOO_MANY_ENTITIES', 'Ask for fewer in one call.'],
};

function serverError({ message, extensions = {} }: NonNullable<Answer['errors']>[number]): GranaryError {
  const { code, todo, details, id } = extensions;
  const known = (ERROR_CODES as readonly unknown[]).includes(code);
  const [ours, hint] = known ? [code as ErrorCode, todo as string | undefined] : (GRAPHQL_CODES[String(code)] ?? ['QUERY_FAILED', "Look into the server's log."]);
  return new GranaryError(ours, message, {
    ...(typeof hint === 'string' ? { todo: hint } : {}),
    details: { ...(details as object | undefined), ...(known ? {} : { serverCode: code }), ...(id === undefined ? {} : { id }) },
  });
}
