-- {"p0_Int64":"2","p1_Int64":"4","instants":[1767830400000,1767916800000,1768003200000,1768089600000,1768435200000]}
SELECT
  `userId`,
  fromUnixTimestamp64Milli(`__at`, 'UTC') AS `__as_of`,
  fromUnixTimestamp64Milli(max(`__time`), 'UTC') AS `__newest`
FROM (
  SELECT
    `e`.`userId` AS `userId`,
    toUnixTimestamp64Milli(`e`.`__event_time`) AS `__time`,
    arrayJoin(arrayFilter(`t` -> `t` >= toUnixTimestamp64Milli(`e`.`__event_time`) AND (`t` <= toUnixTimestamp64Milli(`e`.`__event_time`) + 172800000 OR ifNull(`t` < toUnixTimestamp64Milli(`n`.`__next`), true)), {instants:Array(Int64)})) AS `__at`
  FROM (SELECT `userId`, `__event_time` FROM `events_visits` WHERE `__sequence` > {p0_Int64:Int64} AND `__sequence` <= {p1_Int64:Int64}) AS `e`
  ASOF LEFT JOIN (
    SELECT `userId`, `__event_time` AS `__next`
    FROM `events_visits`
    WHERE `__sequence` <= {p1_Int64:Int64} AND (`userId`) IN (SELECT `userId` FROM `events_visits` WHERE `__sequence` > {p0_Int64:Int64} AND `__sequence` <= {p1_Int64:Int64} AND toUnixTimestamp64Milli(`__event_time`) < 1768262400000)
  ) AS `n` ON `e`.`userId` = `n`.`userId` AND `e`.`__event_time` < `n`.`__next`
)
GROUP BY `userId`, `__at`
