/**
 * The little that must be known about a statement's text: where it ends, what kind it is, which format it asks for,
 * where an INSERT's data begins, which parameters it names. ClickHouse does the parsing; this only finds words.
 */
export interface Token {
  readonly kind: 'word' | 'quoted' | 'string' | 'number' | 'symbol';
  readonly text: string;
  readonly start: number;
  readonly end: number;
  /** How many brackets are open around it. */
  readonly depth: number;
}

const SPACE = /\s/;
const WORD_START = /[A-Za-z_]/;
const WORD = /[A-Za-z0-9_$]/;

/** Lazily, so that the data behind an INSERT is never looked at. Unfinished quotes end at the end of the text. */
export function* tokens(sql: string): Generator<Token> {
  let at = 0;
  let depth = 0;
  while (at < sql.length) {
    const char = sql[at]!;
    if (SPACE.test(char)) {
      at += 1;
      continue;
    }
    const afterComment = skipComment(sql, at);
    if (afterComment !== at) {
      at = afterComment;
      continue;
    }
    const start = at;
    let kind: Token['kind'] = 'symbol';
    if (char === "'" || char === '"' || char === '`') {
      kind = char === "'" ? 'string' : 'quoted';
      at = skipQuoted(sql, at);
    } else if (char === '$' && /^\$[A-Za-z0-9_]*\$/.test(sql.slice(at, at + 64))) {
      kind = 'string';
      const tag = /^\$[A-Za-z0-9_]*\$/.exec(sql.slice(at, at + 64))![0];
      const close = sql.indexOf(tag, at + tag.length);
      at = close < 0 ? sql.length : close + tag.length;
    } else if (WORD_START.test(char)) {
      kind = 'word';
      while (at < sql.length && WORD.test(sql[at]!)) at += 1;
    } else if (/[0-9]/.test(char)) {
      kind = 'number';
      while (at < sql.length && /[0-9A-Za-z_.]/.test(sql[at]!)) at += 1;
    } else {
      at += 1;
    }
    if (char === ')' || char === ']' || char === '}') depth -= 1;
    yield { kind, text: sql.slice(start, at), start, end: at, depth };
    if (char === '(' || char === '[' || char === '{') depth += 1;
  }
}

function skipComment(sql: string, at: number): number {
  if (sql.startsWith('--', at) || sql.startsWith('#!', at) || sql.startsWith('# ', at)) {
    const end = sql.indexOf('\n', at);
    return end < 0 ? sql.length : end + 1;
  }
  if (sql.startsWith('/*', at)) {
    const end = sql.indexOf('*/', at + 2);
    return end < 0 ? sql.length : end + 2;
  }
  return at;
}

function skipQuoted(sql: string, start: number): number {
  const quote = sql[start];
  let at = start + 1;
  while (at < sql.length) {
    if (sql[at] === '\\') at += 2;
    else if (sql[at] !== quote) at += 1;
    else if (sql[at + 1] === quote) at += 2;
    else return at + 1;
  }
  return sql.length;
}

function isWord(token: Token | undefined, ...words: string[]): boolean {
  return token?.kind === 'word' && words.includes(token.text.toUpperCase());
}

export interface InsertParts {
  /** `INSERT INTO t (a, b)`: up to the settings, the format or VALUES. */
  readonly target: string;
  /** ` SETTINGS …`, or empty. */
  readonly settings: string;
  readonly format: string;
  /** The data that follows in the text itself; more may come in a request's body. */
  readonly data: string;
}

export interface StatementShape {
  /** Without comments before it and without the semicolon at its end. */
  readonly sql: string;
  /** The first word, upper case; `(` for a query in brackets; empty for an empty text. */
  readonly verb: string;
  /** A SELECT, however it begins: its result may be large. */
  readonly isQuery: boolean;
  /** Sets what outlives it on a connection: SET, USE, temporary tables and all that is not known to be harmless. */
  readonly leavesState: boolean;
  /** From the FORMAT clause; null where it has none. */
  readonly format: string | null;
  /** Where `INTO OUTFILE` would be put. */
  readonly outfileAt: number;
  readonly hasOutfile: boolean;
  readonly hasSubquery: boolean;
  /** Where the text holds or expects data: INSERT with VALUES or FORMAT. */
  readonly insert: InsertParts | null;
  /** Names of the `{name:Type}` placeholders. */
  readonly placeholders: readonly string[];
  /** More than one statement. */
  readonly multiple: boolean;
}

const HARMLESS = new Set([
  'SELECT', 'WITH', '(', 'FROM', 'INSERT', 'CREATE', 'DROP', 'ALTER', 'TRUNCATE', 'OPTIMIZE', 'SHOW', 'DESCRIBE', 'DESC', 'EXISTS',
  'EXPLAIN', 'KILL', 'SYSTEM', 'RENAME', 'EXCHANGE', 'DELETE', 'UPDATE', 'CHECK', 'UNDROP', 'DETACH', 'ATTACH',
]);

/** What kind of statement a text is. Never throws: a text that is no SQL is the engine's to refuse. */
export function statementShape(sql: string): StatementShape {
  const insert = splitInsert(sql);
  const all = [...tokens(insert ? insert.target + insert.settings : sql)];
  while (all.at(-1)?.text === ';') all.pop();
  const first = all[0];
  const last = all.at(-1);
  const text = first && last && !insert ? sql.slice(first.start, last.end) : sql;
  const verb = first?.text.toUpperCase() ?? '';
  const offset = first?.start ?? 0;
  const formatIndex = all.findLastIndex(
    (t, i) => t.depth === 0 && isWord(t, 'FORMAT') && all[i + 1]?.kind === 'word' && (i + 2 === all.length || isWord(all[i + 2], 'SETTINGS')),
  );
  const hasInsert = all.some((t) => t.depth === 0 && isWord(t, 'INSERT'));
  return {
    sql: text,
    verb,
    isQuery: (verb === 'SELECT' || verb === 'WITH' || verb === '(' || verb === 'FROM') && !hasInsert,
    leavesState: verb !== '' && (!HARMLESS.has(verb) || (verb === 'CREATE' && all.slice(0, 4).some((t) => isWord(t, 'TEMPORARY')))),
    format: formatIndex < 0 ? (insert?.format ?? null) : all[formatIndex + 1]!.text,
    outfileAt: formatIndex < 0 ? text.length : all[formatIndex]!.start - offset,
    hasSubquery: all.filter((t) => isWord(t, 'SELECT')).length > 1,
    hasOutfile: all.some((t, i) => t.depth === 0 && isWord(t, 'OUTFILE') && isWord(all[i - 1], 'INTO')),
    insert,
    placeholders: placeholdersOf(all),
    multiple: all.some((t) => t.text === ';'),
  };
}

function placeholdersOf(all: readonly Token[]): string[] {
  const names = new Set<string>();
  all.forEach((token, i) => {
    // A map literal `{'a': 1}` has a string where a placeholder has a name.
    if (token.text === '{' && all[i + 1]?.kind === 'word' && all[i + 2]?.text === ':') names.add(all[i + 1]!.text);
  });
  return [...names];
}

function splitInsert(sql: string): InsertParts | null {
  let previous: Token | undefined;
  let settingsAt = -1;
  let first = true;
  for (const token of tokens(sql)) {
    if (first && !isWord(token, 'INSERT')) return null;
    first = false;
    if (token.depth === 0) {
      if (token.text === ';' || isWord(token, 'SELECT', 'WITH', 'INFILE', 'WATCH')) return null;
      if (isWord(token, 'SETTINGS')) settingsAt = token.start;
      if (isWord(token, 'VALUES') && !isWord(previous, 'INTO', 'TABLE')) return insertParts(sql, settingsAt, token.start, 'Values', token.end);
      if (isWord(previous, 'FORMAT') && token.kind === 'word' && token.text !== '.') {
        return insertParts(sql, settingsAt, previous!.start, token.text, token.end);
      }
    }
    previous = token;
  }
  return null;
}

function insertParts(sql: string, settingsAt: number, targetEnd: number, format: string, dataAt: number): InsertParts {
  const cut = settingsAt >= 0 ? settingsAt : targetEnd;
  // The data of VALUES and of a format begins behind one line break, as ClickHouse reads it.
  const data = format === 'Values' ? sql.slice(dataAt) : sql.slice(dataAt).replace(/^[ \t\r]*;?[ \t\r]*\n?/, '');
  return { target: sql.slice(0, cut), settings: settingsAt >= 0 ? sql.slice(settingsAt, targetEnd) : '', format, data };
}
