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

/** The keys of rows, to be read in one round trip, and where among them those of each view begin. */
export interface WantedRows {
  readonly keys: readonly string[];
  readonly firsts: readonly number[];
}

/** Of each view the rows of its subject's entities, by their slots. */
export function keysOfRows(views: readonly PlannedView[], entities: readonly Entities[]): WantedRows {
  const wanted: string[] = [];
  const firsts = views.map(({ subject, keyOf }) => {
    const first = wanted.length;
    const { keys } = entities[subject]!;
    for (let i = 0; i < keys.length; i++) wanted.push(keyOf(keys[i]!));
    return first;
  });
  return { keys: wanted, firsts };
}

const NO_ROWS: RowsInPlace = { at: () => null };

/** No round trip where nothing is wanted; not async, for a promise less to wait for. */
export function fetchRows(store: Pick<OnlineStore, 'readInPlace'>, keys: readonly string[]): RowsInPlace | Promise<RowsInPlace> {
  return keys.length === 0 ? NO_ROWS : store.readInPlace(keys);
}

/** The rows from a position on. */
export function rowsFrom(rows: RowsInPlace, first: number): RowsInPlace {
  return first === 0 ? rows : { at: (slot) => rows.at(first + slot) };
}
