/** SQL without its comments, and with its strings and quoted names emptied: what is left is words and signs. */
export function codeOf(sql: string): string {
  return sql.replace(/--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^'\\]|\\[\s\S]|'')*'|"(?:[^"\\]|\\[\s\S])*"|`(?:[^`\\]|\\[\s\S])*`/g, (part) => (/^['"`]/.test(part) ? `${part[0]}${part[0]}` : ' '));
}
