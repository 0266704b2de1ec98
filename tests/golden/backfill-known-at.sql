-- {"p0_Int64":1768003200000}
SELECT
  `e`.`userId` AS `userId`,
  fromUnixTimestamp64Milli({p0_Int64:Int64}, 'UTC') AS `__as_of`,
  max(`e`.`__event_time`) AS `__event_time`,
  max(`e`.`__sequence`) AS `__sequence`,
  sumOrNullIf(toFloat64(`e`.`amount`), ({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 1 AND 604800000) AS `told7d`
FROM (
  SELECT `__event_id`, `__event_time`, `__known_at`, `__sequence`, `userId`, `amount`, leadInFrame(toNullable(`__known_at`)) OVER (PARTITION BY `__event_id` ORDER BY `__known_at`, `__sequence` ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS `__superseded_at`
  FROM `events_reports`
) AS `e`
WHERE `e`.`__event_time` <= fromUnixTimestamp64Milli({p0_Int64:Int64}, 'UTC') AND `e`.`__known_at` <= fromUnixTimestamp64Milli({p0_Int64:Int64}, 'UTC') AND (`e`.`__superseded_at` IS NULL OR `e`.`__superseded_at` > fromUnixTimestamp64Milli({p0_Int64:Int64}, 'UTC'))
GROUP BY `e`.`userId`
