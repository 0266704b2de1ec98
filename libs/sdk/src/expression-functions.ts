import type { AnyExpression, BoolExpression, BoolOperand, ExpressionOf, KindOfExpression, NumberExpression, NumberOperand, OperandKind, TextExpression, TextOperand, TimeExpression, TimeOperand } from './expression.js';
import type { Choice, EnumOf, IntegerKind, TextKind } from './kinds.js';
import { apply, expressionOf, operand, refused, typed, TypedExpression } from './typed-expression.js';

/** `then` where the condition is true, else (false or unknown) `otherwise`. */
export function when<A extends NumberOperand, B extends NumberOperand>(condition: BoolExpression, then: A, otherwise: B): ExpressionOf<Choice<OperandKind<A> | OperandKind<B>>>;
export function when<A extends TextOperand, B extends TextOperand>(condition: BoolExpression, then: A, otherwise: B): ExpressionOf<Choice<OperandKind<A> | OperandKind<B>>>;
export function when(condition: BoolExpression, then: BoolOperand, otherwise: BoolOperand): BoolExpression;
export function when(condition: BoolExpression, then: TimeExpression, otherwise: TimeOperand): TimeExpression;
export function when(condition: BoolExpression, then: TimeOperand, otherwise: TimeExpression): TimeExpression;
export function when(condition: BoolExpression, then: unknown, otherwise: unknown): unknown {
  const [a, b] = [then, otherwise].map((choice) => (choice instanceof TypedExpression ? choice.type : undefined));
  return apply('if', expressionOf(condition, 'when'), operand(then, b), operand(otherwise, a));
}

/** The great-circle distance of two places in degrees, on a sphere of the Earth's mean radius. */
export function haversineKm(lat1: NumberOperand, lon1: NumberOperand, lat2: NumberOperand, lon2: NumberOperand): NumberExpression<'float64'> {
  return typed(apply('haversineKm', ...[lat1, lon1, lat2, lon2].map((degrees) => operand(degrees))));
}

declare const VALUES: unique symbol;

/** Several features of one declaration, each named by the declaration's name and its suffix. */
export interface OneHot<V extends string = string> {
  readonly columns: readonly { readonly suffix: string; readonly expression: AnyExpression<'bool'> }[];
  /** Never there at run time: carries V. */
  readonly [VALUES]?: V;
}

type OneHotValue<X> = KindOfExpression<X> extends EnumOf<infer V> ? V : KindOfExpression<X> extends IntegerKind ? number | bigint : string;

/**
 * One bool a value: `{ kind: oneHot(u.lastKind, ['view', 'cart']) }` gives kindView and kindCart. False, not null, where
 * there is no value.
 */
export function oneHot<X extends TextExpression<TextKind> | NumberExpression<IntegerKind>, const V extends readonly [OneHotValue<X>, ...OneHotValue<X>[]]>(of: X, values: V): OneHot<`${V[number]}`> {
  const value = expressionOf(of, 'oneHot');
  const columns = values.map((each) => {
    const suffix = capitalised(String(each));
    if (!/^[a-zA-Z0-9_]+$/.test(suffix)) {
      throw refused(`oneHot has the value '${each}', which makes no field name`, `Name its feature yourself: { isThat: ….eq('${each}').coalesce(false) }.`);
    }
    return { suffix, expression: typed<'bool'>(value.eq(each).coalesce(false)) };
  });
  const twice = columns.find(({ suffix }, i) => columns.findIndex((each) => each.suffix === suffix) !== i);
  if (columns.length === 0 || twice !== undefined) throw refused(twice === undefined ? 'oneHot has no values' : `oneHot has two values for …${twice.suffix}`, 'Give it each value once.');
  return { columns };
}

/** As the second word of a camelCase name. */
export function capitalised(name: string): string {
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}`;
}
