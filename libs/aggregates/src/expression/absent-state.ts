import type { FeatureState } from '@granary/contracts';

/** The state of a derived feature that has no value, from those of the features it reads: missing, else expired, if any of them is. */
export function absentState(inputs: readonly FeatureState[]): FeatureState {
  return inputs.includes('missing') ? 'missing' : inputs.includes('expired') ? 'expired' : 'null';
}
