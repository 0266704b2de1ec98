import { compileEvaluate, isDouble, type Evaluate, type ViewRepresentation } from '@granary/aggregates';
import type { PlannedFeature } from './plan.js';

/** How some features of a view are computed. */
export interface PlannedEvaluation {
  readonly evaluate: Evaluate;
  /** Positions in the view of the features whose values alone are computed. */
  readonly asDoubles: readonly number[];
  /** Where `evaluate` puts their values, each time. */
  readonly doubles: Float64Array;
  /** Positions of the others. */
  readonly inParts: readonly number[];
}

/** `positions`: of the wanted features in their view. */
export function planEvaluation(representation: ViewRepresentation, features: readonly PlannedFeature[], positions: readonly number[]): PlannedEvaluation {
  const nameOf = (position: number): string => features[position]!.feature.name;
  const isValue = (position: number): boolean => isDouble(features[position]!.feature) && !features[position]!.includesRequest;
  const [asDoubles, inParts] = [positions.filter(isValue), positions.filter((position) => !isValue(position))];
  return { evaluate: compileEvaluate(representation, { parts: inParts.map(nameOf), doubles: asDoubles.map(nameOf) }), asDoubles, doubles: new Float64Array(asDoubles.length), inParts };
}
