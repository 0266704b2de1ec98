import { isAbsolute, normalize } from 'node:path';
import { formatDuration, formatType, type Entity, type FieldType, type Source } from '@granary/contracts';
import type { Owner } from '../problem.js';
import { LONGEST } from './aggregates.js';
import { checkComputed } from './computed.js';
import { fieldOf, listFields, ownerOf, type Context } from './context.js';
import { checkEnum } from './names.js';

/** Floats have no dependable equality, arrays no place in a key. */
const KEY_KINDS: ReadonlySet<FieldType['kind']> = new Set(['int32', 'int64', 'string', 'bool', 'enum', 'timestamp']);

export function checkEntity(context: Context, entity: Entity): void {
  for (const key of entity.keys) {
    if (!KEY_KINDS.has(key.type.kind)) {
      context.report(ownerOf(entity), 'DEF-030', `its key ${key.name} is ${formatType(key.type)}`, `Keys may be ${[...KEY_KINDS].join(', ')}.`);
    }
  }
}

export function checkSource(context: Context, source: Source): void {
  const owner = ownerOf(source);
  for (const name of source.eventId) checkEventId(context, owner, source, name);
  if (source.eventTime !== null) checkTime(context, owner, source, 'event time', source.eventTime);
  if (source.knownAt !== null) checkTime(context, owner, source, 'known-at', source.knownAt);
  if (source.eventTime === null && source.eventId.length === 0) {
    // Else a row that is changed and changed back would be the first one again, and the change would stay.
    context.report(owner, 'DEF-025', 'is timeless and does not say which thing a row describes', 'Name the field or fields that do: eventId.');
  }
  if (source.knownAt !== null && source.eventId.length === 0) {
    // Without an id a corrected row is another event (its content is its id): both would count. See docs/adr/0004.
    context.report(owner, 'DEF-023', `says by ${source.knownAt} when a correction became known, but not which event it corrects`, 'Name the fields that a correction leaves as they are: eventId.');
  }
  if (source.corrected === true) checkCorrected(context, owner, source);
  if (source.retentionMs !== undefined && source.eventTime === null) context.report(owner, 'DEF-026', 'is timeless and says how long its events are kept', 'Leave the retention out: of a thing the newest row is kept.');
  if (source.retentionMs !== undefined && source.retentionMs > LONGEST) context.report(owner, 'DEF-026', `keeps its events for ${formatDuration(source.retentionMs)}`, `Use at most ${formatDuration(LONGEST)}, or leave it out: they are kept for ever.`);
  if (source.computed !== undefined) checkComputed(context, source, source.computed);
  for (const field of source.fields) {
    if (field.type.kind === 'array' && field.nullable) {
      context.report(owner, 'DEF-024', `${field.name} is a nullable ${formatType(field.type)}, which ClickHouse has not`, 'Take .nullable() off: an absent list is an empty one.');
    }
    if (field.type.kind === 'map') context.report(owner, 'DEF-024', `${field.name} is a ${formatType(field.type)}, which no field can be`, 'Give each value a field of its own.');
    if (field.encoding?.kind === 'epochSeconds' && field.type.kind !== 'timestamp') {
      context.report(owner, 'DEF-021', `${field.name} is ${formatType(field.type)} and read as epoch seconds`, 'Only a timestamp can be: use t.epochSeconds.');
    }
    if (field.encoding?.kind === 'separated' && field.type.kind !== 'array') {
      context.report(owner, 'DEF-021', `${field.name} is ${formatType(field.type)} and has a separator`, 'Only an array can: use t.array(…).separatedBy(…).');
    }
    checkEnum(context, owner, field.name, field.type);
  }
  if (source.file !== null && (isAbsolute(source.file.path) || normalize(source.file.path).split(/[\\/]/)[0] === '..')) {
    context.report(owner, 'DEF-022', `its file ${source.file.path} lies outside the data folder`, 'Name it relative to the folder that --data gives.');
  }
}

/** That its corrections need a knownAt is TIME-001. */
function checkCorrected(context: Context, owner: Owner, source: Source): void {
  if (source.eventTime === null) context.report(owner, 'DEF-026', 'is timeless and gets corrections', 'Leave `corrected` out: of each thing the row that arrived last wins.');
  else if (source.eventId.length === 0 && source.knownAt === null) context.report(owner, 'DEF-023', 'gets corrections and does not say which event they correct', 'Name the fields that a correction leaves as they are: eventId.');
}

function checkEventId(context: Context, owner: Owner, source: Source, name: string): void {
  const field = fieldOf(source, name);
  if (field === undefined) {
    context.report(owner, 'DEF-020', `its event id ${name} is not one of its fields`, listFields(source));
  } else if (field.nullable) {
    context.report(owner, 'DEF-020', `its event id ${name} is nullable`, 'An event needs an id always: take .nullable() off, or name another field.');
  } else if (!KEY_KINDS.has(field.type.kind)) {
    context.report(owner, 'DEF-020', `its event id ${name} is ${formatType(field.type)}`, `An id may be ${[...KEY_KINDS].join(', ')}.`);
  }
}

function checkTime(context: Context, owner: Owner, source: Source, what: string, name: string): void {
  const field = fieldOf(source, name);
  if (field === undefined) {
    context.report(owner, 'DEF-020', `its ${what} ${name} is not one of its fields`, listFields(source));
  } else if (field.type.kind !== 'timestamp') {
    context.report(owner, 'DEF-020', `its ${what} ${name} is ${formatType(field.type)}`, 'Declare the field as t.timestamp, or t.epochSeconds.');
  } else if (field.nullable) {
    context.report(owner, 'DEF-020', `its ${what} ${name} is nullable`, 'Take .nullable() off; rows without it go to quarantine.');
  }
}
