-- {"p0_Int64":1768003200000,"p1_String":"buy"}
SELECT
  `e`.`userId` AS `userId`,
  fromUnixTimestamp64Milli({p0_Int64:Int64}, 'UTC') AS `__as_of`,
  max(`e`.`__event_time`) AS `__event_time`,
  max(`e`.`__sequence`) AS `__sequence`,
  accurateCast(countIf((`e`.`kind` = {p1_String:String}) AND ({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 0 AND 345600000), 'Int32') AS `bought4d__hits`,
  accurateCast(countIf((`e`.`kind` = {p1_String:String}) IS NOT NULL AND ({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 0 AND 345600000), 'Int32') AS `bought4d__count`,
  accurateCast(countIf(({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 0 AND 345600000), 'Int32') AS `daily4d`,
  sumOrNullIf(exp2(-(({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`))) / 86400000), ({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 0 AND 345600000) AS `fading4d__weight`,
  maxOrNullIf(addMilliseconds(`e`.`__event_time`, ({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`))), ({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 0 AND 345600000) AS `fading4d__asOf`,
  sumOrNullIf(exp2(-(({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`))) / 86400000) * toFloat64(`e`.`amount`), ({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 0 AND 345600000) AS `worth4d__weight`,
  maxOrNullIf(addMilliseconds(`e`.`__event_time`, ({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`))), `e`.`amount` IS NOT NULL AND ({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 0 AND 345600000) AS `worth4d__asOf`
FROM (
  SELECT `__event_id`, `__event_time`, `__known_at`, `__sequence`, `userId`, `kind`, `amount`
  FROM `events_visits`
) AS `e`
WHERE `e`.`__event_time` <= fromUnixTimestamp64Milli({p0_Int64:Int64}, 'UTC') AND `e`.`__known_at` <= fromUnixTimestamp64Milli({p0_Int64:Int64}, 'UTC')
GROUP BY `e`.`userId`
