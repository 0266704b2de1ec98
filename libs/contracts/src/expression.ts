import { z } from 'zod';
import { fieldTypeSchema } from './types.js';

/**
 * What expressions can compute. One meaning in SQL and in TypeScript:
 * - A null among the arguments makes the result null, but for `isNull`, `and`, `or` (three-valued), `in` (an `or` of `eq`),
 *   `if` (an unknown condition takes the second branch), `coalesce` and `nullIf` (nothing equals a null).
 * - A result that is NaN or infinite is null, so a division by zero is; an integer result beyond int64 is null.
 * - `add sub mul mod neg abs least greatest clamp` of integers give int64, of anything with a float float64; `div` gives
 *   float64. Floats are computed in float64, float32 is widened first; −0 is 0, and nothing tells them apart.
 * - Numbers compare by their exact values, whatever their types; strings by their UTF-8 bytes.
 * - `pow exp log log1p haversineKm` agree to 1e-9 relative, everything else to the last bit.
 */
export const expressionFunctions = [
  // comparison and logic
  'eq', 'ne', 'lt', 'lte', 'gt', 'gte', 'in', 'isNull', 'and', 'or', 'not',
  // arithmetic: `mod(a, b)` is a − trunc(a ÷ b) × b, null for b = 0; `round` is floor(x + 0.5); `log` is natural, null of ≤ 0;
  // `clamp(x, low, high)` is least(greatest(x, low), high); what is nearer to 0 than 2^−1022 is 0 to `pow`
  'add', 'sub', 'mul', 'div', 'mod', 'neg', 'abs', 'least', 'greatest', 'clamp', 'pow', 'sqrt', 'exp', 'log', 'log1p', 'floor', 'ceil', 'round',
  // `if(condition, then, otherwise)`; `coalesce(a, b, …)`: the first that is not null; `nullIf(a, b)`: null where they are equal
  'if', 'coalesce', 'nullIf',
  // `toFloat` of a number, bool (1, 0) or timestamp (epoch ms); `toText` of an integer, bool, string or enum
  'toFloat', 'toText',
  // strings: `lower` and `upper` change ASCII letters only; `trim` takes spaces; `length` counts code points
  'lower', 'upper', 'trim', 'length', 'concat', 'contains', 'startsWith', 'endsWith',
  // time on a wall clock: (timestamp, IANA zone as literal) → int32; dayOfWeek: Monday 1 to Sunday 7. `msBetween(later, earlier)` → float64.
  // Each side uses the time-zone data of its own release
  'year', 'month', 'dayOfMonth', 'dayOfWeek', 'hour', 'minute', 'msBetween',
  // `bucketise(x, b1, b2, …)`: how many of the boundaries, rising literals, are ≤ x. `hashBucket(x, n)`: MurmurHash3 (32 bit, seed 0)
  // of toText(x), modulo n, a literal from 1
  'bucketise', 'hashBucket',
  // `haversineKm(lat1, lon1, lat2, lon2)`, degrees, on a sphere of radius 6371.0088 km
  'haversineKm',
] as const;
export type ExpressionFunction = (typeof expressionFunctions)[number];

/** A literal's value as JSON; int64 is decimal text, timestamps are epoch milliseconds. */
export const literalSchema = z.object({
  kind: z.literal('literal'),
  type: fieldTypeSchema,
  value: z.union([z.boolean(), z.number(), z.string()]),
});
export type Literal = z.infer<typeof literalSchema>;

/** One expression tree; compiled to SQL offline and evaluated online. */
export type Expression =
  /** A source's field inside a view; in a derived view a feature of the input `of`, or a request field without one. */
  | { readonly kind: 'field'; readonly name: string; readonly of?: string | undefined }
  | Literal
  | { readonly kind: 'call'; readonly fn: ExpressionFunction; readonly args: readonly Expression[] };

export const expressionSchema: z.ZodType<Expression> = z.lazy(() =>
  z.union([
    z.object({ kind: z.literal('field'), name: z.string(), of: z.string().optional() }),
    literalSchema,
    z.object({ kind: z.literal('call'), fn: z.enum(expressionFunctions), args: z.array(expressionSchema) }),
  ]),
);

export type FieldReference = Extract<Expression, { kind: 'field' }>;

/** Every field an expression reads, each as often as it stands there. */
export function fieldReferences(expression: Expression): readonly FieldReference[] {
  if (expression.kind === 'field') return [expression];
  return expression.kind === 'call' ? expression.args.flatMap(fieldReferences) : [];
}

/** The expression with every field replaced. */
export function replaceFields(expression: Expression, replace: (field: FieldReference) => Expression): Expression {
  if (expression.kind === 'field') return replace(expression);
  return expression.kind === 'call' ? { ...expression, args: expression.args.map((arg) => replaceFields(arg, replace)) } : expression;
}
