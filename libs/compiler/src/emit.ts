import { clickhouseType, identifier, type FieldType, type Literal, type Statement, type StatementParam } from '@granary/contracts';

/** Collects the bound parameters of one statement while its text is written. */
export class Emitter {
  readonly #params: Record<string, StatementParam> = {};
  #names = 0;

  /** A placeholder for a value: `{p0:String}`. Equal values share one. */
  bind(type: FieldType, value: Literal['value']): string {
    if (type.kind === 'timestamp') return `fromUnixTimestamp64Milli(${this.#placeholder('Int64', value)}, 'UTC')`;
    return this.#placeholder(clickhouseType(type), value);
  }

  /** A placeholder for epoch milliseconds, as Int64. */
  bindMs(value: number): string {
    return this.#placeholder('Int64', value);
  }

  /** A name for a lambda's parameter that nothing else in the statement has. */
  fresh(): string {
    return `__x${this.#names++}`;
  }

  #placeholder(type: string, value: StatementParam): string {
    const known = Object.entries(this.#params).find(([name, other]) => other === value && name.endsWith(`_${type}`));
    const name = known?.[0] ?? `p${Object.keys(this.#params).length}_${type}`;
    this.#params[name] = value;
    return `{${name}:${type}}`;
  }

  statement(sql: string): Statement {
    return Object.freeze({ sql, params: Object.freeze({ ...this.#params }) });
  }
}

export function column(table: string, name: string): string {
  return `${identifier(table)}.${identifier(name)}`;
}

/** SQL of what ClickHouse holds for a type where nothing was given; null where it may be. */
export function emitDefault(type: FieldType, nullable = false): string {
  const name = clickhouseType(type);
  return `defaultValueOfTypeName('${(nullable ? `Nullable(${name})` : name).replaceAll("'", "\\'")}')`;
}

/** Lines of a list, comma separated, indented to stand under a keyword. */
export function list(items: readonly string[]): string {
  return items.map((item) => `  ${item}`).join(',\n');
}

/** Every line two spaces further in. */
export function indent(text: string): string {
  return text.replaceAll(/^/gm, '  ');
}
