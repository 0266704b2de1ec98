import { encodeKey, isGranaryError, parseValue, quarantineTable } from '@granary/contracts';
import type { OfflineStore, QuarantinedRow } from '@granary/offline-store';
import { UnreadableRow } from '../intake/event-sink.js';
import { readLine } from '../intake/read-rows.js';
import type { OfKey, OwnEvents } from './reach.js';

const PAGE = 1_000;

/** Removes the dead letters of an entity: those whose fields name it, and of rows that can't be read those whose text does. Says how many. */
export async function eraseDeadLetters(store: OfflineStore, own: OwnEvents, of: OfKey): Promise<number> {
  if (!(await store.tableExists(quarantineTable(own.source)))) return 0;
  const found: QuarantinedRow[] = [];
  for (let offset = 0; ; offset += PAGE) {
    const letters = await store.listQuarantine(own.source, PAGE, { offset });
    found.push(...letters.filter(({ text }) => isOf(own, of, text)));
    if (letters.length < PAGE) break;
  }
  await store.removeQuarantined(own.source, found);
  return found.length;
}

function isOf({ source, keyFields }: OwnEvents, { entity, key }: OfKey, text: string): boolean {
  const row = readLine(text);
  if (row instanceof UnreadableRow || typeof row !== 'object' || row === null || Array.isArray(row)) {
    const words = key.map((part) => new RegExp(`(?<![\\p{L}\\p{N}_.-])${escaped(String(part))}(?![\\p{L}\\p{N}_.-])`, 'u'));
    return words.every((word) => word.test(text));
  }
  const encoded = encodeKey(entity, key);
  return keyFields.some((fields) => {
    const values = fields.map((field): unknown => (row as Readonly<Record<string, unknown>>)[field]);
    try {
      return encodeKey(entity, values.map((value, i) => parseValue(source.fields.find(({ name }) => name === fields[i])!.type, value))) === encoded;
    } catch (error) {
      // What is no key names nobody.
      if (!isGranaryError(error)) throw error;
      return false;
    }
  });
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
