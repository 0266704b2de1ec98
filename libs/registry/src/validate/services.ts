import { formatType, servedName, viewId, type FeatureService, type FieldType, type ViewFeatures } from '@granary/contracts';
import type { Owner } from '../problem.js';
import { lookUp, ownerOf, sameType, type Context } from './context.js';
import { checkEnum } from './names.js';
import { checkRequestRow, requireGiven } from './request-row.js';
import { checkFeaturesTaken, checkIds, checkUse, serviceKeys, serviceParts, serviceReads, useKeys } from './uses.js';

export function checkService(context: Context, service: FeatureService): void {
  const owner = ownerOf(service);
  const derived = service.derived ?? [];
  if (service.views.length + derived.length === 0) context.report(owner, 'DEF-056', 'serves no features', 'Give it at least one feature view.');
  checkTwice(context, owner, [...service.views.map(viewId), ...derived.map((part) => part.derived)]);
  for (const use of service.views) {
    const view = checkUse(context, owner, use);
    if (view !== undefined) checkFeaturesTaken(context, owner, view, use.features);
  }
  for (const part of derived) {
    const definition = lookUp(context, owner, 'derived view', context.derived, part.derived);
    if (definition !== undefined) checkFeaturesTaken(context, owner, definition, part.features);
  }
  for (const field of service.request) {
    checkEnum(context, owner, field.name, field.type);
    if (field.type.kind === 'map') context.report(owner, 'DEF-059', `asks for ${field.name} as a ${formatType(field.type)}, which GraphQL has no arguments of`, 'Ask for its values in fields of their own.');
  }
  checkIds(context, owner, distinctParts(context, service));
  checkRow(context, owner, service);
  checkRequestFields(context, owner, service);
  for (const use of serviceReads(context, service)) checkRequestRows(context, owner, service, use);
}

function checkTwice(context: Context, owner: Owner, ids: readonly string[]): void {
  for (const id of new Set(ids.filter((each, i) => ids.indexOf(each) !== i))) {
    context.report(owner, 'DEF-053', `takes ${id} twice`, 'Take it once: view.pick(…) names all the features; or give one an alias.');
  }
}

/** A view that is taken twice under one id is said already. */
function distinctParts(context: Context, service: FeatureService): ReturnType<typeof serviceParts> {
  const seen = new Set<string>();
  return serviceParts(context, service).filter((part, i) => {
    const use = service.views[i];
    if (use === undefined) return true;
    const first = !seen.has(viewId(use));
    seen.add(viewId(use));
    return first && part.views.length > 0;
  });
}

/** Keys, request fields and features are members of one row. */
function checkRow(context: Context, owner: Owner, service: FeatureService): void {
  const taken = new Map<string, { name: string; what: string; type: FieldType | null }>();
  const ids = new Set<string>();
  for (const use of serviceReads(context, service)) {
    const entity = context.entities.get(context.views.get(use.view)?.entity ?? '');
    if (entity !== undefined) for (const key of useKeys(entity, use)) take(key.name, 'key', key.type, `of ${viewId(use)}`);
  }
  for (const field of service.request) take(field.name, 'request field', null, '');
  for (const use of service.views) {
    if (ids.has(viewId(use))) continue;
    ids.add(viewId(use));
    for (const feature of use.features) take(servedName(use.alias, feature), 'feature', null, `of ${viewId(use)}`);
  }
  for (const part of service.derived ?? []) for (const feature of part.features) take(feature, 'feature', null, `of ${part.derived}`);

  function take(name: string, kind: string, type: FieldType | null, of: string): void {
    const what = `${kind} ${name}${of === '' ? '' : ` ${of}`}`;
    const first = taken.get(name.toLowerCase());
    if (first === undefined) {
      taken.set(name.toLowerCase(), { name, what, type });
    } else if (type === null || first.type === null) {
      // Two request fields of one name are reported with the names.
      if (kind === 'request field' && first.what.startsWith(kind)) return;
      context.report(owner, 'NAME-001', `the ${first.what} and the ${what} meet in one row`, 'Rename one of them, give the view an alias, or leave one out with pick(…).');
    } else if (first.name !== name) {
      context.report(owner, 'NAME-001', `the ${first.what} and the ${what} differ only in case`, 'Rename one of them.');
    } else if (!sameType(first.type, type)) {
      context.report(owner, 'KEY-001', `the ${first.what} is ${formatType(first.type)}, the ${what} ${formatType(type)}`, 'Give keys of one name one type, or call one of them otherwise: view.keyedBy({ … }).');
    }
  }
}

/** Derived features get what they ask of the request. */
function checkRequestFields(context: Context, owner: Owner, service: FeatureService): void {
  const asked = serviceParts(context, service).flatMap((part) => part.request);
  for (const { name, type } of new Map(asked.map((field) => [`${field.name} ${formatType(field.type)}`, field])).values()) {
    requireGiven(service.request, name, type, 'its derived features need', (id, message, todo) => context.report(owner, id, message, todo));
  }
}

/** A window that includes the request's row needs that row: all the fields the aggregate reads. */
function checkRequestRows(context: Context, owner: Owner, service: FeatureService, use: ViewFeatures): void {
  const view = context.views.get(use.view);
  const source = context.sources.get(view?.source ?? '');
  if (view === undefined || source === undefined) return;
  const given = [...service.request, ...serviceKeys(context, service)];
  for (const feature of view.features.filter((each) => use.features.includes(each.name))) {
    checkRequestRow(feature, view, source, given, (id, message, todo) => context.report(owner, id, message, todo));
  }
}
