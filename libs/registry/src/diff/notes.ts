import { formatDuration, formatExpression, formatType, type Derived, type DerivedFeature, type Expression, type Feature, type FieldType, type Recommender, type Source, type SourceField, type ViewFeatures } from '@granary/contracts';
import { canonicalJson } from '../version/canonical.js';

export function same(a: unknown, b: unknown): boolean {
  return canonicalJson(a) === canonicalJson(b);
}

/** `ttl 90d → 30d`; nothing when both read the same. */
export function changed(what: string, before: string, after: string): readonly string[] {
  return before === after ? [] : [`${what} ${before} → ${after}`];
}

export function duration(ms: number | null): string {
  return ms === null ? 'none' : formatDuration(ms);
}

export function plural(n: number, what: string): string {
  return `${n} ${what}${n === 1 ? '' : 's'}`;
}

interface NamedThing {
  readonly name: string;
}

export interface ListDiff<T> {
  readonly added: readonly T[];
  readonly removed: readonly T[];
  readonly kept: readonly (readonly [before: T, after: T])[];
  /** Gone under one name and there under another, otherwise equal. */
  readonly renamed: readonly (readonly [before: T, after: T])[];
}

export function diffNamed<T extends NamedThing>(before: readonly T[], after: readonly T[]): ListDiff<T> {
  const kept = before.flatMap((old) => after.filter((each) => each.name === old.name).map((now) => [old, now] as const));
  const added = after.filter((now) => !before.some((old) => old.name === now.name));
  const removed = before.filter((old) => !after.some((now) => now.name === old.name));
  const renamed: (readonly [T, T])[] = [];
  for (const old of removed) {
    const now = added.find((each) => same({ ...each, name: '' }, { ...old, name: '' }) && !renamed.some(([, taken]) => taken === each));
    if (now !== undefined) renamed.push([old, now]);
  }
  return {
    added: added.filter((each) => !renamed.some(([, now]) => now === each)),
    removed: removed.filter((each) => !renamed.some(([old]) => old === each)),
    kept,
    renamed,
  };
}

export function featureNotes(before: readonly Feature[], after: readonly Feature[]): readonly string[] {
  const { added, removed, kept, renamed } = diffNamed(before, after);
  const notes = [
    ...renamed.map(([old, now]) => `feature ${old.name} renamed to ${now.name}`),
    ...(removed.length > 0 ? [`without ${removed.map((each) => each.name).join(', ')}`] : []),
    ...(added.length > 0 ? [`with ${added.map((each) => each.name).join(', ')}`] : []),
    ...kept.flatMap(([old, now]) => oneFeature(old, now)),
  ];
  const order = (features: readonly Feature[]): string[] => features.map((each) => each.name).filter((name) => kept.some(([old]) => old.name === name));
  return same(order(before), order(after)) ? notes : [...notes, 'features in another order'];
}

function oneFeature(before: Feature, after: Feature): readonly string[] {
  const [a, b] = [before.aggregate, after.aggregate];
  const parts = [
    ...changed('aggregate', a.fn, b.fn),
    ...changed('column', a.column ?? 'none', b.column ?? 'none'),
    ...changed('where', formula(a.where), formula(b.where)),
    ...changed('window', windowText(a), windowText(b)),
    ...changed('delay', duration(a.window?.delayMs ?? 0), duration(b.window?.delayMs ?? 0)),
    ...changed('hop', duration(a.window?.hopMs ?? null), duration(b.window?.hopMs ?? null)),
    ...changed('bounds', a.window?.bounds ?? 'none', b.window?.bounds ?? 'none'),
    ...changed('includes the request', yesNo(a.window?.includeRequest), yesNo(b.window?.includeRequest)),
    ...changed('default', formula(a.default), formula(b.default)),
    ...changed('values', String(a.n ?? 'none'), String(b.n ?? 'none')),
    ...changed('fraction', String(a.fraction ?? 'none'), String(b.fraction ?? 'none')),
    ...changed('per', duration(a.unitMs ?? null), duration(b.unitMs ?? null)),
    ...changed('half-life', duration(a.halfLifeMs ?? null), duration(b.halfLifeMs ?? null)),
    ...changed('share of', formula(a.predicate), formula(b.predicate)),
    ...changed('type', formatType(before.type), formatType(after.type)),
  ];
  return parts.length === 0 ? [] : [`${after.name}: ${parts.join(', ')}`];
}

function formula(expression: Expression | null | undefined): string {
  return expression == null ? 'none' : formatExpression(expression);
}

function windowText({ window }: Feature['aggregate']): string {
  return window === null ? 'none' : window.sizeMs === null ? 'all of history' : formatDuration(window.sizeMs);
}

/** `priceFit = clamp(i.price ÷ u.spend30d, 0, 10)`. */
export function formulaText({ name, expression }: DerivedFeature): string {
  return `${name} = ${formatExpression(expression)}`;
}

export function derivedNotes(before: Derived, after: Derived): readonly string[] {
  const { added, removed, kept, renamed } = diffNamed(before.features, after.features);
  return [
    ...renamed.map(([old, now]) => `feature ${old.name} renamed to ${now.name}`),
    ...(removed.length > 0 ? [`without ${removed.map((each) => each.name).join(', ')}`] : []),
    ...added.map((each) => `with ${formulaText(each)}`),
    ...kept.filter(([old, now]) => !same(old, now)).map(([old, now]) => `${now.name}: ${formula(old.expression)} → ${formula(now.expression)}${same(old.type, now.type) ? '' : `, type ${formatType(old.type)} → ${formatType(now.type)}`}`),
    ...changed('inputs', inputsText(before), inputsText(after)),
    ...typedNotes('request', before.request, after.request),
  ];
}

function inputsText({ inputs }: Derived): string {
  return inputs.map((input) => (input.kind === 'view' ? useText(input) : input.derived)).join(', ') || 'none';
}

/** `account_spend as sender for accountId = senderId`. */
export function useText({ view, alias, keys }: Omit<ViewFeatures, 'features'>): string {
  const asked = Object.entries(keys ?? {}).map(([key, name]) => `${key} = ${name}`);
  return `${view}${alias === undefined ? '' : ` as ${alias}`}${asked.length === 0 ? '' : ` for ${asked.join(', ')}`}`;
}

/** Where a source's events come from: `orders.csv`, `pushed events`, `computed from payments, refunds`. */
export function originText({ file, computed }: Source): string {
  if (computed === undefined) return file?.path ?? 'pushed events';
  return computed.kind === 'sql' ? `computed from ${computed.inputs.join(', ')}` : `${computed.events} with ${computed.views.map((use) => `${use.features.join(', ')} of ${useText(use)}`).join('; ')}`;
}

/** What changed, and which of it the events stored so far don't fit; of a computed source nothing is stored. */
export function sourceNotes(before: Source, after: Source): { readonly notes: readonly string[]; readonly incompatible: readonly string[] } {
  const { notes, incompatible } = storedNotes(before, after);
  const computed = [
    ...changed('events', originText(before), originText(after)),
    ...(before.computed?.kind === 'sql' && after.computed?.kind === 'sql' && before.computed.sql !== after.computed.sql ? ['another query'] : []),
    ...changed('gets corrections', yesNo(before.corrected), yesNo(after.corrected)),
    ...changed('kept for', before.retentionMs === undefined ? 'ever' : duration(before.retentionMs), after.retentionMs === undefined ? 'ever' : duration(after.retentionMs)),
  ];
  const stored = before.computed === undefined && after.computed === undefined;
  return stored ? { notes: [...notes, ...computed], incompatible } : { notes: [...incompatible, ...notes, ...computed], incompatible: [] };
}

function storedNotes(before: Source, after: Source): { readonly notes: readonly string[]; readonly incompatible: readonly string[] } {
  const { added, removed, kept, renamed } = diffNamed(before.fields, after.fields);
  const incompatible = [
    ...renamed.map(([old, now]) => `field ${old.name} renamed to ${now.name}`),
    ...removed.map((field) => `field ${field.name} removed`),
    ...added.filter((field) => !field.nullable).map((field) => `field ${field.name} ${fieldText(field)} added, which stored events lack`),
    ...kept.filter(([old, now]) => !widens(old, now)).map(([old, now]) => `field ${old.name} ${fieldText(old)} → ${fieldText(now)}`),
    ...changed('event id', before.eventId.join(', ') || 'content', after.eventId.join(', ') || 'content'),
    ...changed('event time', before.eventTime ?? 'none', after.eventTime ?? 'none'),
    ...changed('known at', before.knownAt ?? 'event time', after.knownAt ?? 'event time'),
  ];
  const notes = [
    ...added.filter((field) => field.nullable).map((field) => `field ${field.name} ${fieldText(field)} added`),
    ...kept.filter(([old, now]) => widens(old, now) && fieldText(old) !== fieldText(now)).map(([old, now]) => `field ${old.name} ${fieldText(old)} → ${fieldText(now)}`),
    ...kept.filter(([old, now]) => !same(old.encoding ?? null, now.encoding ?? null)).map(([old]) => `field ${old.name} is written in another way`),
    ...changed('format', before.file?.format ?? 'none', after.file?.format ?? 'none'),
  ];
  const order = (fields: readonly SourceField[]): string[] => fields.map((field) => field.name).filter((name) => kept.some(([old]) => old.name === name));
  return { notes: same(order(before.fields), order(after.fields)) ? notes : [...notes, 'fields in another order'], incompatible };
}

/** Every stored value is a value of the new type, stored the same way: null becomes allowed, an enum gets more values. */
function widens(before: SourceField, after: SourceField): boolean {
  if (before.nullable && !after.nullable) return false;
  if (same(before.type, after.type)) return true;
  const [old, now] = [before.type, after.type];
  return old.kind === 'enum' && (now.kind === 'string' || (now.kind === 'enum' && old.values.every((value) => now.values.includes(value))));
}

function fieldText(field: SourceField): string {
  return `${formatType(field.type)}${field.nullable ? ' or null' : ''}`;
}

export function typedNotes(what: string, before: readonly { name: string; type: FieldType }[], after: readonly { name: string; type: FieldType }[]): readonly string[] {
  const text = (list: readonly { name: string; type: FieldType }[]): string => list.map((each) => `${each.name} ${formatType(each.type)}`).join(', ') || 'none';
  return changed(what, text(before), text(after));
}

export function generatorTexts(generators: Recommender['generators']): string {
  return generators
    .map((each) => {
      switch (each.kind) {
        case 'trending':
          return `trending(half-life ${formatDuration(each.halfLifeMs)})`;
        case 'itemToItem':
          return `itemToItem(${each.neighbours} neighbours, shrinkage ${each.shrinkage})`;
        case 'ease':
          return `ease(lambda ${each.lambda})`;
      }
    })
    .join(', ');
}

export function weightText(weight: Recommender['weight']): string {
  if (weight === null) return '1 each';
  if (weight.values === null) return weight.field;
  return Object.entries(weight.values).sort(([a], [b]) => (a < b ? -1 : 1)).map(([value, n]) => `${value} ${n}`).join(', ');
}

function yesNo(value: boolean | undefined): string {
  return value === true ? 'yes' : 'no';
}
