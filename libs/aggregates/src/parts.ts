import type { AggregateFunction, Feature, FeatureView, FieldType } from '@granary/contracts';

/**
 * What is stored of a feature, offline and online: enough to finish its value and to add one more event.
 * An avg is a sum and a count; the others are their own value.
 */
export interface Part {
  /** Unique within the view. */
  readonly name: string;
  readonly type: FieldType;
  readonly nullable: boolean;
  readonly role: PartRole;
}

/** How a part is folded from events: `value` is the aggregate's own fold. */
export type PartRole = 'count' | 'sum' | 'min' | 'max' | 'last' | 'latest';

const ROLES: Partial<Readonly<Record<AggregateFunction, readonly PartRole[]>>> = {
  latest: ['latest'],
  count: ['count'],
  sum: ['sum'],
  avg: ['sum', 'count'],
  min: ['min'],
  max: ['max'],
  last: ['last'],
};

/** The parts of one feature, in storage order. */
export function partsOf(feature: Feature): readonly Part[] {
  const roles = ROLES[feature.aggregate.fn];
  if (roles === undefined) throw new Error(`${feature.aggregate.fn} is not built yet`);
  return roles.map((role) => ({
    name: roles.length === 1 ? feature.name : `${feature.name}__${role}`,
    type: role === 'count' ? { kind: 'int32' } : feature.type,
    nullable: role !== 'count' && feature.type.kind !== 'array',
    role,
  }));
}

/** The parts of a view's row, in storage order. */
export function viewParts(view: Pick<FeatureView, 'features'>): readonly Part[] {
  return view.features.flatMap(partsOf);
}
