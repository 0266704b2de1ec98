import { formatDuration, formatType, type Entity, type FeatureView, type Source } from '@granary/contracts';
import type { Owner } from '../problem.js';
import { LONGEST, checkFeature } from './aggregates.js';
import { fieldOf, listFields, lookUp, ownerOf, sameType, type Context } from './context.js';

export function checkView(context: Context, view: FeatureView): void {
  const owner = ownerOf(view);
  const entity = lookUp(context, owner, 'entity', context.entities, view.entity);
  const source = lookUp(context, owner, 'source', context.sources, view.source);
  if (entity !== undefined) checkFeatureNames(context, owner, view, entity);
  if (entity !== undefined && source !== undefined) checkKeys(context, owner, view, entity, source);
  if (view.ttlMs !== null && source?.eventTime === null) {
    context.report(owner, 'DEF-047', `has a ttl, and its source ${source.name} no time: every value would be expired`, 'Leave the ttl out, or give the source an event time.');
  }
  if (view.ttlMs !== null && view.ttlMs > LONGEST) context.report(owner, 'DEF-047', `its ttl is ${formatDuration(view.ttlMs)}`, `Use at most ${formatDuration(LONGEST)}.`);
  if (source === undefined) return;
  for (const feature of view.features) checkFeature(feature, source, (id, message, todo) => context.report(owner, id, `${feature.name} ${message}`, todo));
}

function checkFeatureNames(context: Context, owner: Owner, view: FeatureView, entity: Entity): void {
  for (const feature of view.features) {
    const key = entity.keys.find((each) => each.name.toLowerCase() === feature.name.toLowerCase());
    if (key !== undefined) context.report(owner, 'NAME-001', `its feature ${feature.name} has the name of the key ${key.name}`, 'Rename the feature.');
  }
}

function checkKeys(context: Context, owner: Owner, view: FeatureView, entity: Entity, source: Source): void {
  if (view.keyFields.length !== entity.keys.length) {
    context.report(owner, 'DEF-031', `names ${view.keyFields.length} key fields for the ${entity.keys.length} keys of ${entity.name}`, 'Name one for each.');
    return;
  }
  entity.keys.forEach((key, i) => {
    const name = view.keyFields[i]!;
    const field = fieldOf(source, name);
    if (field === undefined) {
      context.report(owner, 'DEF-031', `the key ${key.name} of ${entity.name} needs the field ${name} of ${source.name}, which has none`, `Add it, or name another with keys: { ${key.name}: … }. ${listFields(source)}`);
    } else if (!sameType(field.type, key.type)) {
      context.report(owner, 'KEY-001', `the key ${key.name} of ${entity.name} is ${formatType(key.type)}, the field ${name} of ${source.name} ${formatType(field.type)}`, 'Give both the same type.');
    } else if (field.nullable) {
      context.report(owner, 'DEF-031', `the key ${key.name} of ${entity.name} is the field ${name} of ${source.name}, which is nullable`, 'Take .nullable() off: a row without its key goes to quarantine.');
    }
  });
}
