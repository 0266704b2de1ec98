import { createHash } from 'node:crypto';

/**
 * JSON with sorted keys and no whitespace: equal data has equal text. Undefined members are left out; −0 is 0.
 * A number that JSON can't hold is a bug.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
    return `{${members.join(',')}}`;
  }
  if (typeof value === 'number' && !Number.isFinite(value)) throw new Error(`${value} has no canonical form`);
  const text = JSON.stringify(value);
  if (text === undefined) throw new Error(`a ${typeof value} has no canonical form`);
  return text;
}

/** sha-256 of the canonical JSON, hex. */
export function contentHash(value: unknown): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex');
}
