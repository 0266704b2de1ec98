import type { FieldType } from '@granary/contracts';
import { fixedCodec, type FixedCodec } from './elements.js';
import { VERSION } from './keyspace.js';
import { variableCodec, type VariableCodec } from './variable.js';

export interface Column {
  readonly name: string;
  readonly type: FieldType;
}

export interface FixedColumn {
  readonly name: string;
  readonly position: number;
  readonly kind: string;
  /** Offset of its first byte in the row. */
  readonly at: number;
  readonly codec: FixedCodec;
}

export interface VariableColumn {
  readonly name: string;
  readonly position: number;
  readonly codec: VariableCodec;
}

/** Where the parts of a row begin, in bytes from its first one. */
export interface RowLayout {
  readonly fixed: readonly FixedColumn[];
  readonly ends: number;
  readonly variable: readonly VariableColumn[];
  readonly heap: number;
  /** By position: the columns that decode to a number, null for the others. */
  readonly numbers: readonly (FixedColumn | null)[];
}

const NUMBERS: ReadonlySet<string> = new Set(['bool', 'int32', 'int64', 'float32', 'float64', 'timestamp']);

/** A view's version is what refuses its rows to others: a malformed one is a bug. */
export function assertVersion(id: string): void {
  if (!VERSION.test(id)) throw new Error(`"${id}" is no version: it has 12 hex digits`);
}

/** What a row's null bitmap, which begins at `at`, says of a column. */
export function isNull(bytes: Uint8Array, at: number, position: number): boolean {
  return (bytes[at + (position >> 3)]! & (1 << (position & 7))) !== 0;
}

/** `null bitmap | fixed columns | u32 end of each heap column | heap`. */
export function layoutColumns(columns: readonly Column[]): RowLayout {
  const names = new Set(columns.map((column) => column.name));
  if (names.size !== columns.length) throw new Error(`two columns of a row have the same name: ${columns.map(({ name }) => name).join(', ')}`);
  const fixed: FixedColumn[] = [];
  const variable: VariableColumn[] = [];
  let at = Math.ceil(columns.length / 8);
  columns.forEach(({ name, type }, position) => {
    const heapCodec = variableCodec(type);
    if (heapCodec !== null) {
      variable.push({ name, position, codec: heapCodec });
      return;
    }
    const codec = type.kind === 'array' || type.kind === 'map' ? null : fixedCodec(type);
    if (codec === null) throw new Error(`${name} is of no type a row can hold`);
    fixed.push({ name, position, kind: type.kind, at, codec });
    at += codec.width;
  });
  const numbers: (FixedColumn | null)[] = columns.map(() => null);
  for (const column of fixed) if (NUMBERS.has(column.kind)) numbers[column.position] = column;
  return { fixed, ends: at, variable, heap: at + 4 * variable.length, numbers };
}
