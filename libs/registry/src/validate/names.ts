import { FIELD_NAME, NAME, type Definition, type FieldType } from '@granary/contracts';
import type { Owner } from '../problem.js';
import { ownerOf, type Context } from './context.js';

/** Members of every JavaScript object: as keys of a row they would read as present where they are not. */
const UNSAFE = new Set(['constructor', 'prototype', '__proto__', 'hasOwnProperty', 'isPrototypeOf', 'toString', 'toLocaleString', 'valueOf', 'propertyIsEnumerable']);
/** Table and file names add a prefix and a version, and file systems stop at 255 bytes. */
const LONGEST_NAME = 100;

export function checkNames(context: Context, definition: Definition): void {
  const owner = ownerOf(definition);
  if (!NAME.test(definition.name)) {
    context.report(owner, 'DEF-012', `"${definition.name}" is not a name`, 'Use lower-case words joined by underscores, such as user_activity.');
  } else if (UNSAFE.has(definition.name)) {
    context.report(owner, 'DEF-012', `the name ${definition.name} is reserved`, 'Choose another name.');
  } else if (definition.name.length > LONGEST_NAME) {
    context.report(owner, 'DEF-012', `its name has ${definition.name.length} characters`, `Use at most ${LONGEST_NAME}.`);
  }
  const fields = fieldNames(definition);
  for (const name of new Set(fields)) checkFieldName(context, owner, name);
  checkCase(context, owner, fields);
}

export function checkFieldName(context: Context, owner: Owner, name: string): void {
  if (name.startsWith('__')) {
    context.report(owner, 'DEF-012', `${name} starts with two underscores, as Granary's own columns do`, 'Rename it.');
  } else if (!FIELD_NAME.test(name)) {
    context.report(owner, 'DEF-012', `"${name}" is not a field name`, 'Start with a letter; use letters, digits and underscores.');
  } else if (UNSAFE.has(name)) {
    context.report(owner, 'DEF-012', `${name} is a reserved name`, 'Choose another name.');
  } else if (name.length > LONGEST_NAME) {
    context.report(owner, 'DEF-012', `the name ${name} has ${name.length} characters`, `Use at most ${LONGEST_NAME}.`);
  }
}

/** Names that differ only in case are one column to some readers of the tables, and a trap to people. */
export function checkCase(context: Context, owner: Owner, names: readonly string[]): void {
  const seen = new Map<string, string>();
  for (const name of names) {
    const first = seen.get(name.toLowerCase());
    if (first === undefined) seen.set(name.toLowerCase(), name);
    else context.report(owner, 'NAME-001', first === name ? `has ${name} twice` : `${first} and ${name} differ only in case`, 'Rename one of them.');
  }
}

export function checkEnum(context: Context, owner: Owner, name: string, type: FieldType): void {
  const of = type.kind === 'array' || type.kind === 'map' ? type.of : type;
  if (of.kind !== 'enum') return;
  const twice = of.values.find((value, i) => of.values.indexOf(value) !== i);
  if (twice !== undefined) context.report(owner, 'DEF-021', `the enum ${name} has the value '${twice}' twice`, 'Name each value once.');
}

/** The names that one table or row of this definition has; a service's row is checked with its views. */
function fieldNames(definition: Definition): readonly string[] {
  switch (definition.kind) {
    case 'entity':
      return definition.keys.map((key) => key.name);
    case 'source':
      return definition.fields.map((field) => field.name);
    case 'featureView':
      return definition.features.map((feature) => feature.name);
    case 'derived':
      return [...definition.request, ...definition.features].map((each) => each.name);
    case 'featureService':
      return definition.request.map((field) => field.name);
    case 'recommender':
    case 'scorer':
      return [];
  }
}
