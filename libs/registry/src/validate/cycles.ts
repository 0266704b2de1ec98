import { computedInputs, type Definition } from '@granary/contracts';
import { KIND_TITLES, ownerOf, type Context } from './context.js';

type Node = Extract<Definition, { kind: 'source' | 'featureView' | 'derived' }>;

/** Nothing is computed from itself: source → view → source, derived view → derived view. Each cycle is told once, with its path. */
export function checkCycles(context: Context): void {
  const done = new Set<Node>();
  const visit = (node: Node, path: readonly Node[]): void => {
    const start = path.indexOf(node);
    if (start >= 0) return report(context, path.slice(start));
    if (done.has(node)) return;
    for (const input of inputsOf(context, node)) visit(input, [...path, node]);
    done.add(node);
  };
  for (const node of [...context.sources.values(), ...context.derived.values()]) visit(node, []);
}

function inputsOf(context: Context, node: Node): readonly Node[] {
  const found = <T>(map: ReadonlyMap<string, T>, names: readonly string[]): readonly T[] => names.flatMap((name) => map.get(name) ?? []);
  switch (node.kind) {
    case 'source': {
      const { sources, views } = node.computed === undefined ? { sources: [], views: [] } : computedInputs(node.computed);
      return [...found(context.sources, sources), ...found(context.views, views)];
    }
    case 'featureView':
      return found(context.sources, [node.source]);
    case 'derived':
      return found(context.derived, node.inputs.flatMap((input) => (input.kind === 'derived' ? [input.derived] : [])));
  }
}

function report(context: Context, cycle: readonly Node[]): void {
  const path = [...cycle, cycle[0]!].map((node) => `${KIND_TITLES[node.kind]} ${node.name}`).join(' → ');
  context.report(ownerOf(cycle[0]!), 'CYCLE-001', `is computed from itself: ${path}`, 'Take one of these inputs away.');
}
