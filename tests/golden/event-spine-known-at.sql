-- {}
SELECT
  row_number() OVER (ORDER BY `__time`, `__sequence` ROWS BETWEEN CURRENT ROW AND CURRENT ROW) AS `__row`,
  `__time`, `__event_id`, `__sequence`, `reportId`, `userId`, `amount`, `at`, `toldAt`
FROM (
  SELECT `e`.`__event_time` AS `__time`, `e`.`__event_id` AS `__event_id`, `e`.`__sequence` AS `__sequence`, `reportId`, `userId`, `amount`, `at`, `toldAt`
  FROM (
    SELECT `__event_id`, `__event_time`, `__known_at`, `__sequence`, `reportId`, `userId`, `amount`, `at`, `toldAt`, leadInFrame(toNullable(`__known_at`)) OVER (PARTITION BY `__event_id` ORDER BY `__known_at`, `__sequence` ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS `__superseded_at`
    FROM `events_reports`
  ) AS `e`
  WHERE `e`.`__superseded_at` IS NULL
)
