-- {"p0_Int64":1768003200000}
SELECT
  `e`.`userId` AS `userId`,
  fromUnixTimestamp64Milli({p0_Int64:Int64}, 'UTC') AS `__as_of`,
  max(`e`.`__event_time`) AS `__event_time`,
  max(`e`.`__sequence`) AS `__sequence`,
  accurateCast(countIf(({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 86400001 AND 172800000), 'Int32') AS `closedOpen1d`,
  accurateCast(countIf(({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 86400000 AND 172799999), 'Int32') AS `openClosed1d`,
  accurateCast(countIf(({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 86400000 AND 172800000), 'Int32') AS `closed1d`,
  accurateCast(countIf(({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 86400001 AND 172799999), 'Int32') AS `open1d`
FROM (
  SELECT `__event_id`, `__event_time`, `__known_at`, `__sequence`, `userId`
  FROM `events_visits`
) AS `e`
WHERE `e`.`__event_time` <= fromUnixTimestamp64Milli({p0_Int64:Int64}, 'UTC') AND `e`.`__known_at` <= fromUnixTimestamp64Milli({p0_Int64:Int64}, 'UTC')
GROUP BY `e`.`userId`
