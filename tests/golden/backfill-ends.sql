-- {"p0_Int64":1768003200000}
SELECT
  `e`.`userId` AS `userId`,
  fromUnixTimestamp64Milli({p0_Int64:Int64}, 'UTC') AS `__as_of`,
  max(`e`.`__event_time`) AS `__event_time`,
  max(`e`.`__sequence`) AS `__sequence`,
  argMinOrNullIf(`e`.`amount`, (`e`.`__event_time`, `e`.`__known_at`, `e`.`__sequence`), `e`.`amount` IS NOT NULL AND ({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 0 AND 345600000) AS `opening4d`,
  arrayMap(x -> x.4, groupArraySortedIf(2)((-toUnixTimestamp64Milli(`e`.`__event_time`), -toUnixTimestamp64Milli(`e`.`__known_at`), -toInt64(`e`.`__sequence`), `e`.`coins`), ({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 0 AND 345600000)) AS `recent4d`,
  maxOrNullIf(`e`.`__event_time`, ({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 0 AND 345600000) AS `quiet4d`
FROM (
  SELECT `__event_id`, `__event_time`, `__known_at`, `__sequence`, `userId`, `amount`, `coins`
  FROM `events_visits`
) AS `e`
WHERE `e`.`__event_time` <= fromUnixTimestamp64Milli({p0_Int64:Int64}, 'UTC') AND `e`.`__known_at` <= fromUnixTimestamp64Milli({p0_Int64:Int64}, 'UTC')
GROUP BY `e`.`userId`
