-- {}
SELECT
  row_number() OVER (ORDER BY `__time`, `__sequence` ROWS BETWEEN CURRENT ROW AND CURRENT ROW) AS `__row`,
  `__time`, `__event_id`, `__sequence`, `transactionId`, `customerId`, `terminalId`, `amount`, `fraud`, `at`
FROM (
  SELECT `e`.`__event_time` AS `__time`, `e`.`__event_id` AS `__event_id`, `e`.`__sequence` AS `__sequence`, `transactionId`, `customerId`, `terminalId`, `amount`, `fraud`, `at`
  FROM (
    SELECT `__event_id`, `__event_time`, `__known_at`, `__sequence`, `transactionId`, `customerId`, `terminalId`, `amount`, `fraud`, `at`
    FROM `events_payments`
  ) AS `e`
  WHERE true
)
