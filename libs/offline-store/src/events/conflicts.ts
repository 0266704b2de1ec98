import { EVENT, eventsTable, identifier, type FieldType, type Scalar, type Source, type Value } from '@granary/contracts';
import type { Row } from '../decode.js';
import type { Statements } from '../statements.js';
import type { EventRow } from './append.js';
import { holdsVersions } from './distinct-rows.js';
import { tsvValue } from './tsv.js';

/** Whether an id can come again with other content, and that is a contradiction: neither a version of a thing, nor part of the id. */
export function canConflict(source: Source): boolean {
  return source.eventId.length > 0 && !holdsVersions(source);
}

/** A row whose event is stored, perhaps with other content. */
export interface Suspect {
  readonly row: EventRow;
  /** `__sequence` of the stored row. */
  readonly sequence: number;
}

const AT_ONCE = 2_000;

/** Of each suspect the fields in which it differs from what is stored. */
export async function findDifferences(statements: Statements, source: Source, suspects: readonly Suspect[]): Promise<ReadonlyMap<EventRow, readonly string[]>> {
  const differences = new Map<EventRow, readonly string[]>();
  for (let from = 0; from < suspects.length; from += AT_ONCE) {
    const some = suspects.slice(from, from + AT_ONCE);
    const sequence = identifier(EVENT.sequence);
    const sql = `SELECT ${sequence} AS _sequence${valueColumns(source)} FROM ${identifier(eventsTable(source))} WHERE ${sequence} IN {sequences:Array(UInt64)}`;
    const sequences = [...new Set(some.map((each) => each.sequence))];
    const stored = new Map((await statements.rows({ sql, params: { sequences } }, { comment: `append ${source.name}` })).map((row) => [Number(row['_sequence']), row]));
    for (const { row, sequence: at } of some) {
      const same = stored.get(at);
      // Erased in between: then nothing is left to contradict.
      differences.set(row, same === undefined ? [] : differingFields(source, row.values, valuesOf(source, same)));
    }
  }
  return differences;
}

/** The fields in which two rows of a source would differ once they are stored. */
export function differingFields(source: Source, one: readonly (Value | null)[], other: readonly (Value | null)[]): readonly string[] {
  return source.fields.filter(({ type }, i) => comparable(type, one[i] ?? null) !== comparable(type, other[i] ?? null)).map(({ name }) => name);
}

/** What `valuesOf` takes a row's values from, to follow other columns of a SELECT. No field's name begins so. */
export function valueColumns(source: Source): string {
  return source.fields.map((field, i) => `, ${identifier(field.name)} AS _value_${i}`).join('');
}

export function valuesOf(source: Source, row: Row): readonly (Value | null)[] {
  return source.fields.map((_, i) => row[`_value_${i}`] as Value | null);
}

/** A value as text that is equal where ClickHouse stores the same, or an equal number: −0 is 0. */
function comparable(type: FieldType, value: Value | null): string {
  if (Array.isArray(value)) return tsvValue((value as readonly Scalar[]).map((item) => stored(type.kind === 'array' ? type.of : type, item)));
  return tsvValue(value === null ? null : stored(type, value));
}

function stored({ kind }: FieldType, value: Value): Scalar {
  if (typeof value !== 'number') return value as Scalar;
  return (kind === 'float32' ? Math.fround(value) : value) + 0;
}
