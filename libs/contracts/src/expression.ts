import { z } from 'zod';
import { fieldTypeSchema } from './types.js';

export const expressionFunctions = ['eq', 'ne', 'lt', 'lte', 'gt', 'gte', 'in', 'isNull', 'and', 'or', 'not'] as const;
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
  | { readonly kind: 'field'; readonly name: string }
  | Literal
  | { readonly kind: 'call'; readonly fn: ExpressionFunction; readonly args: readonly Expression[] };

export const expressionSchema: z.ZodType<Expression> = z.lazy(() =>
  z.union([
    z.object({ kind: z.literal('field'), name: z.string() }),
    literalSchema,
    z.object({ kind: z.literal('call'), fn: z.enum(expressionFunctions), args: z.array(expressionSchema) }),
  ]),
);
