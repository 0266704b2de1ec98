-- {"p0_Float64":0,"p1_String":"UTC","p2_Int32":6}
SELECT
  `__carried0` AS `transactionId`,
  `__carried1` AS `amount`,
  `customer_spending$payments1d` AS `payments1d`,
  `customer_spending$payments1d$state` AS `payments1d__state`,
  `customer_spending$payments7d` AS `payments7d`,
  `customer_spending$payments7d$state` AS `payments7d__state`,
  `customer_spending$payments30d` AS `payments30d`,
  `customer_spending$payments30d$state` AS `payments30d__state`,
  `customer_spending$meanAmount1d` AS `meanAmount1d`,
  `customer_spending$meanAmount1d$state` AS `meanAmount1d__state`,
  `customer_spending$meanAmount7d` AS `meanAmount7d`,
  `customer_spending$meanAmount7d$state` AS `meanAmount7d__state`,
  `customer_spending$meanAmount30d` AS `meanAmount30d`,
  `customer_spending$meanAmount30d$state` AS `meanAmount30d__state`,
  `terminal_risk$terminalPayments1d` AS `terminalPayments1d`,
  `terminal_risk$terminalPayments1d$state` AS `terminalPayments1d__state`,
  `terminal_risk$terminalPayments7d` AS `terminalPayments7d`,
  `terminal_risk$terminalPayments7d$state` AS `terminalPayments7d__state`,
  `terminal_risk$terminalPayments30d` AS `terminalPayments30d`,
  `terminal_risk$terminalPayments30d$state` AS `terminalPayments30d__state`,
  `terminal_risk$terminalRisk1d` AS `terminalRisk1d`,
  `terminal_risk$terminalRisk1d$state` AS `terminalRisk1d__state`,
  `terminal_risk$terminalRisk7d` AS `terminalRisk7d`,
  `terminal_risk$terminalRisk7d$state` AS `terminalRisk7d__state`,
  `terminal_risk$terminalRisk30d` AS `terminalRisk30d`,
  `terminal_risk$terminalRisk30d$state` AS `terminalRisk30d__state`,
  toBool(toInt32(toDayOfWeek(`__request$at`, 0, {p1_String:String})) >= {p2_Int32:Int32}) AS `weekend`,
  multiIf(isNotNull(toBool(toInt32(toDayOfWeek(`__request$at`, 0, {p1_String:String})) >= {p2_Int32:Int32})), 'present', 'null') AS `weekend__state`,
  toBool(toInt32(toHour(`__request$at`, {p1_String:String})) <= {p2_Int32:Int32}) AS `night`,
  multiIf(isNotNull(toBool(toInt32(toHour(`__request$at`, {p1_String:String})) <= {p2_Int32:Int32})), 'present', 'null') AS `night__state`
FROM (
  SELECT
    `s`.`__row` AS `__row`,
    `s`.`transactionId` AS `__carried0`,
    `s`.`amount` AS `__carried1`,
    `s`.`at` AS `__request$at`,
    ifNull(`b0`.`customer_spending$payments1d`, 0) AS `customer_spending$payments1d`,
    'present' AS `customer_spending$payments1d$state`,
    ifNull(`b0`.`customer_spending$payments7d`, 0) AS `customer_spending$payments7d`,
    'present' AS `customer_spending$payments7d$state`,
    ifNull(`b0`.`customer_spending$payments30d`, 0) AS `customer_spending$payments30d`,
    'present' AS `customer_spending$payments30d$state`,
    ifNotFinite(`b0`.`customer_spending$meanAmount1d__sum` / `b0`.`customer_spending$meanAmount1d__count`, NULL) AS `customer_spending$meanAmount1d`,
    multiIf(isNull(ifNotFinite(`b0`.`customer_spending$meanAmount1d__sum` / `b0`.`customer_spending$meanAmount1d__count`, NULL)), 'null', 'present') AS `customer_spending$meanAmount1d$state`,
    ifNotFinite(`b0`.`customer_spending$meanAmount7d__sum` / `b0`.`customer_spending$meanAmount7d__count`, NULL) AS `customer_spending$meanAmount7d`,
    multiIf(isNull(ifNotFinite(`b0`.`customer_spending$meanAmount7d__sum` / `b0`.`customer_spending$meanAmount7d__count`, NULL)), 'null', 'present') AS `customer_spending$meanAmount7d$state`,
    ifNotFinite(`b0`.`customer_spending$meanAmount30d__sum` / `b0`.`customer_spending$meanAmount30d__count`, NULL) AS `customer_spending$meanAmount30d`,
    multiIf(isNull(ifNotFinite(`b0`.`customer_spending$meanAmount30d__sum` / `b0`.`customer_spending$meanAmount30d__count`, NULL)), 'null', 'present') AS `customer_spending$meanAmount30d$state`,
    ifNull(`b0`.`terminal_risk$terminalPayments1d`, 0) AS `terminal_risk$terminalPayments1d`,
    'present' AS `terminal_risk$terminalPayments1d$state`,
    ifNull(`b0`.`terminal_risk$terminalPayments7d`, 0) AS `terminal_risk$terminalPayments7d`,
    'present' AS `terminal_risk$terminalPayments7d$state`,
    ifNull(`b0`.`terminal_risk$terminalPayments30d`, 0) AS `terminal_risk$terminalPayments30d`,
    'present' AS `terminal_risk$terminalPayments30d$state`,
    ifNotFinite(`b0`.`terminal_risk$terminalRisk1d__sum` / `b0`.`terminal_risk$terminalRisk1d__count`, {p0_Float64:Float64}) AS `terminal_risk$terminalRisk1d`,
    'present' AS `terminal_risk$terminalRisk1d$state`,
    ifNotFinite(`b0`.`terminal_risk$terminalRisk7d__sum` / `b0`.`terminal_risk$terminalRisk7d__count`, {p0_Float64:Float64}) AS `terminal_risk$terminalRisk7d`,
    'present' AS `terminal_risk$terminalRisk7d$state`,
    ifNotFinite(`b0`.`terminal_risk$terminalRisk30d__sum` / `b0`.`terminal_risk$terminalRisk30d__count`, {p0_Float64:Float64}) AS `terminal_risk$terminalRisk30d`,
    'present' AS `terminal_risk$terminalRisk30d$state`
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
)
ORDER BY `__row`
