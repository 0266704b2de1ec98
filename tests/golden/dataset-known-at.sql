-- {}
SELECT
  `s`.`__row` AS `__row`,
  if(`b0`.`__seen` IS NULL, NULL, ifNotFinite(ifNull(`b0`.`known_at$told7d`, toFloat64(0)), NULL)) AS `told7d`,
  multiIf(`b0`.`__seen` IS NULL, 'missing', isNull(ifNotFinite(ifNull(`b0`.`known_at$told7d`, toFloat64(0)), NULL)), 'null', 'present') AS `told7d__state`
FROM `spine_known_at` AS `s`
LEFT JOIN (
  SELECT
    `p`.`userId` AS `userId`,
    `p`.`__time` AS `__time`,
    max(`e`.`__event_time`) AS `__seen`,
    sumOrNullIf(toFloat64(`e`.`amount`), (toUnixTimestamp64Milli(`p`.`__time`) - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 1 AND 604800000) AS `known_at$told7d`
  FROM (
    SELECT `__event_id`, `__event_time`, `__known_at`, `__sequence`, `userId`, `amount`, leadInFrame(toNullable(`__known_at`)) OVER (PARTITION BY `__event_id` ORDER BY `__known_at`, `__sequence` ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS `__superseded_at`
    FROM `events_reports`
  ) AS `e`
  INNER JOIN (
    SELECT DISTINCT `userId`, `__time`
    FROM `spine_known_at`
  ) AS `p` ON `e`.`userId` = `p`.`userId`
  WHERE `e`.`__event_time` <= `p`.`__time` AND `e`.`__known_at` <= `p`.`__time` AND (`e`.`__superseded_at` IS NULL OR `e`.`__superseded_at` > `p`.`__time`)
  GROUP BY `p`.`userId`, `p`.`__time`
) AS `b0` ON `s`.`userId` = `b0`.`userId` AND `s`.`__time` = `b0`.`__time`
ORDER BY `s`.`__row`
