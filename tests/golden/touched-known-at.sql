-- {"p0_Int64":"3","p1_Int64":"4","instants":[1767916800000,1768003200000]}
SELECT
  `userId`,
  fromUnixTimestamp64Milli(`__at`, 'UTC') AS `__as_of`,
  fromUnixTimestamp64Milli(max(`__time`), 'UTC') AS `__newest`
FROM (
  SELECT
    `e`.`userId` AS `userId`,
    toUnixTimestamp64Milli(`e`.`__event_time`) AS `__time`,
    arrayJoin(arrayFilter(`t` -> `t` >= greatest(toUnixTimestamp64Milli(`e`.`__event_time`), toUnixTimestamp64Milli(`e`.`__known_at`), `n`.`__first_known_at`), {instants:Array(Int64)})) AS `__at`
  FROM `events_reports` AS `e`
  INNER JOIN (
    SELECT `__event_id`, min(toUnixTimestamp64Milli(`__known_at`)) AS `__first_known_at`
    FROM `events_reports`
    WHERE `__sequence` > {p0_Int64:Int64} AND `__sequence` <= {p1_Int64:Int64}
    GROUP BY `__event_id`
  ) AS `n` ON `e`.`__event_id` = `n`.`__event_id`
  WHERE `e`.`__sequence` <= {p1_Int64:Int64}
)
GROUP BY `userId`, `__at`
