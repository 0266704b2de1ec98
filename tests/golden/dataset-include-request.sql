-- {"p0_String":"eu"}
SELECT
  `s`.`__row` AS `__row`,
  `s`.`amount` AS `amount`,
  if(ifNull(if(`s`.`coins` IS NOT NULL, toInt32(bitShiftRight((bitShiftLeft(toInt128(ifNull(`b0`.`asked$total2d__carry`, 0)), 64) + toInt128(ifNull(`b0`.`asked$total2d__sum`, 0)) + toInt128(`s`.`coins`)) - toInt64((bitShiftLeft(toInt128(ifNull(`b0`.`asked$total2d__carry`, 0)), 64) + toInt128(ifNull(`b0`.`asked$total2d__sum`, 0)) + toInt128(`s`.`coins`))), 64)), `b0`.`asked$total2d__carry`), 0) = 0, ifNull(if(`s`.`coins` IS NOT NULL, toInt64((bitShiftLeft(toInt128(ifNull(`b0`.`asked$total2d__carry`, 0)), 64) + toInt128(ifNull(`b0`.`asked$total2d__sum`, 0)) + toInt128(`s`.`coins`))), `b0`.`asked$total2d__sum`), toInt64(0)), NULL) AS `total2d`,
  multiIf(isNull(if(ifNull(if(`s`.`coins` IS NOT NULL, toInt32(bitShiftRight((bitShiftLeft(toInt128(ifNull(`b0`.`asked$total2d__carry`, 0)), 64) + toInt128(ifNull(`b0`.`asked$total2d__sum`, 0)) + toInt128(`s`.`coins`)) - toInt64((bitShiftLeft(toInt128(ifNull(`b0`.`asked$total2d__carry`, 0)), 64) + toInt128(ifNull(`b0`.`asked$total2d__sum`, 0)) + toInt128(`s`.`coins`))), 64)), `b0`.`asked$total2d__carry`), 0) = 0, ifNull(if(`s`.`coins` IS NOT NULL, toInt64((bitShiftLeft(toInt128(ifNull(`b0`.`asked$total2d__carry`, 0)), 64) + toInt128(ifNull(`b0`.`asked$total2d__sum`, 0)) + toInt128(`s`.`coins`))), `b0`.`asked$total2d__sum`), toInt64(0)), NULL)), 'null', 'present') AS `total2d__state`,
  ifNotFinite(if(`s`.`amount` IS NOT NULL, ifNull(`b0`.`asked$mean2d__sum`, 0) + toFloat64(`s`.`amount`), `b0`.`asked$mean2d__sum`) / if(`s`.`amount` IS NOT NULL, accurateCast(ifNull(`b0`.`asked$mean2d__count`, 0) + 1, 'Int32'), ifNull(`b0`.`asked$mean2d__count`, 0)), NULL) AS `mean2d`,
  multiIf(isNull(ifNotFinite(if(`s`.`amount` IS NOT NULL, ifNull(`b0`.`asked$mean2d__sum`, 0) + toFloat64(`s`.`amount`), `b0`.`asked$mean2d__sum`) / if(`s`.`amount` IS NOT NULL, accurateCast(ifNull(`b0`.`asked$mean2d__count`, 0) + 1, 'Int32'), ifNull(`b0`.`asked$mean2d__count`, 0)), NULL)), 'null', 'present') AS `mean2d__state`,
  ifNull(if(ifNull(`s`.`region` = {p0_String:String}, false), accurateCast(ifNull(`b0`.`asked$here2d`, 0) + 1, 'Int32'), ifNull(`b0`.`asked$here2d`, 0)), 0) AS `here2d`,
  'present' AS `here2d__state`
FROM `spine_include_request` AS `s`
LEFT JOIN (
  SELECT
    `p`.`region` AS `region`,
    `p`.`number` AS `number`,
    `p`.`__time` AS `__time`,
    `p`.`__row` AS `__row`,
    `p`.`__event_id` AS `__event_id`,
    max(`e`.`__event_time`) AS `__seen`,
    toInt64(sumOrNullIf(toInt128(`e`.`coins`), `e`.`__event_id` != `p`.`__event_id` AND (toUnixTimestamp64Milli(`p`.`__time`) - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 1 AND 172800000)) AS `asked$total2d__sum`,
    toInt32(bitShiftRight(sumOrNullIf(toInt128(`e`.`coins`), `e`.`__event_id` != `p`.`__event_id` AND (toUnixTimestamp64Milli(`p`.`__time`) - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 1 AND 172800000) - toInt64(sumOrNullIf(toInt128(`e`.`coins`), `e`.`__event_id` != `p`.`__event_id` AND (toUnixTimestamp64Milli(`p`.`__time`) - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 1 AND 172800000)), 64)) AS `asked$total2d__carry`,
    sumOrNullIf(toFloat64(`e`.`amount`), `e`.`__event_id` != `p`.`__event_id` AND (toUnixTimestamp64Milli(`p`.`__time`) - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 1 AND 172800000) AS `asked$mean2d__sum`,
    accurateCast(countIf(`e`.`amount` IS NOT NULL AND `e`.`__event_id` != `p`.`__event_id` AND (toUnixTimestamp64Milli(`p`.`__time`) - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 1 AND 172800000), 'Int32') AS `asked$mean2d__count`,
    accurateCast(countIf(`e`.`__event_id` != `p`.`__event_id` AND (toUnixTimestamp64Milli(`p`.`__time`) - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 1 AND 172800000 AND `e`.`area` = {p0_String:String}), 'Int32') AS `asked$here2d`
  FROM (
    SELECT `__event_id`, `__event_time`, `__known_at`, `__sequence`, `area`, `userId`, `coins`, `amount`
    FROM `events_visits`
  ) AS `e`
  INNER JOIN (
    SELECT DISTINCT `region`, `number`, `__time`, `__row`, `__event_id`
    FROM `spine_include_request`
  ) AS `p` ON `e`.`area` = `p`.`region` AND `e`.`userId` = `p`.`number`
  WHERE `e`.`__event_time` <= `p`.`__time` AND `e`.`__known_at` <= `p`.`__time`
  GROUP BY `p`.`region`, `p`.`number`, `p`.`__time`, `p`.`__row`, `p`.`__event_id`
) AS `b0` ON `s`.`region` = `b0`.`region` AND `s`.`number` = `b0`.`number` AND `s`.`__time` = `b0`.`__time` AND `s`.`__row` = `b0`.`__row` AND `s`.`__event_id` = `b0`.`__event_id`
ORDER BY `s`.`__row`
