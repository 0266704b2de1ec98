-- {}
SELECT
  `s`.`__row` AS `__row`,
  if(`b0`.`__seen` IS NULL OR toUnixTimestamp64Milli(`b0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 86400000, NULL, `b0`.`fresh$coins`) AS `coins`,
  multiIf(`b0`.`__seen` IS NULL, 'missing', toUnixTimestamp64Milli(`b0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 86400000, 'expired', isNull(`b0`.`fresh$coins`), 'null', 'present') AS `coins__state`,
  if(`b0`.`__seen` IS NULL OR toUnixTimestamp64Milli(`b0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 86400000, [], `b0`.`fresh$tags`) AS `tags`,
  multiIf(`b0`.`__seen` IS NULL, 'missing', toUnixTimestamp64Milli(`b0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 86400000, 'expired', 'present') AS `tags__state`
FROM `spine_ttl` AS `s`
ASOF LEFT JOIN (
  SELECT
    `e`.`userId` AS `__key0`,
    toDecimal128(toUnixTimestamp64Milli(`e`.`__event_time`), 0) * 10000000000000 + `e`.`__sequence` AS `__order`,
    `e`.`__event_time` AS `__seen`,
    `e`.`coins` AS `fresh$coins`,
    `e`.`tags` AS `fresh$tags`
  FROM (
    SELECT `__event_id`, `__event_time`, `__known_at`, `__sequence`, `userId`, `coins`, `tags`
    FROM `events_visits`
  ) AS `e`
) AS `b0` ON `s`.`userId` = `b0`.`__key0` AND toDecimal128(toUnixTimestamp64Milli(`s`.`__time`), 0) * 10000000000000 + 10000000000000 - 1 >= `b0`.`__order`
ORDER BY `s`.`__row`
