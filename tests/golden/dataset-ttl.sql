-- {}
SELECT
  `s`.`__row` AS `__row`,
  if(`v0`.`__seen` IS NULL OR toUnixTimestamp64Milli(`v0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 86400000, NULL, `v0`.`coins`) AS `coins`,
  multiIf(`v0`.`__seen` IS NULL, 'missing', toUnixTimestamp64Milli(`v0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 86400000, 'expired', isNull(`v0`.`coins`), 'null', 'present') AS `coins__state`,
  if(`v0`.`__seen` IS NULL OR toUnixTimestamp64Milli(`v0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 86400000, [], `v0`.`tags`) AS `tags`,
  multiIf(`v0`.`__seen` IS NULL, 'missing', toUnixTimestamp64Milli(`v0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 86400000, 'expired', 'present') AS `tags__state`
FROM `spine_ttl` AS `s`
LEFT JOIN (
  SELECT
    `p`.`userId` AS `userId`,
    `p`.`__time` AS `__time`,
    max(`e`.`__event_time`) AS `__seen`,
    tupleElement(argMax(tuple(`e`.`coins`), (`e`.`__event_time`, `e`.`__known_at`, `e`.`__sequence`)), 1) AS `coins`,
    tupleElement(argMax(tuple(`e`.`tags`), (`e`.`__event_time`, `e`.`__known_at`, `e`.`__sequence`)), 1) AS `tags`
  FROM (
    SELECT `__event_id`, `__event_time`, `__known_at`, `__sequence`, `userId`, `coins`, `tags`
    FROM `events_visits`
  ) AS `e`
  INNER JOIN (
    SELECT DISTINCT `userId`, `__time`
    FROM `spine_ttl`
  ) AS `p` ON `e`.`userId` = `p`.`userId`
  WHERE `e`.`__event_time` <= `p`.`__time` AND `e`.`__known_at` <= `p`.`__time`
  GROUP BY `p`.`userId`, `p`.`__time`
) AS `v0` ON `s`.`userId` = `v0`.`userId` AND `s`.`__time` = `v0`.`__time`
ORDER BY `s`.`__row`
