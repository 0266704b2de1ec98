-- {"p0_String":"buy","p1_Float64":-1,"p2_Int64":"-2","p3_Int32":-3}
SELECT
  `s`.`__row` AS `__row`,
  if(`v0`.`__seen` IS NULL, NULL, if(ifNull(`v0`.`bought1d__count`, 0) = 0, {p1_Float64:Float64}, `v0`.`bought1d__sum` / `v0`.`bought1d__count`)) AS `bought1d`,
  multiIf(`v0`.`__seen` IS NULL, 'missing', isNull(if(ifNull(`v0`.`bought1d__count`, 0) = 0, {p1_Float64:Float64}, `v0`.`bought1d__sum` / `v0`.`bought1d__count`)), 'null', 'present') AS `bought1d__state`,
  if(`v0`.`__seen` IS NULL, NULL, ifNull(`v0`.`spent1d`, {p2_Int64:Int64})) AS `spent1d`,
  multiIf(`v0`.`__seen` IS NULL, 'missing', isNull(ifNull(`v0`.`spent1d`, {p2_Int64:Int64})), 'null', 'present') AS `spent1d__state`,
  if(`v0`.`__seen` IS NULL, NULL, if(ifNull(`v0`.`visits1d`, 0) = 0, {p3_Int32:Int32}, ifNull(`v0`.`visits1d`, 0))) AS `visits1d`,
  multiIf(`v0`.`__seen` IS NULL, 'missing', isNull(if(ifNull(`v0`.`visits1d`, 0) = 0, {p3_Int32:Int32}, ifNull(`v0`.`visits1d`, 0))), 'null', 'present') AS `visits1d__state`
FROM `spine_default` AS `s`
LEFT JOIN (
  SELECT
    `p`.`userId` AS `userId`,
    `p`.`__time` AS `__time`,
    max(`e`.`__event_time`) AS `__seen`,
    sumOrNullIf(toFloat64(`e`.`amount`), (toUnixTimestamp64Milli(`p`.`__time`) - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 1 AND 86400000 AND `e`.`kind` = {p0_String:String}) AS `bought1d__sum`,
    accurateCast(countIf(`e`.`amount` IS NOT NULL AND (toUnixTimestamp64Milli(`p`.`__time`) - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 1 AND 86400000 AND `e`.`kind` = {p0_String:String}), 'Int32') AS `bought1d__count`,
    accurateCast(sumOrNullIf(toInt128(`e`.`coins`), (toUnixTimestamp64Milli(`p`.`__time`) - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 1 AND 86400000 AND `e`.`kind` = {p0_String:String}), 'Nullable(Int64)') AS `spent1d`,
    accurateCast(countIf((toUnixTimestamp64Milli(`p`.`__time`) - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 1 AND 86400000), 'Int32') AS `visits1d`
  FROM (
    SELECT `__event_id`, `__event_time`, `__known_at`, `__sequence`, `userId`, `amount`, `kind`, `coins`
    FROM `events_visits`
  ) AS `e`
  INNER JOIN (
    SELECT DISTINCT `userId`, `__time`
    FROM `spine_default`
  ) AS `p` ON `e`.`userId` = `p`.`userId`
  WHERE `e`.`__event_time` <= `p`.`__time` AND `e`.`__known_at` <= `p`.`__time`
  GROUP BY `p`.`userId`, `p`.`__time`
) AS `v0` ON `s`.`userId` = `v0`.`userId` AND `s`.`__time` = `v0`.`__time`
ORDER BY `s`.`__row`
