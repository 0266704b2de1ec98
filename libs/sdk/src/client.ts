import { ERROR_CODES, GranaryError, graphqlRootFields, graphqlTypeName, parseValue, toJson, type ErrorCode, type Feature, type FeatureState, type FeatureView, type FieldType, type Value } from '@granary/contracts';
import type { FeatureServiceDeclaration, RequestFor, RowOf } from './feature-service.js';

export interface ConnectOptions {
  /** The serving API, without a path: `http://127.0.0.1:4000`. */
  readonly url: string;
  /** Sent with every request, such as `authorization`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** How long an answer may take. Default 10,000. */
  readonly timeoutMs?: number;
}

/** Reads one feature service; rows are typed by its declaration. */
export interface FeatureClient<S> {
  get(request: RequestFor<S>): Promise<RowOf<S>>;
  /** In the order of the requests, with one call of the server. */
  getMany(requests: readonly RequestFor<S>[]): Promise<RowOf<S>[]>;
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
  const { definition } = service;
  const views = new Map(service.uses.map((view) => [view.name, view.definition as FeatureView]));
  const features: readonly Feature[] = definition.views.flatMap(({ view, features: names }) =>
    names.map((name) => views.get(view)!.features.find((feature) => feature.name === name)!),
  );
  const keys = service.uses.flatMap((view) => view.uses).flatMap((each) => (each.definition.kind === 'entity' ? each.definition.keys : []));
  const fields: ReadonlyMap<string, FieldType> = new Map([...keys, ...definition.request].map(({ name, type }) => [name, type]));
  const [, field] = graphqlRootFields({ kind: 'featureService', name: service.name }) as readonly [string, string];
  const selection = features.map((feature) => `${feature.name} { value state }`).join(' ');
  const query = `query ($entities: [${graphqlTypeName(service.name)}Key!]!) { ${field}(entities: $entities) { ${selection} } }`;

  async function getMany(requests: readonly RequestFor<S>[]): Promise<RowOf<S>[]> {
    const entities = requests.map((request) => written(fields, request));
    const data = await post(options, { query, variables: { entities } });
    return (data[field] as readonly ServedRow[]).map((row) => read(features, row) as RowOf<S>);
  }
  return { getMany, get: async (request) => (await getMany([request]))[0]! };
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

function read(features: readonly Feature[], row: ServedRow): object {
  const values: Record<string, Value | null> = {};
  const $state: Record<string, FeatureState> = {};
  for (const { name, type } of features) {
    const { value, state } = row[name]!;
    values[name] = value === null ? null : parseValue(type, value);
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
