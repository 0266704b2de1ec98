-- {"p0_Float64":0}
SELECT
  `s`.`transactionId` AS `transactionId`,
  `s`.`amount` AS `amount`,
  ifNull(accurateCast(ifNull(`v0`.`payments1d`, 0) + 1, 'Int32'), 0) AS `payments1d`,
  multiIf(isNull(ifNull(accurateCast(ifNull(`v0`.`payments1d`, 0) + 1, 'Int32'), 0)), 'null', 'present') AS `payments1d__state`,
  ifNull(accurateCast(ifNull(`v0`.`payments7d`, 0) + 1, 'Int32'), 0) AS `payments7d`,
  multiIf(isNull(ifNull(accurateCast(ifNull(`v0`.`payments7d`, 0) + 1, 'Int32'), 0)), 'null', 'present') AS `payments7d__state`,
  ifNull(accurateCast(ifNull(`v0`.`payments30d`, 0) + 1, 'Int32'), 0) AS `payments30d`,
  multiIf(isNull(ifNull(accurateCast(ifNull(`v0`.`payments30d`, 0) + 1, 'Int32'), 0)), 'null', 'present') AS `payments30d__state`,
  if(ifNull(if(`s`.`amount` IS NOT NULL, accurateCast(ifNull(`v0`.`meanAmount1d__count`, 0) + 1, 'Int32'), ifNull(`v0`.`meanAmount1d__count`, 0)), 0) = 0, NULL, if(`s`.`amount` IS NOT NULL, ifNull(`v0`.`meanAmount1d__sum`, 0) + toFloat64(`s`.`amount`), `v0`.`meanAmount1d__sum`) / if(`s`.`amount` IS NOT NULL, accurateCast(ifNull(`v0`.`meanAmount1d__count`, 0) + 1, 'Int32'), ifNull(`v0`.`meanAmount1d__count`, 0))) AS `meanAmount1d`,
  multiIf(isNull(if(ifNull(if(`s`.`amount` IS NOT NULL, accurateCast(ifNull(`v0`.`meanAmount1d__count`, 0) + 1, 'Int32'), ifNull(`v0`.`meanAmount1d__count`, 0)), 0) = 0, NULL, if(`s`.`amount` IS NOT NULL, ifNull(`v0`.`meanAmount1d__sum`, 0) + toFloat64(`s`.`amount`), `v0`.`meanAmount1d__sum`) / if(`s`.`amount` IS NOT NULL, accurateCast(ifNull(`v0`.`meanAmount1d__count`, 0) + 1, 'Int32'), ifNull(`v0`.`meanAmount1d__count`, 0)))), 'null', 'present') AS `meanAmount1d__state`,
  if(ifNull(if(`s`.`amount` IS NOT NULL, accurateCast(ifNull(`v0`.`meanAmount7d__count`, 0) + 1, 'Int32'), ifNull(`v0`.`meanAmount7d__count`, 0)), 0) = 0, NULL, if(`s`.`amount` IS NOT NULL, ifNull(`v0`.`meanAmount7d__sum`, 0) + toFloat64(`s`.`amount`), `v0`.`meanAmount7d__sum`) / if(`s`.`amount` IS NOT NULL, accurateCast(ifNull(`v0`.`meanAmount7d__count`, 0) + 1, 'Int32'), ifNull(`v0`.`meanAmount7d__count`, 0))) AS `meanAmount7d`,
  multiIf(isNull(if(ifNull(if(`s`.`amount` IS NOT NULL, accurateCast(ifNull(`v0`.`meanAmount7d__count`, 0) + 1, 'Int32'), ifNull(`v0`.`meanAmount7d__count`, 0)), 0) = 0, NULL, if(`s`.`amount` IS NOT NULL, ifNull(`v0`.`meanAmount7d__sum`, 0) + toFloat64(`s`.`amount`), `v0`.`meanAmount7d__sum`) / if(`s`.`amount` IS NOT NULL, accurateCast(ifNull(`v0`.`meanAmount7d__count`, 0) + 1, 'Int32'), ifNull(`v0`.`meanAmount7d__count`, 0)))), 'null', 'present') AS `meanAmount7d__state`,
  if(ifNull(if(`s`.`amount` IS NOT NULL, accurateCast(ifNull(`v0`.`meanAmount30d__count`, 0) + 1, 'Int32'), ifNull(`v0`.`meanAmount30d__count`, 0)), 0) = 0, NULL, if(`s`.`amount` IS NOT NULL, ifNull(`v0`.`meanAmount30d__sum`, 0) + toFloat64(`s`.`amount`), `v0`.`meanAmount30d__sum`) / if(`s`.`amount` IS NOT NULL, accurateCast(ifNull(`v0`.`meanAmount30d__count`, 0) + 1, 'Int32'), ifNull(`v0`.`meanAmount30d__count`, 0))) AS `meanAmount30d`,
  multiIf(isNull(if(ifNull(if(`s`.`amount` IS NOT NULL, accurateCast(ifNull(`v0`.`meanAmount30d__count`, 0) + 1, 'Int32'), ifNull(`v0`.`meanAmount30d__count`, 0)), 0) = 0, NULL, if(`s`.`amount` IS NOT NULL, ifNull(`v0`.`meanAmount30d__sum`, 0) + toFloat64(`s`.`amount`), `v0`.`meanAmount30d__sum`) / if(`s`.`amount` IS NOT NULL, accurateCast(ifNull(`v0`.`meanAmount30d__count`, 0) + 1, 'Int32'), ifNull(`v0`.`meanAmount30d__count`, 0)))), 'null', 'present') AS `meanAmount30d__state`,
  if(`v1`.`__seen` IS NULL, NULL, ifNull(`v1`.`terminalPayments1d`, 0)) AS `terminalPayments1d`,
  multiIf(`v1`.`__seen` IS NULL, 'missing', isNull(ifNull(`v1`.`terminalPayments1d`, 0)), 'null', 'present') AS `terminalPayments1d__state`,
  if(`v1`.`__seen` IS NULL, NULL, ifNull(`v1`.`terminalPayments7d`, 0)) AS `terminalPayments7d`,
  multiIf(`v1`.`__seen` IS NULL, 'missing', isNull(ifNull(`v1`.`terminalPayments7d`, 0)), 'null', 'present') AS `terminalPayments7d__state`,
  if(`v1`.`__seen` IS NULL, NULL, ifNull(`v1`.`terminalPayments30d`, 0)) AS `terminalPayments30d`,
  multiIf(`v1`.`__seen` IS NULL, 'missing', isNull(ifNull(`v1`.`terminalPayments30d`, 0)), 'null', 'present') AS `terminalPayments30d__state`,
  if(`v1`.`__seen` IS NULL, NULL, if(ifNull(`v1`.`terminalRisk1d__count`, 0) = 0, {p0_Float64:Float64}, `v1`.`terminalRisk1d__sum` / `v1`.`terminalRisk1d__count`)) AS `terminalRisk1d`,
  multiIf(`v1`.`__seen` IS NULL, 'missing', isNull(if(ifNull(`v1`.`terminalRisk1d__count`, 0) = 0, {p0_Float64:Float64}, `v1`.`terminalRisk1d__sum` / `v1`.`terminalRisk1d__count`)), 'null', 'present') AS `terminalRisk1d__state`,
  if(`v1`.`__seen` IS NULL, NULL, if(ifNull(`v1`.`terminalRisk7d__count`, 0) = 0, {p0_Float64:Float64}, `v1`.`terminalRisk7d__sum` / `v1`.`terminalRisk7d__count`)) AS `terminalRisk7d`,
  multiIf(`v1`.`__seen` IS NULL, 'missing', isNull(if(ifNull(`v1`.`terminalRisk7d__count`, 0) = 0, {p0_Float64:Float64}, `v1`.`terminalRisk7d__sum` / `v1`.`terminalRisk7d__count`)), 'null', 'present') AS `terminalRisk7d__state`,
  if(`v1`.`__seen` IS NULL, NULL, if(ifNull(`v1`.`terminalRisk30d__count`, 0) = 0, {p0_Float64:Float64}, `v1`.`terminalRisk30d__sum` / `v1`.`terminalRisk30d__count`)) AS `terminalRisk30d`,
  multiIf(`v1`.`__seen` IS NULL, 'missing', isNull(if(ifNull(`v1`.`terminalRisk30d__count`, 0) = 0, {p0_Float64:Float64}, `v1`.`terminalRisk30d__sum` / `v1`.`terminalRisk30d__count`)), 'null', 'present') AS `terminalRisk30d__state`
FROM `spine_fraud_features` AS `s`
LEFT JOIN (
  SELECT
    `p`.`customerId` AS `customerId`,
    `p`.`__time` AS `__time`,
    `p`.`__row` AS `__row`,
    `p`.`__event_id` AS `__event_id`,
    max(`e`.`__event_time`) AS `__seen`,
    accurateCast(countIf(`e`.`__event_id` != `p`.`__event_id` AND (toUnixTimestamp64Milli(`p`.`__time`) - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 0 AND 86399999), 'Int32') AS `payments1d`,
    accurateCast(countIf(`e`.`__event_id` != `p`.`__event_id` AND (toUnixTimestamp64Milli(`p`.`__time`) - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 0 AND 604799999), 'Int32') AS `payments7d`,
    accurateCast(countIf(`e`.`__event_id` != `p`.`__event_id` AND (toUnixTimestamp64Milli(`p`.`__time`) - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 0 AND 2591999999), 'Int32') AS `payments30d`,
    sumOrNullIf(toFloat64(`e`.`amount`), `e`.`__event_id` != `p`.`__event_id` AND (toUnixTimestamp64Milli(`p`.`__time`) - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 0 AND 86399999) AS `meanAmount1d__sum`,
    accurateCast(countIf(`e`.`__event_id` != `p`.`__event_id` AND (toUnixTimestamp64Milli(`p`.`__time`) - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 0 AND 86399999), 'Int32') AS `meanAmount1d__count`,
    sumOrNullIf(toFloat64(`e`.`amount`), `e`.`__event_id` != `p`.`__event_id` AND (toUnixTimestamp64Milli(`p`.`__time`) - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 0 AND 604799999) AS `meanAmount7d__sum`,
    accurateCast(countIf(`e`.`__event_id` != `p`.`__event_id` AND (toUnixTimestamp64Milli(`p`.`__time`) - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 0 AND 604799999), 'Int32') AS `meanAmount7d__count`,
    sumOrNullIf(toFloat64(`e`.`amount`), `e`.`__event_id` != `p`.`__event_id` AND (toUnixTimestamp64Milli(`p`.`__time`) - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 0 AND 2591999999) AS `meanAmount30d__sum`,
    accurateCast(countIf(`e`.`__event_id` != `p`.`__event_id` AND (toUnixTimestamp64Milli(`p`.`__time`) - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 0 AND 2591999999), 'Int32') AS `meanAmount30d__count`
  FROM (
    SELECT `__event_id`, `__event_time`, `__known_at`, `__sequence`, `customerId`, `amount`
    FROM `events_payments`
  ) AS `e`
  INNER JOIN (
    SELECT DISTINCT `customerId`, `__time`, `__row`, `__event_id`
    FROM `spine_fraud_features`
  ) AS `p` ON `e`.`customerId` = `p`.`customerId`
  WHERE `e`.`__event_time` <= `p`.`__time` AND `e`.`__known_at` <= `p`.`__time`
  GROUP BY `p`.`customerId`, `p`.`__time`, `p`.`__row`, `p`.`__event_id`
) AS `v0` ON `s`.`customerId` = `v0`.`customerId` AND `s`.`__time` = `v0`.`__time` AND `s`.`__row` = `v0`.`__row` AND `s`.`__event_id` = `v0`.`__event_id`
LEFT JOIN (
  SELECT
    `p`.`terminalId` AS `terminalId`,
    `p`.`__time` AS `__time`,
    max(`e`.`__event_time`) AS `__seen`,
    accurateCast(countIf((toUnixTimestamp64Milli(`p`.`__time`) - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 604800000 AND 691199999), 'Int32') AS `terminalPayments1d`,
    accurateCast(countIf((toUnixTimestamp64Milli(`p`.`__time`) - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 604800000 AND 1209599999), 'Int32') AS `terminalPayments7d`,
    accurateCast(countIf((toUnixTimestamp64Milli(`p`.`__time`) - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 604800000 AND 3196799999), 'Int32') AS `terminalPayments30d`,
    sumOrNullIf(toFloat64(`e`.`fraud`), (toUnixTimestamp64Milli(`p`.`__time`) - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 604800000 AND 691199999) AS `terminalRisk1d__sum`,
    accurateCast(countIf((toUnixTimestamp64Milli(`p`.`__time`) - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 604800000 AND 691199999), 'Int32') AS `terminalRisk1d__count`,
    sumOrNullIf(toFloat64(`e`.`fraud`), (toUnixTimestamp64Milli(`p`.`__time`) - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 604800000 AND 1209599999) AS `terminalRisk7d__sum`,
    accurateCast(countIf((toUnixTimestamp64Milli(`p`.`__time`) - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 604800000 AND 1209599999), 'Int32') AS `terminalRisk7d__count`,
    sumOrNullIf(toFloat64(`e`.`fraud`), (toUnixTimestamp64Milli(`p`.`__time`) - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 604800000 AND 3196799999) AS `terminalRisk30d__sum`,
    accurateCast(countIf((toUnixTimestamp64Milli(`p`.`__time`) - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 604800000 AND 3196799999), 'Int32') AS `terminalRisk30d__count`
  FROM (
    SELECT `__event_id`, `__event_time`, `__known_at`, `__sequence`, `terminalId`, `fraud`
    FROM `events_payments`
  ) AS `e`
  INNER JOIN (
    SELECT DISTINCT `terminalId`, `__time`
    FROM `spine_fraud_features`
  ) AS `p` ON `e`.`terminalId` = `p`.`terminalId`
  WHERE `e`.`__event_time` <= `p`.`__time` AND `e`.`__known_at` <= `p`.`__time`
  GROUP BY `p`.`terminalId`, `p`.`__time`
) AS `v1` ON `s`.`terminalId` = `v1`.`terminalId` AND `s`.`__time` = `v1`.`__time`
ORDER BY `s`.`__row`
