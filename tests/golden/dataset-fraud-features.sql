-- {"p0_Float64":0}
SELECT
  `s`.`transactionId` AS `transactionId`,
  `s`.`amount` AS `amount`,
  ifNull(`b0`.`customer_spending$payments1d`, 0) AS `payments1d`,
  multiIf(isNull(ifNull(`b0`.`customer_spending$payments1d`, 0)), 'null', 'present') AS `payments1d__state`,
  ifNull(`b0`.`customer_spending$payments7d`, 0) AS `payments7d`,
  multiIf(isNull(ifNull(`b0`.`customer_spending$payments7d`, 0)), 'null', 'present') AS `payments7d__state`,
  ifNull(`b0`.`customer_spending$payments30d`, 0) AS `payments30d`,
  multiIf(isNull(ifNull(`b0`.`customer_spending$payments30d`, 0)), 'null', 'present') AS `payments30d__state`,
  if(ifNull(`b0`.`customer_spending$meanAmount1d__count`, 0) = 0, NULL, `b0`.`customer_spending$meanAmount1d__sum` / `b0`.`customer_spending$meanAmount1d__count`) AS `meanAmount1d`,
  multiIf(isNull(if(ifNull(`b0`.`customer_spending$meanAmount1d__count`, 0) = 0, NULL, `b0`.`customer_spending$meanAmount1d__sum` / `b0`.`customer_spending$meanAmount1d__count`)), 'null', 'present') AS `meanAmount1d__state`,
  if(ifNull(`b0`.`customer_spending$meanAmount7d__count`, 0) = 0, NULL, `b0`.`customer_spending$meanAmount7d__sum` / `b0`.`customer_spending$meanAmount7d__count`) AS `meanAmount7d`,
  multiIf(isNull(if(ifNull(`b0`.`customer_spending$meanAmount7d__count`, 0) = 0, NULL, `b0`.`customer_spending$meanAmount7d__sum` / `b0`.`customer_spending$meanAmount7d__count`)), 'null', 'present') AS `meanAmount7d__state`,
  if(ifNull(`b0`.`customer_spending$meanAmount30d__count`, 0) = 0, NULL, `b0`.`customer_spending$meanAmount30d__sum` / `b0`.`customer_spending$meanAmount30d__count`) AS `meanAmount30d`,
  multiIf(isNull(if(ifNull(`b0`.`customer_spending$meanAmount30d__count`, 0) = 0, NULL, `b0`.`customer_spending$meanAmount30d__sum` / `b0`.`customer_spending$meanAmount30d__count`)), 'null', 'present') AS `meanAmount30d__state`,
  ifNull(`b0`.`terminal_risk$terminalPayments1d`, 0) AS `terminalPayments1d`,
  multiIf(isNull(ifNull(`b0`.`terminal_risk$terminalPayments1d`, 0)), 'null', 'present') AS `terminalPayments1d__state`,
  ifNull(`b0`.`terminal_risk$terminalPayments7d`, 0) AS `terminalPayments7d`,
  multiIf(isNull(ifNull(`b0`.`terminal_risk$terminalPayments7d`, 0)), 'null', 'present') AS `terminalPayments7d__state`,
  ifNull(`b0`.`terminal_risk$terminalPayments30d`, 0) AS `terminalPayments30d`,
  multiIf(isNull(ifNull(`b0`.`terminal_risk$terminalPayments30d`, 0)), 'null', 'present') AS `terminalPayments30d__state`,
  if(ifNull(`b0`.`terminal_risk$terminalRisk1d__count`, 0) = 0, {p0_Float64:Float64}, `b0`.`terminal_risk$terminalRisk1d__sum` / `b0`.`terminal_risk$terminalRisk1d__count`) AS `terminalRisk1d`,
  multiIf(isNull(if(ifNull(`b0`.`terminal_risk$terminalRisk1d__count`, 0) = 0, {p0_Float64:Float64}, `b0`.`terminal_risk$terminalRisk1d__sum` / `b0`.`terminal_risk$terminalRisk1d__count`)), 'null', 'present') AS `terminalRisk1d__state`,
  if(ifNull(`b0`.`terminal_risk$terminalRisk7d__count`, 0) = 0, {p0_Float64:Float64}, `b0`.`terminal_risk$terminalRisk7d__sum` / `b0`.`terminal_risk$terminalRisk7d__count`) AS `terminalRisk7d`,
  multiIf(isNull(if(ifNull(`b0`.`terminal_risk$terminalRisk7d__count`, 0) = 0, {p0_Float64:Float64}, `b0`.`terminal_risk$terminalRisk7d__sum` / `b0`.`terminal_risk$terminalRisk7d__count`)), 'null', 'present') AS `terminalRisk7d__state`,
  if(ifNull(`b0`.`terminal_risk$terminalRisk30d__count`, 0) = 0, {p0_Float64:Float64}, `b0`.`terminal_risk$terminalRisk30d__sum` / `b0`.`terminal_risk$terminalRisk30d__count`) AS `terminalRisk30d`,
  multiIf(isNull(if(ifNull(`b0`.`terminal_risk$terminalRisk30d__count`, 0) = 0, {p0_Float64:Float64}, `b0`.`terminal_risk$terminalRisk30d__sum` / `b0`.`terminal_risk$terminalRisk30d__count`)), 'null', 'present') AS `terminalRisk30d__state`
FROM `spine_fraud_features` AS `s`
LEFT JOIN (
  SELECT
    `e`.`__sequence` AS `__sequence`,
    accurateCast(count() OVER `w0`, 'Int32') AS `customer_spending$payments1d`,
    accurateCast(count() OVER `w1`, 'Int32') AS `customer_spending$payments7d`,
    accurateCast(count() OVER `w2`, 'Int32') AS `customer_spending$payments30d`,
    sumOrNull(toFloat64(`e`.`amount`)) OVER `w0` AS `customer_spending$meanAmount1d__sum`,
    accurateCast(count() OVER `w0`, 'Int32') AS `customer_spending$meanAmount1d__count`,
    sumOrNull(toFloat64(`e`.`amount`)) OVER `w1` AS `customer_spending$meanAmount7d__sum`,
    accurateCast(count() OVER `w1`, 'Int32') AS `customer_spending$meanAmount7d__count`,
    sumOrNull(toFloat64(`e`.`amount`)) OVER `w2` AS `customer_spending$meanAmount30d__sum`,
    accurateCast(count() OVER `w2`, 'Int32') AS `customer_spending$meanAmount30d__count`,
    accurateCast(count() OVER `w3`, 'Int32') AS `terminal_risk$terminalPayments1d`,
    accurateCast(count() OVER `w4`, 'Int32') AS `terminal_risk$terminalPayments7d`,
    accurateCast(count() OVER `w5`, 'Int32') AS `terminal_risk$terminalPayments30d`,
    sumOrNull(toFloat64(`e`.`fraud`)) OVER `w3` AS `terminal_risk$terminalRisk1d__sum`,
    accurateCast(count() OVER `w3`, 'Int32') AS `terminal_risk$terminalRisk1d__count`,
    sumOrNull(toFloat64(`e`.`fraud`)) OVER `w4` AS `terminal_risk$terminalRisk7d__sum`,
    accurateCast(count() OVER `w4`, 'Int32') AS `terminal_risk$terminalRisk7d__count`,
    sumOrNull(toFloat64(`e`.`fraud`)) OVER `w5` AS `terminal_risk$terminalRisk30d__sum`,
    accurateCast(count() OVER `w5`, 'Int32') AS `terminal_risk$terminalRisk30d__count`
  FROM (
    SELECT `__event_id`, `__event_time`, `__known_at`, `__sequence`, `customerId`, `terminalId`, `amount`, `fraud`
    FROM `events_payments`
  ) AS `e`
  WINDOW
    `w0` AS (PARTITION BY `e`.`customerId` ORDER BY toUnixTimestamp64Milli(`e`.`__event_time`) / 86399999.96774194 RANGE BETWEEN 1 PRECEDING AND CURRENT ROW),
    `w1` AS (PARTITION BY `e`.`customerId` ORDER BY toUnixTimestamp64Milli(`e`.`__event_time`) / 86399999.96774194 RANGE BETWEEN 7 PRECEDING AND CURRENT ROW),
    `w2` AS (PARTITION BY `e`.`customerId` ORDER BY toUnixTimestamp64Milli(`e`.`__event_time`) / 86399999.96774194 RANGE BETWEEN 30 PRECEDING AND CURRENT ROW),
    `w3` AS (PARTITION BY `e`.`terminalId` ORDER BY toUnixTimestamp64Milli(`e`.`__event_time`) / 86399999.9736842 RANGE BETWEEN 8 PRECEDING AND 7 PRECEDING),
    `w4` AS (PARTITION BY `e`.`terminalId` ORDER BY toUnixTimestamp64Milli(`e`.`__event_time`) / 86399999.9736842 RANGE BETWEEN 14 PRECEDING AND 7 PRECEDING),
    `w5` AS (PARTITION BY `e`.`terminalId` ORDER BY toUnixTimestamp64Milli(`e`.`__event_time`) / 86399999.9736842 RANGE BETWEEN 37 PRECEDING AND 7 PRECEDING)
) AS `b0` ON `s`.`__sequence` = `b0`.`__sequence`
ORDER BY `s`.`__row`
