import type { Source } from '@granary/contracts';
import type { Emitter } from '../emit.js';
import { emitCurrent, emitEvents, type EventScope, type KeyChunk } from '../events.js';

/** `FROM … WHERE …`: the events of a source without known-at, each in the one version that counts at all times. */
export function fromCurrent(emitter: Emitter, source: Source, fields: readonly string[], scope: EventScope, conditions: readonly string[] = [], chunk?: KeyChunk): string {
  if (source.knownAt !== null) throw new Error(`what counts of ${source.name} depends on the instant`);
  const all = [emitCurrent(source), ...conditions].filter((condition) => condition !== 'true');
  return `FROM ${emitEvents(emitter, source, fields, scope, chunk)}${all.length === 0 ? '' : `\nWHERE ${all.join(' AND ')}`}`;
}
