import { formatInstant } from '@granary/contracts';
import { GraphQLError, GraphQLScalarType, Kind, type ValueNode } from 'graphql';

/*
 * Input is handed on as it was written: whoever resolves the field reads it with parseKey or parseValue of
 * @granary/contracts, which know the name of the key and give the error its code.
 */

/** int64: text in answers, so that no client rounds it; text or a whole number in questions. */
export const Int64 = new GraphQLScalarType<unknown, string>({
  name: 'Int64',
  description: 'A 64-bit integer. Answers hold it as text, because JSON numbers are exact to 2^53 only; arguments may be text or numbers.',
  serialize: (value) => String(value as bigint),
  parseValue: (value) => value,
  parseLiteral: literalAsWritten,
});

/** Epoch milliseconds inside; ISO 8601 text in answers. */
export const Timestamp = new GraphQLScalarType<unknown, string>({
  name: 'Timestamp',
  description: 'An instant as ISO 8601 text in UTC, to the millisecond. Arguments may be ISO text (without a zone: UTC) or epoch milliseconds.',
  serialize: (value) => formatInstant(value as number),
  parseValue: (value) => value,
  parseLiteral: literalAsWritten,
});

/** A whole number stays text, for the parser of int64 must see all its digits. */
function literalAsWritten(node: ValueNode): unknown {
  switch (node.kind) {
    case Kind.INT:
    case Kind.STRING:
    case Kind.BOOLEAN:
      return node.value;
    case Kind.FLOAT:
      return Number(node.value);
    default:
      throw new GraphQLError('Expected text or a number.', { nodes: node });
  }
}
