import { fieldReferences, identifier, named, type FieldReference, type ResolvedService } from '@granary/contracts';
import { column, indent, list, type Emitter } from './emit.js';
import { emitColumn, type FieldSql } from './expression/emit-expression.js';
import { answerColumns, type Answer } from './served.js';
import { SPINE } from './spine-table.js';

/**
 * A service's rows, derived features among them: the features of views are named in a subquery, so that each is written
 * once however many expressions read it. `answers` gives a view's feature over `from`.
 */
export function emitWithDerived(
  emitter: Emitter,
  { views, features, request }: ResolvedService,
  carried: readonly { readonly sql: string; readonly name: string }[],
  answers: (of: string, feature: string) => Answer,
  from: string,
): string {
  const read = features.flatMap((served) => (served.kind === 'derived' ? fieldReferences(served.expression) : []));
  const asked = [...new Set(read.filter(({ of }) => of === undefined).map(({ name }) => name))];
  const inner = [
    `${column('s', SPINE.row)} AS ${identifier(SPINE.row)}`,
    ...carried.map(({ sql }, i) => `${sql} AS ${carriedName(i)}`),
    ...asked.map((name) => `${column('s', name)} AS ${requestName(name)}`),
    ...views.flatMap(({ id, features: all }) => all.flatMap(({ name }) => {
      const { value, state } = answers(id, name);
      return [`${value} AS ${valueName(id, name)}`, `${state} AS ${stateName(id, name)}`];
    })),
  ];
  const field = ({ of, name }: FieldReference): FieldSql =>
    of === undefined
      ? { sql: requestName(name), type: named(request, name).type }
      : { sql: valueName(of, name), type: named(views.find(({ id }) => id === of)!.features, name).type };
  const served = features.flatMap((feature) => {
    if (feature.kind === 'aggregate') return answerColumns(feature.name, { value: valueName(feature.of, feature.feature.name), state: stateName(feature.of, feature.feature.name) });
    const value = emitColumn(emitter, feature.expression, field);
    return answerColumns(feature.name, { value, state: derivedState(value, fieldReferences(feature.expression)) });
  });
  return `SELECT
${list([...carried.map(({ name }, i) => `${carriedName(i)} AS ${identifier(name)}`), ...served])}
FROM (
  SELECT
${indent(list(inner))}
${indent(from)}
)
ORDER BY ${identifier(SPINE.row)}`;
}

/** Present where there is a value, else as the features it reads: missing or expired if one is, else null. */
function derivedState(value: string, fields: readonly FieldReference[]): string {
  const states = [...new Set(fields.flatMap(({ of, name }) => (of === undefined ? [] : [stateName(of, name)])))];
  const some = (state: string): readonly string[] => (states.length === 0 ? [] : [`'${state}' IN (${states.join(', ')})`, `'${state}'`]);
  return `multiIf(${[`isNotNull(${value})`, `'present'`, ...some('missing'), ...some('expired'), `'null'`].join(', ')})`;
}

const carriedName = (i: number): string => identifier(`__carried${i}`);
const requestName = (name: string): string => identifier(`__request$${name}`);
const valueName = (of: string, name: string): string => identifier(`${of}$${name}`);
const stateName = (of: string, name: string): string => identifier(`${of}$${name}$state`);
