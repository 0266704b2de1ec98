import { fieldReferences, viewId, type Derived, type Entity, type FeatureService, type FeatureView, type Key, type RequestField, type ViewFeatures } from '@granary/contracts';
import type { Owner } from '../problem.js';
import { canonicalJson } from '../version/canonical.js';
import { lookUp, type Context, type Declared } from './context.js';
import { checkFieldName } from './names.js';

/** How a view is read: under which alias, for which keys. */
export type Use = Omit<ViewFeatures, 'features'>;

/** Views and request fields that a part of a service reads, its derived features seen through. */
export interface Reads {
  readonly views: readonly ViewFeatures[];
  readonly request: readonly RequestField[];
}

/** What is wrong with one use by itself; the view, if there is one. */
export function checkUse(context: Context, owner: Owner, use: Use): FeatureView | undefined {
  const view = lookUp(context, owner, 'feature view', context.views, use.view);
  if (use.alias !== undefined) checkFieldName(context, owner, use.alias);
  const entity = context.entities.get(view?.entity ?? '');
  if (entity === undefined) return view;
  for (const [key, asked] of Object.entries(use.keys ?? {})) {
    checkFieldName(context, owner, asked);
    if (!entity.keys.some((each) => each.name === key)) {
      context.report(owner, 'DEF-057', `renames the key ${key} of ${use.view}, and ${entity.name} has no such key`, `${entity.name} has ${entity.keys.map((each) => each.name).join(', ')}.`);
    }
  }
  const asked = useKeys(entity, use).map((key) => key.name);
  const twice = asked.find((name, i) => asked.indexOf(name) !== i);
  if (twice !== undefined) context.report(owner, 'NAME-001', `calls two keys of ${use.view} ${twice}`, 'Give each its own name.');
  return view;
}

export function checkFeaturesTaken(context: Context, owner: Owner, view: FeatureView | Derived, features: readonly string[]): void {
  for (const name of features) {
    if (view.features.some((each) => each.name === name)) continue;
    context.report(owner, 'DEF-050', `takes ${name} from ${view.name}, which has none`, `${view.name} has ${view.features.map((each) => each.name).join(', ')}.`);
  }
}

/** The keys that the asker gives for a view, under the names it gives them. */
export function useKeys(entity: Entity, use: Use): readonly Key[] {
  return entity.keys.map(({ name, type }) => ({ name: use.keys?.[name] ?? name, type }));
}

/** What derived features read in the end; cycles and names that are not there are passed over. */
export function derivedReads(declared: Pick<Declared, 'derived'>, derived: Derived, features: readonly string[], above: ReadonlySet<string> = new Set()): Reads {
  if (above.has(derived.name)) return { views: [], request: [] };
  const path = new Set([...above, derived.name]);
  const fields = derived.features.filter((each) => features.includes(each.name)).flatMap((each) => fieldReferences(each.expression));
  const inputs = derived.inputs.map((input): Reads => {
    const id = input.kind === 'view' ? viewId(input) : input.derived;
    const read = [...new Set(fields.filter((field) => field.of === id).map((field) => field.name))];
    if (read.length === 0) return { views: [], request: [] };
    if (input.kind === 'view') {
      const { kind: _, ...use } = input;
      return { views: [{ ...use, features: read }], request: [] };
    }
    const inner = declared.derived.get(input.derived);
    return inner === undefined ? { views: [], request: [] } : derivedReads(declared, inner, read, path);
  });
  return { views: inputs.flatMap((each) => each.views), request: [...derived.request, ...inputs.flatMap((each) => each.request)] };
}

/** What each part of a service reads: its views, then its derived views. */
export function serviceParts(declared: Pick<Declared, 'derived'>, service: FeatureService): readonly Reads[] {
  const derived = (service.derived ?? []).flatMap((part): Reads[] => {
    const definition = declared.derived.get(part.derived);
    return definition === undefined ? [] : [derivedReads(declared, definition, part.features)];
  });
  return [...service.views.map((use): Reads => ({ views: [use], request: [] })), ...derived];
}

export function serviceReads(declared: Pick<Declared, 'derived'>, service: FeatureService): readonly ViewFeatures[] {
  return serviceParts(declared, service).flatMap((part) => part.views);
}

/** The keys that a caller gives to read a service's row, each once. */
export function serviceKeys(declared: Pick<Declared, 'derived' | 'views' | 'entities'>, service: FeatureService): readonly Key[] {
  const keys = serviceReads(declared, service).flatMap((use) => {
    const entity = declared.entities.get(declared.views.get(use.view)?.entity ?? '');
    return entity === undefined ? [] : useKeys(entity, use);
  });
  return [...new Map([...keys].reverse().map((key) => [key.name, key])).values()].reverse();
}

/** One id is one view, read for one thing, in all that is read together: between parts, for each is checked by itself. */
export function checkIds(context: Context, owner: Owner, parts: readonly Reads[]): void {
  const first = new Map<string, { readonly use: Use; readonly part: number }>();
  parts.forEach(({ views }, part) => {
    for (const use of views) {
      const id = viewId(use);
      const other = first.get(id);
      if (other === undefined) {
        first.set(id, { use, part });
      } else if (other.part !== part && other.use.view !== use.view) {
        context.report(owner, 'NAME-001', `reads ${other.use.view} and ${use.view} both as ${id}`, "Give one of them another alias: view.as('sender').");
      } else if (other.part !== part && canonicalJson(other.use.keys ?? {}) !== canonicalJson(use.keys ?? {})) {
        context.report(owner, 'DEF-058', `reads ${use.view} twice as ${id}, for different keys`, 'Give one of them another alias, or both the same keys.');
      }
    }
  });
}
