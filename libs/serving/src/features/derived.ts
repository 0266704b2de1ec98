import { absentState, compileExpression } from '@granary/aggregates';
import { fieldReferences, named, type Expression, type FeatureValue, type Instant, type ResolvedService, type Value } from '@granary/contracts';
import type { ViewValues } from './evaluate.js';
import type { FeaturePlace, PlannedView } from './plan.js';

type Fields = Readonly<Record<string, Value>>;

/** A derived feature: how it is computed from what a request's views give, in the plan's order, and its fields. */
export interface PlannedDerived {
  readonly inputs: readonly DerivedInput[];
  readonly compute: (views: readonly ViewValues[], fields: Fields) => Value | null;
}

interface DerivedInput extends FeaturePlace {
  readonly includesRequest: boolean;
}

/** What a derived feature is computed from. */
interface Inputs {
  readonly views: readonly ViewValues[];
  readonly fields: Fields;
}

export function planDerived(expression: Expression, service: ResolvedService, views: readonly PlannedView[], placeOf: (of: string, name: string) => FeaturePlace): PlannedDerived {
  const inputs = new Map<string, DerivedInput>();
  for (const { of, name } of fieldReferences(expression)) {
    if (of === undefined) continue;
    const place = placeOf(of, name);
    inputs.set(`${of}.${name}`, { ...place, includesRequest: views[place.view]!.features[place.feature]!.includesRequest });
  }
  const read = compileExpression<Inputs>(expression, ({ of, name }) => {
    if (of === undefined) return { type: named(service.request, name).type, read: ({ fields }) => fields[name] ?? null };
    const { view, feature } = placeOf(of, name);
    return { type: views[view]!.features[feature]!.feature.type, read: (row) => row.views[view]!.values[feature] ?? null };
  });
  return { inputs: [...inputs.values()], compute: (values, fields) => read({ views: values, fields }) };
}

/** The value with its state. */
export function derivedValue({ compute, inputs }: PlannedDerived, views: readonly ViewValues[], fields: Fields): FeatureValue {
  const value = compute(views, fields);
  const state = value === null ? absentState(inputs.map(({ view, includesRequest }) => (includesRequest ? 'present' : views[view]!.absent))) : 'present';
  return { value, state, eventTime: newestOf(inputs, views) };
}

/** Null when it reads no feature, or none that has an event. */
function newestOf(inputs: readonly DerivedInput[], views: readonly ViewValues[]): Instant | null {
  let newest: Instant | null = null;
  for (const { view, includesRequest } of inputs) {
    const { at, eventTime } = views[view]!;
    const time = includesRequest ? at : eventTime;
    if (time !== null && (newest === null || time > newest)) newest = time;
  }
  return newest;
}
