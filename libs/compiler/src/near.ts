import { BACKFILL, EVENT, identifier } from '@granary/contracts';

/** The column of `compileTouched` beside the entity's keys and the as-of. */
export const TOUCHED = {
  /** DateTime64(3, 'UTC'): the greatest event time among the events that touch the pair. */
  newest: '__newest',
} as const;

/** Of a source's events only those that matter to the pairs of keys and instants in a table. */
export interface Near {
  readonly table: string;
  /** The entity's keys, as the table names them, and the fields that hold them. */
  readonly keys: readonly string[];
  readonly keyFields: readonly string[];
  /**
   * Ms: no window reaches further back, and the table says by `TOUCHED.newest` of a pair without any event within reach
   * when its newest was. Infinity: all events of the keys matter.
   */
  readonly reach: number;
}

/** SQL conditions on an events table without versions. They may let through more than what matters, never less. */
export function nearConditions({ table, keys, keyFields, reach }: Near): readonly string[] {
  const fields = keyFields.map(identifier);
  const names = keys.map(identifier);
  if (reach === Infinity) return [`(${fields.join(', ')}) IN (SELECT ${names.join(', ')} FROM ${identifier(table)})`];
  const [asOf, newest, time] = [BACKFILL.asOf, TOUCHED.newest, EVENT.time].map((name) => `toUnixTimestamp64Milli(${identifier(name)})`) as [string, string, string];
  // Time in cells as long as the reach: what a pair needs lies in its instant's, the one before, and that of its newest event.
  const cell = (ms: string): string => `intDiv(${ms}, ${Math.max(1, reach)})`;
  const cells = `arrayJoin([${cell(asOf)}, ${cell(asOf)} - 1, ${cell(newest)}])`;
  const first = `SELECT min(least(${asOf} - ${Math.max(1, reach)}, ${newest})) FROM ${identifier(table)}`;
  return [
    // Events are sorted by time: older ones are not even looked at.
    `${identifier(EVENT.time)} >= fromUnixTimestamp64Milli((${first}), 'UTC')`,
    `(${[...fields, cell(time)].join(', ')}) IN (SELECT ${[...names, cells].join(', ')} FROM ${identifier(table)})`,
  ];
}
