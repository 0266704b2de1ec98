import { GranaryError } from '@granary/contracts';

// Strings, heredocs, quoted names and comments, in which nothing means anything to us; then what does.
const TOKEN = /'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|`(?:[^`\\]|\\.|``)*`|\$(\w*)\$[\s\S]*?\$\1\$|--[^\n]*|#[ !][^\n]*|\/\*[\s\S]*?(?:\*\/|$)|\{\{\s*(\w+)\s*\}\}|[();]|\w+/g;
const COMMENT = /^(?:--|#|\/\*)/;

/**
 * The SQL of a computed source with each `{{name}}` replaced. Throws DEFINITION_INVALID unless it is one query, and reads
 * no other inputs than those declared.
 */
export function fillTemplate(source: string, sql: string, inputs: readonly string[], replace: (input: string) => string): string {
  const refuse = (what: string, todo: string): GranaryError => new GranaryError('DEFINITION_INVALID', `source ${source}: its SQL ${what}`, { todo, details: { source } });
  let depth = 0;
  let first: string | undefined;
  const filled = sql.replaceAll(TOKEN, (token: string, _heredoc: string | undefined, input: string | undefined) => {
    if (COMMENT.test(token)) return token.startsWith('/*') && !token.endsWith('*/') ? '' : token;
    if (token === ';') throw refuse('holds a semicolon', 'Write one SELECT, without a semicolon.');
    if (token === '(') depth++;
    else if (token === ')' && --depth < 0) throw refuse('closes a bracket that it has not opened', 'Write one SELECT.');
    else first ??= token.toUpperCase();
    if (input === undefined) return token;
    if (inputs.includes(input)) return replace(input);
    throw refuse(`reads {{${input}}}, which is none of its inputs`, `Name one of ${inputs.join(', ')}, or add ${input} to the inputs.`);
  });
  if (first !== 'SELECT' && first !== 'WITH') throw refuse('is no query', 'Begin it with SELECT or WITH.');
  if (depth > 0) throw refuse('leaves a bracket open', 'Close it.');
  return filled;
}
