import { GranaryError, identifier, named, type Snapshot } from '@granary/contracts';
import type { Emitter } from './emit.js';
import { emitCurrent, emitEvents, type EventScope } from './events.js';

// Strings, heredocs, quoted names and comments, in which nothing means anything to us; then what does.
const TOKEN = /'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|`(?:[^`\\]|\\.|``)*`|\$(\w*)\$[\s\S]*?\$\1\$|--[^\n]*|#[ !][^\n]*|\/\*[\s\S]*?(?:\*\/|$)|\{\{\s*(\w+)\s*\}\}|[();]|\w+/g;
const COMMENT = /^(?:--|#|\/\*)/;

/** A user's query: one SELECT, in which `{{name}}` is the events of an input. */
export interface SqlTemplate {
  readonly sql: string;
  readonly inputs: readonly string[];
}

/** The query with its inputs put in: of each the last versions of its events at the horizon, with its declared fields. */
export function emitSql(emitter: Emitter, snapshot: Snapshot, what: string, template: SqlTemplate, scope: EventScope): string {
  return fillTemplate(what, template, (input) => {
    const source = named(snapshot.sources, input);
    const fields = source.fields.map((field) => field.name);
    return `(\nSELECT ${fields.map(identifier).join(', ')}\nFROM ${emitEvents(emitter, source, fields, scope)}\nWHERE ${emitCurrent(source)}\n)`;
  });
}

/** The inputs that a query reads, each once. Throws DEFINITION_INVALID as `emitSql` does. */
export function inputsOf(what: string, template: SqlTemplate): readonly string[] {
  const read = new Set<string>();
  fillTemplate(what, template, (input) => {
    read.add(input);
    return '';
  });
  return [...read];
}

/**
 * The SQL with each `{{name}}` replaced. Throws DEFINITION_INVALID unless it is one query, and reads
 * no other inputs than those given.
 */
function fillTemplate(whose: string, { sql, inputs }: SqlTemplate, replace: (input: string) => string): string {
  const refuse = (what: string, todo: string): GranaryError => new GranaryError('DEFINITION_INVALID', `${whose}: its SQL ${what}`, { todo });
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
