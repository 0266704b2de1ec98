import { formatType, type Feature, type FeatureService, type FeatureView, type FieldType, type Key } from '@granary/contracts';
import { fieldsOf } from '../expression.js';
import type { Owner } from '../problem.js';
import { checkEnum } from './inputs.js';
import { fieldOf, lookUp, ownerOf, sameType, type Context } from './context.js';

export function checkService(context: Context, service: FeatureService): void {
  const owner = ownerOf(service);
  const seen = new Set<string>();
  for (const { view } of service.views) {
    if (seen.has(view)) context.report(owner, 'DEF-053', `takes the view ${view} twice`, 'Take it once: view.pick(…) names all the features.');
    seen.add(view);
  }
  checkRow(context, owner, service);
  for (const field of service.request) checkEnum(context, owner, field.name, field.type);
  for (const part of service.views) {
    const view = lookUp(context, owner, 'feature view', context.views, part.view);
    if (view === undefined) continue;
    for (const name of part.features) {
      const feature = view.features.find((each) => each.name === name);
      if (feature === undefined) {
        context.report(owner, 'DEF-050', `takes ${name} from ${view.name}, which has none`, `${view.name} has ${view.features.map((each) => each.name).join(', ')}.`);
      } else if (feature.aggregate.window?.includeRequest === true) {
        checkRequestRow(context, owner, service, view, feature);
      }
    }
  }
}

/** The entity keys that a caller gives to read a service's row, each once. */
export function serviceKeys(context: Context, service: FeatureService): readonly Key[] {
  const keys = new Map<string, Key>();
  for (const { view } of service.views) {
    for (const key of context.entities.get(context.views.get(view)?.entity ?? '')?.keys ?? []) if (!keys.has(key.name)) keys.set(key.name, key);
  }
  return [...keys.values()];
}

/** Keys, request fields and features are members of one row. */
function checkRow(context: Context, owner: Owner, service: FeatureService): void {
  const taken = new Map<string, { name: string; what: string; type: FieldType | null }>();
  const views = new Set<string>();
  for (const { view } of service.views) {
    for (const key of context.entities.get(context.views.get(view)?.entity ?? '')?.keys ?? []) take(key.name, 'key', key.type, `of ${view}`);
  }
  for (const field of service.request) take(field.name, 'request field', null, '');
  for (const part of service.views) {
    if (views.has(part.view)) continue;
    views.add(part.view);
    for (const feature of part.features) take(feature, 'feature', null, `of ${part.view}`);
  }

  function take(name: string, kind: string, type: FieldType | null, of: string): void {
    const what = `${kind} ${name}${of === '' ? '' : ` ${of}`}`;
    const first = taken.get(name.toLowerCase());
    if (first === undefined) {
      taken.set(name.toLowerCase(), { name, what, type });
    } else if (type === null || first.type === null) {
      // Two request fields of one name are reported with the names.
      if (kind === 'request field' && first.what.startsWith(kind)) return;
      context.report(owner, 'DEF-051', `the ${first.what} and the ${what} meet in one row`, 'Rename one of them, or leave one out with pick(…).');
    } else if (first.name !== name) {
      context.report(owner, 'DEF-051', `the ${first.what} and the ${what} differ only in case`, 'Rename one of them.');
    } else if (!sameType(first.type, type)) {
      context.report(owner, 'DEF-052', `the ${first.what} is ${formatType(first.type)}, the ${what} ${formatType(type)}`, 'Give keys of one name one type, or rename one.');
    }
  }
}

/** A window that includes the request's row needs that row: all the fields the aggregate reads. */
function checkRequestRow(context: Context, owner: Owner, service: FeatureService, view: FeatureView, { name, aggregate }: Feature): void {
  const source = context.sources.get(view.source);
  if (source === undefined) return;
  const read = new Set([...(aggregate.column === null ? [] : [aggregate.column]), ...(aggregate.where === null ? [] : fieldsOf(aggregate.where))]);
  const keys = serviceKeys(context, service);
  for (const wanted of read) {
    const field = fieldOf(source, wanted);
    // A key of the view is its field, under whatever name the entity gives it.
    if (field === undefined || view.keyFields.includes(wanted)) continue;
    const given = service.request.find((each) => each.name === wanted) ?? keys.find((each) => each.name === wanted);
    if (given === undefined) {
      context.report(owner, 'DEF-054', `${name} includes the request, so it needs ${wanted} with it`, `Add request({ ${wanted}: ${sdkType(field.type)} }).`);
    } else if (!sameType(given.type, field.type)) {
      context.report(owner, 'DEF-054', `${name} includes the request, whose ${wanted} is ${formatType(given.type)}, not ${formatType(field.type)}`, `Declare ${wanted} as ${sdkType(field.type)}.`);
    }
  }
}

/** The type as one writes it: `t.array(t.string)`. */
function sdkType(type: FieldType): string {
  if (type.kind === 'array') return `t.array(${sdkType(type.of)})`;
  return type.kind === 'enum' ? `t.${formatType(type)}` : `t.${type.kind}`;
}
