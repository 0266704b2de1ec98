// Strings, heredocs, quoted names and comments, in which nothing means anything to us.
const QUIET = /'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|`(?:[^`\\]|\\.|``)*`|\$(\w*)\$[\s\S]*?\$\1\$|--[^\n]*|#[ !][^\n]*|\/\*[\s\S]*?(?:\*\/|$)/gs;

/** SQL without its comments, and with its strings and quoted names emptied: what is left is words and signs. */
export function codeOf(sql: string): string {
  return sql.replace(QUIET, (part) => (/^['"`]/.test(part) ? `${part[0]}${part[0]}` : ' '));
}
