import { encodeKey, type EntityKey, type Value } from '@granary/contracts';
import type { OnlineStore, RowsInPlace } from '@granary/online-store';
import type { PlannedView, Subject } from './plan.js';

/** The entities of one subject that a call asks for, each once. */
export interface Entities {
  /** In the order of their slots. */
  readonly keys: readonly EntityKey[];
  /** Its position among them. */
  slotOf(key: EntityKey): number;
}

export function distinctEntities(subject: Subject): Entities {
  const slots = new Map<Value, number>();
  const keys: EntityKey[] = [];
  const identity = subject.keys.length === 1 ? (key: EntityKey) => key[0]! : (key: EntityKey) => encodeKey(subject, key);
  return {
    keys,
    slotOf(key) {
      const of = identity(key);
      const known = slots.get(of);
      if (known !== undefined) return known;
      slots.set(of, keys.length);
      return keys.push(key) - 1;
    },
  };
}

const NO_ROWS: RowsInPlace = { at: () => null };

/** Of each view the rows of its subject's entities, by their slots. One round trip. */
export async function fetchRows(store: Pick<OnlineStore, 'readInPlace'>, views: readonly PlannedView[], entities: readonly Entities[]): Promise<readonly RowsInPlace[]> {
  const wanted: string[] = [];
  const firsts = views.map(({ subject, keyOf }) => {
    const first = wanted.length;
    const { keys } = entities[subject]!;
    for (let i = 0; i < keys.length; i++) wanted.push(keyOf(keys[i]!));
    return first;
  });
  const rows = wanted.length === 0 ? NO_ROWS : await store.readInPlace(wanted);
  return firsts.map((first) => (first === 0 ? rows : { at: (slot) => rows.at(first + slot) }));
}
