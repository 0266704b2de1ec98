import { formatDuration, formatType, isInteger, isNumeric, type Entity, type Feature, type FeatureView, type FieldType, type Source } from '@granary/contracts';
import type { Owner } from '../problem.js';
import { fieldOf, listFields, lookUp, ownerOf, sameType, type Context } from './context.js';
import { checkCondition, literalProblem } from './conditions.js';

const DAY = 86_400_000;
/** A hundred years: beyond it ClickHouse's timestamps would wrap. */
const LONGEST = 36_525 * DAY;

export function checkView(context: Context, view: FeatureView): void {
  const owner = ownerOf(view);
  const entity = lookUp(context, owner, 'entity', context.entities, view.entity);
  const source = lookUp(context, owner, 'source', context.sources, view.source);
  if (entity !== undefined) checkFeatureNames(context, owner, view, entity);
  if (entity !== undefined && source !== undefined) checkKeys(context, owner, view, entity, source);
  if (view.ttlMs !== null && source?.eventTime === null) {
    context.report(owner, 'DEF-047', `has a ttl, and its source ${source.name} no time: every value would be expired`, 'Leave the ttl out, or give the source an event time.');
  }
  if (view.ttlMs !== null && view.ttlMs > LONGEST) context.report(owner, 'DEF-047', `its ttl is ${formatDuration(view.ttlMs)}`, `Use at most ${LONGEST / DAY}d.`);
  if (source !== undefined) for (const feature of view.features) checkFeature(context, owner, feature, source);
}

function checkFeatureNames(context: Context, owner: Owner, view: FeatureView, entity: Entity): void {
  for (const feature of view.features) {
    const key = entity.keys.find((each) => each.name.toLowerCase() === feature.name.toLowerCase());
    if (key !== undefined) context.report(owner, 'DEF-013', `its feature ${feature.name} has the name of the key ${key.name}`, 'Rename the feature.');
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
      context.report(owner, 'DEF-031', `the key ${key.name} of ${entity.name} is ${formatType(key.type)}, the field ${name} of ${source.name} ${formatType(field.type)}`, 'Give both the same type.');
    } else if (field.nullable) {
      context.report(owner, 'DEF-031', `the key ${key.name} of ${entity.name} is the field ${name} of ${source.name}, which is nullable`, 'Take .nullable() off: a row without its key goes to quarantine.');
    }
  });
}

function checkFeature(context: Context, owner: Owner, { name, type, aggregate }: Feature, source: Source): void {
  const report = (id: string, message: string, todo: string): void => context.report(owner, id, `${name} ${message}`, todo);
  const field = aggregate.column === null ? undefined : fieldOf(source, aggregate.column);
  if (aggregate.fn === 'count' ? aggregate.column !== null : aggregate.column === null) {
    report('DEF-040', aggregate.fn === 'count' ? 'counts events and names a column' : `needs a column for ${aggregate.fn}`, 'Declare it with the SDK\'s function.');
  } else if (aggregate.column !== null && field === undefined) {
    report('DEF-040', `reads ${aggregate.column}, which ${source.name} has not`, listFields(source));
  } else if (field !== undefined && !takes(aggregate.fn, field.type)) {
    report('DEF-041', `takes the ${aggregate.fn} of ${field.name}, which is ${formatType(field.type)}`, `${aggregate.fn} takes ${TAKES[aggregate.fn]}.`);
  } else if (!sameType(type, resultType(aggregate.fn, field?.type))) {
    report('DEF-042', `is declared as ${formatType(type)}; its ${aggregate.fn} is ${formatType(resultType(aggregate.fn, field?.type))}`, 'Declare it with the SDK\'s function.');
  }
  if (aggregate.where !== null) checkCondition(aggregate.where, source, (message, todo) => report('DEF-043', message, todo));
  const wrongDefault = aggregate.default === null ? undefined : literalProblem(aggregate.default, type);
  if (wrongDefault !== undefined) report('DEF-044', `has a default that ${wrongDefault}`, `Give a default of type ${formatType(type)}.`);
  checkWindow(report, aggregate, source);
}

function checkWindow(report: (id: string, message: string, todo: string) => void, { fn, window }: Feature['aggregate'], source: Source): void {
  if (fn === 'latest') {
    if (window !== null) report('DEF-045', 'is a latest value and has a window', 'Use last(…).over(…) for the newest value in a window.');
    return;
  }
  if (window === null) return report('DEF-045', `needs a window for ${fn}`, `Say over which time: ${fn}(…).over('7d').`);
  if (source.eventTime === null) report('DEF-046', `has a window, and its source ${source.name} no time`, 'Use latest(…), or give the source an event time.');
  if (window.sizeMs !== null && window.sizeMs > LONGEST) report('DEF-045', `has a window of ${formatDuration(window.sizeMs)}`, `Use at most ${LONGEST / DAY}d.`);
  if (window.delayMs > LONGEST) report('DEF-045', `has a delay of ${formatDuration(window.delayMs)}`, `Use at most ${LONGEST / DAY}d.`);
  if (window.bounds === '()' && window.sizeMs === 1) report('DEF-045', 'has a window of 1ms without its ends: nothing can be in it', "Use the bounds '[)'.");
}

const TAKES: Partial<Readonly<Record<Feature['aggregate']['fn'], string>>> = {
  latest: 'any field',
  last: 'any field but arrays, which have no null to pass over',
  count: 'no field',
  sum: 'numbers',
  avg: 'numbers and bools',
  min: 'numbers, strings and timestamps',
  max: 'numbers, strings and timestamps',
};

function takes(fn: Feature['aggregate']['fn'], type: FieldType): boolean {
  switch (fn) {
    case 'latest':
    case 'count':
      return true;
    case 'last':
      return type.kind !== 'array';
    case 'sum':
      return isNumeric(type);
    case 'avg':
      return isNumeric(type) || type.kind === 'bool';
    case 'min':
    case 'max':
      return isNumeric(type) || type.kind === 'string' || type.kind === 'timestamp';
    default:
      return false;
  }
}

function resultType(fn: Feature['aggregate']['fn'], column: FieldType | undefined): FieldType {
  if (fn === 'count' || column === undefined) return { kind: 'int32' };
  if (fn === 'avg') return { kind: 'float64' };
  if (fn === 'sum') return { kind: isInteger(column) ? 'int64' : 'float64' };
  return column;
}
