import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FieldType, Source, SourceField } from '@granary/contracts';
import { textOf, type RawRow, type ReadState, type RowReader } from '../raw-row.js';

/** A fresh folder for one suite's files. */
export interface Scratch {
  readonly dir: string;
  write: (name: string, content: string | Uint8Array) => string;
  remove: () => void;
}

export function scratch(): Scratch {
  const dir = mkdtempSync(join(tmpdir(), 'granary-ingest-'));
  return {
    dir,
    write: (name, content) => {
      writeFileSync(join(dir, name), content);
      return join(dir, name);
    },
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}

type FieldOptions = Partial<Pick<SourceField, 'nullable' | 'encoding'>>;

export function field(name: string, type: FieldType | Exclude<FieldType['kind'], 'array' | 'map' | 'enum'>, options: FieldOptions = {}): SourceField {
  return { name, type: typeof type === 'string' ? { kind: type } : type, nullable: false, ...options };
}

export function sourceOf(fields: readonly SourceField[], rest: Partial<Source> = {}): Source {
  return { kind: 'source', name: 'events', fields: [...fields], eventId: [], eventTime: null, knownAt: null, file: null, ...rest };
}

export function readState(): ReadState {
  return { totalBytes: 0, readBytes: 0, decodedBytes: 0, ignored: new Set() };
}

export async function readAll(reader: RowReader, file: string, fields: readonly SourceField[], state = readState()): Promise<RawRow[]> {
  const rows: RawRow[] = [];
  for await (const chunk of reader(file, fields, state)) rows.push(...chunk);
  return rows;
}

/** Rows as `[line, values]`, faults as `[line, mistake, text]`. */
export function brief(rows: readonly RawRow[]): unknown[] {
  return rows.map((row) => (row.kind === 'row' ? [row.line, row.values] : [row.line, row.mistake, textOf(row)]));
}
