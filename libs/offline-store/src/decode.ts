import { parseColumnType, type ParsedColumnType } from './column-type.js';

/** A decoded value: see `columnDecoder`. */
export type Cell = string | number | bigint | boolean | null | readonly Cell[] | { readonly [key: string]: Cell };
export type Row = Record<string, Cell>;

/** Turns a JSON value of a column into the value that Granary uses; null: it is that value already. */
export type Decoder = ((value: unknown) => Cell) | null;

const BIG = new Set(['Int64', 'UInt64', 'Int128', 'UInt128', 'Int256', 'UInt256']);

/**
 * By ClickHouse type: 64-bit and wider integers → bigint; smaller integers and floats → number (NaN and ±inf too;
 * Float32 as the double that equals it); DateTime and DateTime64 → epoch ms (finer fractions cut off); Bool → boolean;
 * String, Date, UUID, Enum, Decimal → string; Array and Tuple → array; Map → object without a prototype; Nullable → null or the value.
 * Expects JSON written with `baseSettings`.
 */
export function columnDecoder(type: string): Decoder {
  return decoderOf(parseColumnType(type));
}

function decoderOf({ name, args }: ParsedColumnType): Decoder {
  if (BIG.has(name)) return (value) => BigInt(value as string);
  switch (name) {
    case 'Nullable': {
      const inner = decoderOf(args[0]!);
      return inner && ((value) => (value === null ? null : inner(value)));
    }
    case 'LowCardinality':
      return decoderOf(args[0]!);
    case 'Float32':
      return (value) => Math.fround(typeof value === 'number' ? value : denormal(value));
    case 'Float64':
      return (value) => (typeof value === 'number' ? value : denormal(value));
    case 'DateTime':
    case 'DateTime64':
      return (value) => Date.parse(value as string);
    case 'Array': {
      const inner = decoderOf(args[0]!);
      return inner && ((value) => (value as unknown[]).map(inner));
    }
    case 'Tuple': {
      const inner = args.map(decoderOf);
      // A tuple with names is an object in JSON, whose values stand in the order of the type.
      return (value) => Object.values(value as object).map((item, i) => (inner[i] ? inner[i](item) : (item as Cell)));
    }
    case 'Map': {
      const inner = decoderOf(args[1]!);
      return (value) => {
        // Without a prototype, as `valueMap` of @granary/contracts makes them.
        const map = Object.create(null) as Record<string, Cell>;
        for (const [key, item] of Object.entries(value as object)) map[key] = inner ? inner(item) : (item as Cell);
        return map;
      };
    }
    default:
      return null;
  }
}

function denormal(value: unknown): number {
  switch (value) {
    case 'nan':
    case '-nan':
      return Number.NaN;
    case 'inf':
      return Number.POSITIVE_INFINITY;
    case '-inf':
      return Number.NEGATIVE_INFINITY;
    default:
      return Number(value);
  }
}

/** All rows of one JSONCompactEachRowWithNamesAndTypes document. */
export function decodeRows(document: string): Row[] {
  // JSON escapes line breaks within texts, so every raw one ends a row.
  const [names, types, ...rows] = JSON.parse(`[${document.trimEnd().replaceAll('\n', ',')}]`) as [string[], string[], ...unknown[][]];
  const decoders = types.map(columnDecoder);
  return rows.map((row) => toRow(names, decoders, row));
}

/** Reads the same in batches of lines: JSONCompactEachRowWithNamesAndTypes, whose first two lines are the names and the types. */
export function rowDecoder(): (lines: readonly string[]) => Row[] {
  let names: readonly string[] | undefined;
  let decoders: readonly Decoder[] | undefined;
  return (lines) => {
    let rest = lines;
    if (names === undefined && rest.length > 0) {
      names = JSON.parse(rest[0]!) as string[];
      rest = rest.slice(1);
    }
    if (decoders === undefined && rest.length > 0) {
      decoders = (JSON.parse(rest[0]!) as string[]).map(columnDecoder);
      rest = rest.slice(1);
    }
    if (rest.length === 0) return [];
    // One parse for the batch is twice as fast as one for each line.
    const values = JSON.parse(`[${rest.join(',')}]`) as unknown[][];
    return values.map((row) => toRow(names!, decoders!, row));
  };
}

function toRow(names: readonly string[], decoders: readonly Decoder[], values: readonly unknown[]): Row {
  const row: Row = {};
  for (let i = 0; i < names.length; i += 1) {
    const decode = decoders[i];
    row[names[i]!] = decode ? decode(values[i]) : (values[i] as Cell);
  }
  return row;
}
