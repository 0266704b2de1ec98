import type { Instant } from '@granary/contracts';
import type { ReadinessCheck } from './health/readiness.js';
import type { ExampleQuery } from './schema/schema-part.js';

/** What Nest injects by; the values are made in the composition root. */
export const READER = Symbol('FeatureReader');
export const SERVED = Symbol('Served');
export const CHECKS = Symbol('ReadinessChecks');

export type Checks = readonly ReadinessCheck[];

/** What is known once the schema stands. */
export interface Served {
  readonly appliedAt: Instant | null;
  readonly examples: () => readonly ExampleQuery[];
}
