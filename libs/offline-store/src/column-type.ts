import { tokens } from './sql-text.js';

export interface ParsedColumnType {
  readonly name: string;
  /** Types among the arguments; names of tuple elements, numbers and texts are left out. */
  readonly args: readonly ParsedColumnType[];
}

/** `Map(String, Array(Nullable(Int64)))` → a tree. Unknown types come back by their name. */
export function parseColumnType(type: string): ParsedColumnType {
  const open = type.indexOf('(');
  if (open < 0 || !type.endsWith(')')) return { name: type.trim(), args: [] };
  const name = type.slice(0, open).trim();
  const nested = name === 'Nullable' || name === 'LowCardinality' || name === 'Array' || name === 'Map' || name === 'Tuple';
  if (!nested) return { name, args: [] };
  const inner = type.slice(open + 1, -1);
  return { name, args: splitArguments(inner).map((part) => parseColumnType(name === 'Tuple' ? withoutElementName(part) : part)) };
}

function splitArguments(inner: string): string[] {
  const parts: string[] = [];
  let from = 0;
  for (const token of tokens(inner)) {
    if (token.text === ',' && token.depth === 0) {
      parts.push(inner.slice(from, token.start).trim());
      from = token.end;
    }
  }
  parts.push(inner.slice(from).trim());
  return parts;
}

/** `a Int64` or `` `a b` Int64 `` → `Int64`; a bare type stays. */
function withoutElementName(part: string): string {
  const [first, second] = [...tokens(part)].filter((token) => token.depth === 0);
  const named = first && second && (second.kind === 'word' || first.kind === 'quoted') && second.start > first.end;
  return named ? part.slice(second.start) : part;
}
