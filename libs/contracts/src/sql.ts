/** A SQL text whose values are all bound: `{name:Type}` in the text, the value under `name`. */
export interface Statement {
  readonly sql: string;
  readonly params: Readonly<Record<string, StatementParam>>;
}

/** What the ClickHouse client binds. An instant is passed as epoch milliseconds to an Int64 parameter. */
export type StatementParam = string | number | bigint | boolean | null | readonly (string | number | bigint)[];

/**
 * The one escaper for identifiers: every table, column and alias in SQL passes through here.
 * Throws a plain Error for the empty name and for NUL, which no declaration can produce.
 */
export function identifier(name: string): string {
  if (name === '' || name.includes('\0')) throw new Error(`not an identifier: ${JSON.stringify(name)}`);
  return `\`${name.replaceAll('\\', '\\\\').replaceAll('`', '\\`')}\``;
}
