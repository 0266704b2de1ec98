import { named, type Aggregate, type Expression, type FeatureView, type Source } from '@granary/contracts';
import type { EventCondition, EventSchema } from './event-schema.js';

/** Where the kept events hold what a feature reads: positions in their schema, null for what it doesn't have. */
export interface EventPlace {
  readonly where: number | null;
  readonly predicate: number | null;
  readonly column: number | null;
}

export function eventSchemaOf({ features }: Pick<FeatureView, 'features'>, { fields, knownAt }: Pick<Source, 'fields' | 'knownAt'>): EventSchema {
  const aggregates = features.map(({ aggregate }) => aggregate);
  const conditions = new Map(aggregates.flatMap(conditionsOf).map((condition) => [keyOf(condition.kind, condition.expression), condition]));
  const columns = new Set(aggregates.flatMap(({ column }) => (column === null ? [] : [column])));
  return { conditions: [...conditions.values()], columns: [...columns].map((column) => named(fields, column)), knownAt: knownAt !== null };
}

export function placeOf({ conditions, columns }: EventSchema, { where, predicate, column }: Aggregate): EventPlace {
  const condition = (kind: EventCondition['kind'], expression: Expression | null): number | null =>
    expression === null ? null : conditions.findIndex((each) => keyOf(each.kind, each.expression) === keyOf(kind, expression));
  return {
    where: condition('where', where),
    predicate: condition('predicate', predicate ?? null),
    column: column === null ? null : columns.findIndex(({ name }) => name === column),
  };
}

function conditionsOf({ where, predicate }: Aggregate): EventCondition[] {
  const conditions: EventCondition[] = [];
  if (where !== null) conditions.push({ kind: 'where', expression: where });
  if (predicate !== undefined) conditions.push({ kind: 'predicate', expression: predicate });
  return conditions;
}

function keyOf(kind: EventCondition['kind'], expression: Expression): string {
  return `${kind} ${JSON.stringify(expression)}`;
}
