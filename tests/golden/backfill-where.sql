-- {"p0_Int64":1768003200000,"p1_String":"view","p2_Float64":5,"p3_String":"buy","p4_Float64":6,"p5_Float64":4,"p6_Int64":"1","p7_Int64":"8","p8_Int64":"16","p9_Int64":"2","p10_String":"`'\\\n\t{p:String}"}
SELECT
  `e`.`userId` AS `userId`,
  fromUnixTimestamp64Milli({p0_Int64:Int64}, 'UTC') AS `__as_of`,
  max(`e`.`__event_time`) AS `__event_time`,
  max(`e`.`__sequence`) AS `__sequence`,
  accurateCast(countIf(({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 0 AND 345600000 AND (`e`.`kind` = {p1_String:String} AND `e`.`amount` > {p2_Float64:Float64})), 'Int32') AS `both4d`,
  accurateCast(countIf(({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 0 AND 345600000 AND (`e`.`kind` = {p3_String:String} OR `e`.`amount` < {p4_Float64:Float64})), 'Int32') AS `either4d`,
  accurateCast(countIf(({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 0 AND 345600000 AND NOT `e`.`amount` > {p5_Float64:Float64}), 'Int32') AS `negated4d`,
  accurateCast(countIf(({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 0 AND 345600000 AND `e`.`amount` IS NULL), 'Int32') AS `absent4d`,
  accurateCast(countIf(({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 0 AND 345600000 AND `e`.`coins` IN ({p6_Int64:Int64}, {p7_Int64:Int64}, {p8_Int64:Int64})), 'Int32') AS `listed4d`,
  accurateCast(countIf(({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 0 AND 345600000 AND (`e`.`kind` != {p1_String:String} AND `e`.`coins` <= {p9_Int64:Int64})), 'Int32') AS `other4d`,
  accurateCast(countIf(({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 0 AND 345600000 AND `e`.`area` >= {p10_String:String}), 'Int32') AS `quoted4d`
FROM (
  SELECT `__event_id`, `__event_time`, `__known_at`, `__sequence`, `userId`, `kind`, `amount`, `coins`, `area`
  FROM `events_visits`
) AS `e`
WHERE `e`.`__event_time` <= fromUnixTimestamp64Milli({p0_Int64:Int64}, 'UTC') AND `e`.`__known_at` <= fromUnixTimestamp64Milli({p0_Int64:Int64}, 'UTC')
GROUP BY `e`.`userId`
