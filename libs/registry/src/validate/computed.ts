import { formatType, servedName, viewId, type ComputedSource, type Feature, type Source, type SourceField, type ViewFeatures } from '@granary/contracts';
import type { Say } from '../problem.js';
import { canonicalJson } from '../version/canonical.js';
import { fieldOf, listFields, lookUp, ownerOf, sameType, type Context } from './context.js';
import { checkRequestRow } from './request-row.js';
import { codeOf } from './sql-text.js';
import { checkFeaturesTaken, checkUse, useKeys } from './uses.js';

type Sql = Extract<ComputedSource, { kind: 'sql' }>;
type Enriched = Extract<ComputedSource, { kind: 'enriched' }>;

export function checkComputed(context: Context, source: Source, computed: ComputedSource): void {
  const owner = ownerOf(source);
  const say: Say = (id, message, todo) => context.report(owner, id, message, todo);
  if (source.file !== null) say('DEF-103', 'is computed and has a file', 'Take the file away: its events come from its inputs.');
  if (computed.kind === 'sql') {
    if (source.eventId.length === 0) say('DEF-102', 'is a query and does not say which rows are one event', 'Name the field or fields that do: eventId.');
    checkSql(computed, say);
    for (const input of new Set(computed.inputs)) lookUp(context, owner, 'source', context.sources, input);
  } else {
    checkEnriched(context, source, computed, say);
  }
}

function checkSql({ sql, inputs }: Sql, say: Say): void {
  const code = codeOf(sql);
  const read = [...code.matchAll(/\{\{\s*([^{}]*?)\s*\}\}/g)].map((match) => match[1]!);
  for (const name of new Set(read)) if (!inputs.includes(name)) say('DEF-100', `its SQL reads {{${name}}}, which is none of its inputs`, `Its inputs are ${inputs.join(', ')}.`);
  for (const name of new Set(inputs)) if (!read.includes(name)) say('DEF-100', `its SQL does not read its input ${name}`, `Write {{${name}}} where its events belong, or leave the input out.`);
  if (!/^[\s(]*(select|with)\b/i.test(code)) say('DEF-101', 'its SQL is no query', 'Begin it with SELECT or WITH.');
  if (code.includes(';')) say('DEF-101', 'its SQL holds a semicolon', 'Write one SELECT, without a semicolon.');
  if (!balanced(code)) say('DEF-101', 'its SQL has a bracket without its other half', 'Write as many closing brackets as opening ones.');
  const parameter = /(?<!\{)\{\s*(\w+\s*:[^{}]*)\}/.exec(code)?.[1];
  if (parameter !== undefined) say('DEF-101', `its SQL has the parameter {${parameter}}, which nobody gives a value`, 'Write the value.');
}

function balanced(code: string): boolean {
  let depth = 0;
  for (const sign of code.match(/[()]/g) ?? []) if ((depth += sign === '(' ? 1 : -1) < 0) return false;
  return depth === 0;
}

/** The events of another source, each with features as of its own time. */
function checkEnriched(context: Context, source: Source, computed: Enriched, say: Say): void {
  const owner = ownerOf(source);
  const base = lookUp(context, owner, 'source', context.sources, computed.events);
  const ids = computed.views.map(viewId);
  for (const id of new Set(ids.filter((each, i) => ids.indexOf(each) !== i))) say('DEF-053', `takes ${id} twice`, 'Take it once: view.pick(…) names all the features; or give one an alias.');
  const served = computed.views.flatMap((use) => {
    const view = checkUse(context, owner, use);
    if (view === undefined) return [];
    checkFeaturesTaken(context, owner, view, use.features);
    if (base !== undefined) checkEventKeys(context, base, use, say);
    const features = view.features.filter((feature) => use.features.includes(feature.name));
    const of = context.sources.get(view.source);
    if (base !== undefined && of !== undefined) for (const feature of features) checkRequestRow(feature, view, of, base.fields, say);
    return features.map((feature) => ({ name: servedName(use.alias, feature.name), feature }));
  });
  if (base === undefined) return;
  if (base.eventTime === null) say('DEF-102', `adds features to ${base.name}, whose rows have no time to read them as of`, 'Name a source with an event time.');
  const identity = ({ eventId, eventTime, knownAt }: Source): string => canonicalJson({ eventId, eventTime, knownAt });
  if (identity(base) !== identity(source)) say('DEF-102', `names its events by other fields than ${base.name}`, `Its eventId, eventTime and knownAt are those of ${base.name}.`);
  checkFields(source, base, served, say);
}

/** Each event holds the keys of what it is enriched with. */
function checkEventKeys(context: Context, base: Source, use: ViewFeatures, say: Say): void {
  const entity = context.entities.get(context.views.get(use.view)?.entity ?? '');
  for (const key of entity === undefined ? [] : useKeys(entity, use)) {
    const field = fieldOf(base, key.name);
    if (field === undefined) say('DEF-031', `reads ${viewId(use)} for ${key.name}, which is no field of ${base.name}`, `Name the field that holds it: view.keyedBy({ ${key.name}: … }). ${listFields(base)}`);
    else if (!sameType(field.type, key.type)) say('KEY-001', `reads ${viewId(use)} for ${key.name}, which is ${formatType(key.type)}, and in ${base.name} ${formatType(field.type)}`, 'Give both the same type.');
  }
}

function checkFields(source: Source, base: Source, served: readonly { readonly name: string; readonly feature: Feature }[], say: Say): void {
  for (const { name, feature } of served) {
    if (fieldOf(base, name) !== undefined) say('NAME-001', `adds the feature ${name} to events that have a field ${name}`, "Read the view under an alias: view.as('its').");
    else if (fieldOf(source, name) === undefined) say('DEF-102', `adds the feature ${feature.name} and has no field ${name} for it`, "Declare it with the SDK's function.");
  }
  for (const field of source.fields) {
    const feature = served.find((each) => each.name === field.name)?.feature;
    // Whoever was never seen has no value; a list, which ClickHouse can't have as null, is empty then.
    const nullable = feature !== undefined && feature.type.kind !== 'array';
    const expected = fieldOf(base, field.name) ?? (feature === undefined ? undefined : { type: feature.type, nullable });
    if (expected === undefined) say('DEF-102', `has the field ${field.name}, which neither ${base.name} nor the features have`, "Declare it with the SDK's function.");
    else if (!sameType(expected.type, field.type) || expected.nullable !== field.nullable) say('DEF-102', `has ${field.name} as ${fieldText(field)}; it is ${fieldText(expected)}`, "Declare it with the SDK's function.");
  }
}

function fieldText({ type, nullable }: Pick<SourceField, 'type' | 'nullable'>): string {
  return `${formatType(type)}${nullable ? ' or null' : ''}`;
}
