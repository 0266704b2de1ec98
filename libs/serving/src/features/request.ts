import { GranaryError, formatType, isGranaryError, parseKey, parseValue, type EntityKey, type Value } from '@granary/contracts';
import type { ServicePlan } from './plan.js';

/** What a caller gives to read one row, as it came: keys and request fields by name. */
export type FeatureRequest = Readonly<Record<string, unknown>>;

export interface ParsedRequest {
  /** In the order of the plan's subjects. */
  readonly keys: readonly EntityKey[];
  /** Of the plan's `given`, by name. */
  readonly fields: Readonly<Record<string, Value>>;
}

/** Throws MISSING_KEY, INVALID_KEY and INVALID_VALUE. */
export function parseRequest(plan: ServicePlan, request: FeatureRequest): ParsedRequest {
  assertRecord(request);
  return { keys: plan.subjects.map((subject) => parseKey(subject, request)), fields: parseFields(plan, request) };
}

export function parseFields(plan: ServicePlan, request: FeatureRequest): Readonly<Record<string, Value>> {
  const fields: Record<string, Value> = {};
  for (const field of plan.given) fields[field.name] = parseField(plan.service.name, field, request[field.name]);
  return fields;
}

function parseField(service: string, { name, type }: ServicePlan['service']['request'][number], value: unknown): Value {
  const options = { todo: `Give ${name} as ${formatType(type)}.`, details: { service, field: name } };
  if (value === undefined || value === null) throw new GranaryError('INVALID_VALUE', `${service} needs the request's ${name}`, options);
  try {
    return parseValue(type, value);
  } catch (cause) {
    throw new GranaryError('INVALID_VALUE', `${name} of ${service}: ${(cause as Error).message}`, { ...options, cause });
  }
}

/**
 * What an event of the view's source would hold if the request were one: its fields, and the keys under the names they
 * have in the source.
 */
export function requestRow(keyFields: readonly string[], key: EntityKey, fields: Readonly<Record<string, Value>>): Readonly<Record<string, Value>> {
  const row: Record<string, Value> = { ...fields };
  keyFields.forEach((name, i) => (row[name] = key[i]!));
  return row;
}

/** Reads each of many requests; a mistake says which one has it. */
export function readEach<T>(requests: readonly FeatureRequest[], read: (request: FeatureRequest, index: number) => T): T[] {
  return requests.map((request, index) => {
    try {
      return read(request, index);
    } catch (error) {
      if (!isGranaryError(error) || requests.length === 1) throw error;
      throw new GranaryError(error.code, `Entity ${index + 1} of ${requests.length}: ${error.message}`, {
        ...(error.todo === undefined ? {} : { todo: error.todo }),
        details: { ...error.details, index },
        cause: error,
      });
    }
  });
}

export function assertFewEnough(count: number, limit: number): void {
  if (count <= limit) return;
  throw new GranaryError('TOO_MANY_ENTITIES', `${count} entities are asked for at once; the limit is ${limit}`, {
    todo: `Ask for at most ${limit} in one request.`,
    details: { count, limit },
  });
}

export function assertRecord(request: unknown): asserts request is FeatureRequest {
  if (typeof request === 'object' && request !== null && !Array.isArray(request)) return;
  throw new GranaryError('INVALID_VALUE', 'A request is an object of keys and request fields by name', { todo: 'Give an object such as { userId: 42 }.' });
}
