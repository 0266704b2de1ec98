import type { Expression, Feature, FeatureState, Source, Value, VersionedView } from '@granary/contracts';

/**
 * What features mean, as plainly as it can be said: sort, filter, fold. Shares no code with the compiler, the window
 * maths or the online path, because it judges them.
 */
export interface OracleEvent {
  readonly id: string;
  readonly time: number;
  readonly knownAt: number;
  readonly row: Readonly<Record<string, Value | null>>;
}

export interface Question {
  readonly key: readonly Value[];
  readonly at: number;
  /** The row of the request, for windows that include it. */
  readonly request: Readonly<Record<string, Value | null>>;
  /** The id of the event that the request is, or ''. */
  readonly eventId: string;
}

export interface Answer {
  readonly value: Value | null;
  readonly state: FeatureState;
}

interface Arrived extends OracleEvent {
  readonly sequence: number;
}

/** Events in order of arrival; an id that came before is the same event (with known-at: the same version of it). */
export function arrive(source: Source, events: readonly OracleEvent[]): readonly Arrived[] {
  const seen = new Set<string>();
  const arrived: Arrived[] = [];
  for (const event of events) {
    const identity = source.knownAt === null ? event.id : `${event.id}@${event.knownAt}`;
    if (seen.has(identity)) continue;
    seen.add(identity);
    arrived.push({ ...event, sequence: arrived.length + 1 });
  }
  return arrived;
}

export function ask(view: VersionedView, arrived: readonly Arrived[], question: Question): Record<string, Answer> {
  const answers: Record<string, Answer> = {};
  for (const feature of view.features) answers[feature.name] = askFeature(view, feature, arrived, question);
  return answers;
}

function askFeature(view: VersionedView, feature: Feature, arrived: readonly Arrived[], question: Question): Answer {
  const { at } = question;
  const window = feature.aggregate.window;
  const includeRequest = window?.includeRequest === true;
  const versions = arrived.filter((event) => event.knownAt <= at);
  let known = versions.filter((event) => !versions.some((other) => other.id === event.id && newer(other, event)));
  if (includeRequest && question.eventId !== '') known = known.filter((event) => event.id !== question.eventId);
  known = known.filter((event) => event.time <= at && view.keyFields.every((field, i) => event.row[field] === question.key[i]));
  known = [...known].sort((a, b) => (newer(a, b, true) ? 1 : -1));

  if (!includeRequest) {
    if (known.length === 0) return { value: null, state: 'missing' };
    const last = Math.max(...known.map((event) => event.time));
    if (view.ttlMs !== null && last < at - view.ttlMs) return { value: null, state: 'expired' };
  }
  const inside = window === null ? known : known.filter((event) => insideWindow(window, event.time, at));
  const rows = inside.map((event) => event.row);
  if (includeRequest) rows.push(question.request);
  const value = fold(feature, rows);
  return { value, state: value === null ? 'null' : 'present' };
}

function newer(a: Arrived, b: Arrived, byTime = false): boolean {
  if (byTime && a.time !== b.time) return a.time > b.time;
  return a.knownAt !== b.knownAt ? a.knownAt > b.knownAt : a.sequence > b.sequence;
}

function insideWindow(window: NonNullable<Feature['aggregate']['window']>, time: number, at: number): boolean {
  const start = window.sizeMs === null ? -Infinity : at - window.delayMs - window.sizeMs;
  const end = at - window.delayMs;
  const afterStart = window.bounds[0] === '[' ? time >= start : time > start;
  const beforeEnd = window.bounds[1] === ']' ? time <= end : time < end;
  return afterStart && beforeEnd;
}

function fold({ aggregate, type }: Feature, rows: readonly Readonly<Record<string, Value | null>>[]): Value | null {
  const counted = rows.filter((row) => aggregate.where === null || holds(aggregate.where, row) === true);
  const fallback = aggregate.default === null ? null : type.kind === 'int64' ? BigInt(aggregate.default.value) : aggregate.default.value;
  if (aggregate.fn === 'latest') return counted.at(-1)![aggregate.column!] ?? fallback;
  if (aggregate.fn === 'count') return counted.length === 0 ? (fallback ?? 0) : counted.length;
  const values = counted.map((row) => row[aggregate.column!]).filter((value) => value !== null && value !== undefined);
  if (values.length === 0) return fallback ?? (aggregate.fn === 'sum' ? (type.kind === 'int64' ? 0n : 0) : null);
  switch (aggregate.fn) {
    case 'sum':
      return type.kind === 'int64' ? values.reduce<bigint>((a, b) => a + BigInt(b as bigint), 0n) : values.reduce<number>((a, b) => a + Number(b), 0);
    case 'avg':
      return values.reduce<number>((a, b) => a + Number(b), 0) / values.length;
    case 'min':
      return values.reduce((a, b) => (before(b, a) ? b : a));
    case 'max':
      return values.reduce((a, b) => (before(a, b) ? b : a));
    case 'last':
      return values.at(-1)!;
    default:
      throw new Error(`${aggregate.fn} is not built yet`);
  }
}

function before(a: Value, b: Value): boolean {
  if (typeof a === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b as string)) < 0;
  return a < b;
}

function holds(where: Expression, row: Readonly<Record<string, Value | null>>): boolean | null {
  if (where.kind !== 'call') throw new Error('a condition is a call');
  const { fn, args } = where;
  if (fn === 'not') return negate(holds(args[0]!, row));
  if (fn === 'and' || fn === 'or') {
    const answers = args.map((arg) => holds(arg, row));
    const decisive = fn === 'or';
    return answers.includes(decisive) ? decisive : answers.includes(null) ? null : !decisive;
  }
  const field = args[0] as { readonly name: string };
  const value = row[field.name] ?? null;
  if (fn === 'isNull') return value === null;
  if (value === null) return null;
  const others = args.slice(1).map((arg) => {
    if (arg.kind !== 'literal') throw new Error('compared to a literal');
    return arg.type.kind === 'int64' ? BigInt(arg.value) : arg.value;
  });
  const other = others[0]!;
  switch (fn) {
    case 'in':
      return others.some((each) => each === value);
    case 'eq':
      return value === other;
    case 'ne':
      return value !== other;
    case 'lt':
      return before(value, other);
    case 'lte':
      return !before(other, value);
    case 'gt':
      return before(other, value);
    case 'gte':
      return !before(value, other);
    default:
      throw new Error(`${fn} is not built yet`);
  }
}

function negate(answer: boolean | null): boolean | null {
  return answer === null ? null : !answer;
}
