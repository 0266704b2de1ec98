import { fieldsRead, formatType, type Feature, type FeatureView, type FieldType, type Source } from '@granary/contracts';
import type { Say } from '../problem.js';
import { fieldOf, sameType } from './context.js';

/** `given`: what the asker says beside the view's keys, be it a caller or an event. */
export function checkRequestRow(feature: Feature, view: FeatureView, source: Source, given: readonly { readonly name: string; readonly type: FieldType }[], say: Say): void {
  if (feature.aggregate.window?.includeRequest !== true) return;
  for (const wanted of fieldsRead(feature.aggregate)) {
    const field = fieldOf(source, wanted);
    // A key of the view is its field, under whatever name the entity gives it.
    if (field === undefined || view.keyFields.includes(wanted)) continue;
    requireGiven(given, wanted, field.type, `${feature.name} includes the request, so it needs`, say);
  }
}

/** Whether what is asked for is given, as its type. */
export function requireGiven(given: readonly { readonly name: string; readonly type: FieldType }[], name: string, type: FieldType, why: string, say: Say): void {
  const found = given.find((each) => each.name === name);
  if (found === undefined) say('DEF-054', `${why} ${name} with it`, `Add request({ ${name}: ${sdkType(type)} }).`);
  else if (!sameType(found.type, type)) say('DEF-054', `${why} ${name} as ${formatType(type)}, and it is ${formatType(found.type)}`, `Declare ${name} as ${sdkType(type)}.`);
}

/** The type as one writes it: `t.array(t.string)`. */
function sdkType(type: FieldType): string {
  if (type.kind === 'array' || type.kind === 'map') return `t.${type.kind}(${sdkType(type.of)})`;
  return type.kind === 'enum' ? `t.${formatType(type)}` : `t.${type.kind}`;
}
