import { eventsTable, identifier, type Source, type Statement } from '@granary/contracts';
import { DAY } from './payments.js';

export const WINDOWS = [1, 7, 30];

/** For every payment the windows of its customer and its terminal as of it, by frames over whole seconds, which payments are on. */
export function paymentWindows(source: Source): Statement {
  const frame = (name: string, key: string, days: number, delayDays: number): string => {
    const end = delayDays === 0 ? 'CURRENT ROW' : `${(delayDays * DAY) / 1_000} PRECEDING`;
    return `${name}${days} AS (PARTITION BY ${key} ORDER BY s RANGE BETWEEN ${((days + delayDays) * DAY) / 1_000 - 1} PRECEDING AND ${end})`;
  };
  const columns = WINDOWS.flatMap((days) => [
    `count() OVER c${days} AS c${days}`,
    `avg(amount) OVER c${days} AS m${days}`,
    `count() OVER t${days} AS tc${days}`,
    `avg(fraud) OVER t${days} AS tm${days}`,
  ]);
  return {
    sql: `SELECT transactionId, ${columns.join(', ')}
FROM (SELECT transactionId, customerId, terminalId, amount, fraud, toUnixTimestamp(at) AS s FROM ${identifier(eventsTable(source))})
WINDOW ${WINDOWS.flatMap((days) => [frame('c', 'customerId', days, 0), frame('t', 'terminalId', days, 7)]).join(', ')}
ORDER BY transactionId`,
    params: {},
  };
}

/** One ASOF join a view: the newest row of each thing, with its state. Events of one thing have different times here. */
export function asofJoins(views: readonly { readonly source: Source; readonly feature: string }[], spine: string): Statement {
  const columns = views.flatMap(({ feature }, i) => [`e${i}.value AS ${feature}`, `if(e${i}.at IS NULL, 'missing', if(e${i}.value IS NULL, 'null', 'present')) AS ${feature}__state`]);
  const joins = views.map(
    ({ source }, i) => `ASOF LEFT JOIN (SELECT thingId, at, value FROM ${identifier(eventsTable(source))}) AS e${i} ON s.thingId = e${i}.thingId AND s.__time >= e${i}.at`,
  );
  return { sql: `SELECT s.__row AS __row, ${columns.join(', ')}\nFROM ${spine} AS s\n${joins.join('\n')}\nORDER BY s.__row`, params: {} };
}
