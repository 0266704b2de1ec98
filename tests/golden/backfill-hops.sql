-- {"p0_Int64":1768003200000}
SELECT
  `e`.`userId` AS `userId`,
  fromUnixTimestamp64Milli({p0_Int64:Int64}, 'UTC') AS `__as_of`,
  max(`e`.`__event_time`) AS `__event_time`,
  max(`e`.`__sequence`) AS `__sequence`,
  accurateCast(countIf(({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 1 AND 172800000 + positiveModulo({p0_Int64:Int64} - 172800000, 172800000)), 'Int32') AS `visits2d`,
  sumOrNullIf(toFloat64(`e`.`amount`), ({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 1 AND 172800000 + positiveModulo({p0_Int64:Int64} - 172800000, 172800000)) AS `worth2d`
FROM (
  SELECT `__event_id`, `__event_time`, `__known_at`, `__sequence`, `userId`, `amount`
  FROM `events_visits`
) AS `e`
WHERE `e`.`__event_time` <= fromUnixTimestamp64Milli({p0_Int64:Int64}, 'UTC') AND `e`.`__known_at` <= fromUnixTimestamp64Milli({p0_Int64:Int64}, 'UTC')
GROUP BY `e`.`userId`
