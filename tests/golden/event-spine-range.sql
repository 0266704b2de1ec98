-- {"p0_Int64":1767916800000,"p1_Int64":1768003200001}
SELECT
  row_number() OVER (ORDER BY `__time`, `__sequence` ROWS BETWEEN CURRENT ROW AND CURRENT ROW) AS `__row`,
  `__time`, `__event_id`, `__sequence`, `visitId`, `userId`, `area`, `amount`, `coins`, `kind`, `tags`, `at`
FROM (
  SELECT `e`.`__event_time` AS `__time`, `e`.`__event_id` AS `__event_id`, `e`.`__sequence` AS `__sequence`, `visitId`, `userId`, `area`, `amount`, `coins`, `kind`, `tags`, `at`
  FROM (
    SELECT `__event_id`, `__event_time`, `__known_at`, `__sequence`, `visitId`, `userId`, `area`, `amount`, `coins`, `kind`, `tags`, `at`
    FROM `events_visits`
  ) AS `e`
  WHERE true AND toUnixTimestamp64Milli(`e`.`__event_time`) >= {p0_Int64:Int64} AND toUnixTimestamp64Milli(`e`.`__event_time`) < {p1_Int64:Int64}
)
