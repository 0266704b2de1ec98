import { formatType, viewId, type Derived, type FieldType } from '@granary/contracts';
import { lookUp, ownerOf, sameType, type Context } from './context.js';
import { checkExpression, type Scope } from './expressions.js';
import { checkEnum } from './names.js';
import { checkIds, checkUse, derivedReads, type Reads } from './uses.js';

type Input = Derived['inputs'][number];

export function checkDerived(context: Context, derived: Derived): void {
  const owner = ownerOf(derived);
  for (const input of derived.inputs) {
    if (input.kind === 'view') checkUse(context, owner, input);
    else lookUp(context, owner, 'derived view', context.derived, input.derived);
  }
  const ids = derived.inputs.map(inputId);
  for (const id of new Set(ids.filter((each, i) => ids.indexOf(each) !== i))) {
    context.report(owner, 'NAME-001', `has two inputs ${id}`, "Give one of them an alias: view.as('sender').");
  }
  for (const field of derived.request) checkEnum(context, owner, field.name, field.type);
  const scope = derivedScope(context, derived);
  for (const { name, type, expression } of derived.features) {
    const found = checkExpression(expression, scope, (message, todo) => context.report(owner, 'DEF-090', `${name} ${message}`, todo));
    if (found !== undefined && !sameType(found, type)) {
      context.report(owner, 'DEF-091', `${name} is declared as ${formatType(type)}; its formula gives ${formatType(found)}`, "Declare it with the SDK's derived(…).");
    }
  }
  checkIds(context, owner, derived.inputs.map((input) => readsOfInput(context, derived, input)));
}

function inputId(input: Input): string {
  return input.kind === 'view' ? viewId(input) : input.derived;
}

/** Features of the inputs, named by their input, and request fields. */
function derivedScope(context: Context, derived: Derived): Scope {
  const features = (input: Input): readonly { readonly name: string; readonly type: FieldType }[] =>
    (input.kind === 'view' ? context.views.get(input.view) : context.derived.get(input.derived))?.features ?? [];
  const inputs = new Map(derived.inputs.map((input) => [inputId(input), features(input)]));
  const list = [...inputs].map(([id, of]) => `${id} has ${of.map((each) => each.name).join(', ') || 'nothing'}.`);
  if (derived.request.length > 0) list.push(`The request has ${derived.request.map((each) => each.name).join(', ')}.`);
  return { typeOf: ({ of, name }) => (of === undefined ? derived.request : (inputs.get(of) ?? [])).find((each) => each.name === name)?.type, list: list.join(' ') };
}

function readsOfInput(context: Context, derived: Derived, input: Input): Reads {
  return derivedReads(context, { ...derived, inputs: [input] }, derived.features.map((each) => each.name));
}
