import { statSync } from 'node:fs';
import { statementShape, tokens, type Token } from '../sql-text.js';
import type { FrontRequest } from './request.js';
import { problem } from './problem.js';

/**
 * Table functions, table and database engines, dictionary sources and disks that read files of this process, start
 * programs or reach other machines. chDB holds itself for a program of the caller's own and bounds none of them, and has
 * no setting or grant that would.
 */
const OUTSIDE = new RegExp(
  `^(${[
    'file', 'filecluster', 'filelog', 'filesystem', 'url', 'urlcluster', 'http', 'executable\\w*', 'python', 'disk', 'loop', 'buffer', 'cluster', 'clusterallreplicas', 'remote', 'remotesecure',
    's3\\w*', 'gcs', 'oss', 'cosn', 'hdfs\\w*', 'azure\\w*', 'iceberg\\w*', 'deltalake\\w*', 'hudi\\w*', 'paimon\\w*', 'datalake\\w*',
    'mysql', 'postgresql', 'materializedmysql', 'materializedpostgresql', 'mongodb', 'redis', 'sqlite', 'odbc', 'jdbc', 'cassandra', 'clickhouse', 'yamlregexptree',
    'embeddedrocksdb', 'kafka', 'rabbitmq', 'nats', 'arrowflight', 'ytsaurus', 'prometheusquery\\w*',
  ].join('|')})$`,
);
/** Settings that name files. */
const FILE_SETTING = /^format_(schema|template)\w*$/i;
const LITERALS_ONLY = { input_format_values_interpret_expressions: '0', input_format_values_deduce_templates_of_expressions: '0' } as const;
const MAY_REACH_OUT = /file|select|["`“]/i;

/** Throws a ClickHouse error for what a request may not ask: to write or read this process's files, or to set what ends with it. */
export function refuse(read: FrontRequest, sql: string): void {
  const { insert, verb } = statementShape(sql);
  if (verb === 'SET' || verb === 'USE') {
    const instead = verb === 'SET' ? 'give settings in the URL or in the statement (SETTINGS …)' : 'give the database in the URL (?database=…) or before the name of the table';
    throw problem(48, `${verb} has no effect behind its own request, for there are no sessions: ${instead}`, 'NOT_IMPLEMENTED');
  }
  const setting = Object.keys(read.settings).find((name) => FILE_SETTING.test(name));
  if (setting !== undefined) throw outside(`the setting ${setting}`);
  // The data of an INSERT is no SQL.
  const all = [...tokens(insert ? insert.target + insert.settings : sql)];
  all.forEach((token, i) => refuseToken(all, i, token));
  const identifiers = identifierParams(all);
  for (const [name, value] of Object.entries(read.params)) if (identifiers.has(name) && namesFile(value)) throw outside(value);
}

/** The settings of a request. VALUES may hold expressions, and those may call file(): data that might do so must be literals. */
export function boundedSettings(read: FrontRequest, sql: string): Readonly<Record<string, string>> {
  const { insert } = statementShape(sql);
  if (insert?.format.toLowerCase() !== 'values' || (read.body === undefined && !MAY_REACH_OUT.test(insert.data))) return read.settings;
  const own = [...tokens(insert.settings)].find((token) => token.text.toLowerCase() in LITERALS_ONLY);
  if (own !== undefined) throw outside(`the setting ${own.text}`);
  return { ...read.settings, ...LITERALS_ONLY };
}

function refuseToken(all: readonly Token[], i: number, token: Token): void {
  const before = all[i - 1];
  const after = all[i + 1];
  if (is(token, 'OUTFILE') && is(before, 'INTO')) throw problem(48, 'INTO OUTFILE is not allowed over HTTP: the answer is the result', 'NOT_IMPLEMENTED');
  if (is(token, 'INFILE') && is(before, 'FROM')) throw problem(48, 'FROM INFILE is not allowed over HTTP: send the data as the body', 'NOT_IMPLEMENTED');
  if (token.kind === 'word' && FILE_SETTING.test(token.text) && after?.text === '=') throw outside(`the setting ${token.text}`);
  if (token.kind !== 'word' && token.kind !== 'quoted' && token.kind !== 'string') {
    // Typographic quotes quote names too, and no letter of SQL is one.
    if (/[“”‘’]/.test(token.text)) throw problem(62, 'Syntax error: typographic quotes are not supported', 'SYNTAX_ERROR');
    return;
  }
  const name = nameOf(token);
  if (token.kind !== 'string' && (after?.text === '(' || isEngine(all, i)) && OUTSIDE.test(name.toLowerCase()) && !isTarget(all, i)) throw outside(`${name}()`);
  // In the database `default` chDB takes the name of a table for that of a file.
  if ((token.kind !== 'string' || standsForTable(all, i)) && !is(before, 'AS') && namesFile(name)) throw outside(name);
}

function outside(what: string): Error {
  return problem(497, `${what} reaches outside of this database, which is not allowed over HTTP: load the data with INSERT`, 'ACCESS_DENIED');
}

function is(token: Token | undefined, ...words: string[]): boolean {
  return token?.kind === 'word' && words.includes(token.text.toUpperCase());
}

/** `ENGINE = File`, also without brackets behind it. */
function isEngine(all: readonly Token[], i: number): boolean {
  return is(all[i - 1], 'ENGINE') || (all[i - 1]?.text === '=' && is(all[i - 2], 'ENGINE'));
}

/** A table that happens to be called so, with its columns behind it: `INSERT INTO url (a)`, `CREATE TABLE url (a Int8)`. */
function isTarget(all: readonly Token[], i: number): boolean {
  const before = all[i - 1];
  if (before?.text === '.') return true;
  if (is(all[0], 'INSERT')) return is(before, 'INTO') || (is(before, 'TABLE') && is(all[i - 2], 'INTO'));
  return is(all[0], 'CREATE') && is(before, 'TABLE', 'VIEW', 'EXISTS') && !isEngine(all, i);
}

/** A string where the name of a table is expected: `FROM 'a.csv'`, `FROM t, 'a.csv'`. */
function standsForTable(all: readonly Token[], i: number): boolean {
  const before = all[i - 1];
  if (is(before, 'FROM', 'JOIN', 'INTO', 'TABLE', 'DESCRIBE', 'DESC', 'EXISTS', 'IN') || before?.text === '.') return true;
  if (before?.text !== ',' && before?.text !== '(') return false;
  const depth = all[i]!.depth;
  const clause = all.slice(0, i).findLast((each) => each.kind === 'word' && each.depth <= depth && CLAUSES.has(each.text.toUpperCase()));
  return is(clause, 'FROM', 'JOIN');
}

const CLAUSES = new Set(['SELECT', 'FROM', 'JOIN', 'ON', 'USING', 'WHERE', 'PREWHERE', 'GROUP', 'HAVING', 'ORDER', 'LIMIT', 'WINDOW', 'QUALIFY', 'SETTINGS', 'WITH', 'VALUES', 'SAMPLE', 'UPDATE', 'COMMENT']);

function identifierParams(all: readonly Token[]): Set<string> {
  return new Set(all.flatMap((token, i) => (token.text === '{' && all[i + 2]?.text === ':' && is(all[i + 3], 'IDENTIFIER') ? [all[i + 1]!.text] : [])));
}

/** A name without its quotes. */
function nameOf({ kind, text }: Token): string {
  if (kind === 'word') return text;
  if (text.startsWith('$')) return text.replace(/^\$\w*\$|\$\w*\$$/g, '');
  const quote = text[0]!;
  const inner = text.slice(1, text.endsWith(quote) ? -1 : undefined).replaceAll(quote + quote, quote);
  return inner.replace(/\\(?:x([0-9a-fA-F]{2})|(.))/gs, (_, hex: string | undefined, char: string) => (hex === undefined ? char : String.fromCharCode(parseInt(hex, 16))));
}

// Wildcards together with what paths have: "count(*)" is a usual alias.
const PATTERN = /^[^()]*[*?{][^()]*$/;

/** Names a file that is there, or may name some by a pattern. */
function namesFile(name: string): boolean {
  if (name.includes('\0') || (PATTERN.test(name) && /[./]/.test(name)) || /^(file|https?|s3|hdfs):/i.test(name)) return true;
  try {
    return statSync(name, { throwIfNoEntry: false })?.isFile() ?? false;
  } catch (error) {
    // Longer than the name of any file, or through a folder that is none: nothing there. Whatever else fails may be there.
    return !['ENAMETOOLONG', 'ENOTDIR', 'ELOOP'].includes((error as NodeJS.ErrnoException).code ?? '');
  }
}
