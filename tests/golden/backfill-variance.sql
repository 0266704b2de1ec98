-- {"p0_Int64":1768003200000,"p1_String":"view"}
SELECT
  `e`.`userId` AS `userId`,
  fromUnixTimestamp64Milli({p0_Int64:Int64}, 'UTC') AS `__as_of`,
  max(`e`.`__event_time`) AS `__event_time`,
  max(`e`.`__sequence`) AS `__sequence`,
  accurateCast(countIf(`e`.`amount` IS NOT NULL AND ({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 0 AND 345600000 AND `e`.`kind` = {p1_String:String}), 'Int32') AS `views4d__count`,
  avgOrNullIf(toFloat64(`e`.`amount`), ({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 0 AND 345600000 AND `e`.`kind` = {p1_String:String}) AS `views4d__mean`,
  varPopStableOrNullIf(toFloat64(`e`.`amount`), ({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 0 AND 345600000 AND `e`.`kind` = {p1_String:String}) * countIf(`e`.`amount` IS NOT NULL AND ({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 0 AND 345600000 AND `e`.`kind` = {p1_String:String}) AS `views4d__deviation`
FROM (
  SELECT `__event_id`, `__event_time`, `__known_at`, `__sequence`, `userId`, `amount`, `kind`
  FROM `events_visits`
) AS `e`
WHERE `e`.`__event_time` <= fromUnixTimestamp64Milli({p0_Int64:Int64}, 'UTC') AND `e`.`__known_at` <= fromUnixTimestamp64Milli({p0_Int64:Int64}, 'UTC')
GROUP BY `e`.`userId`
