-- {"p0_Int64":1768003200000}
SELECT
  `s`.`userId` AS `userId`,
  `s`.`__event_time` AS `__event_time`,
  arrayMap(x -> x.1, `s`.`__log`) AS `__log_time`,
  arrayMap(x -> x.4, `s`.`__log`) AS `__log_known`,
  arrayMap(x -> x.5, `s`.`__log`) AS `__log_until`,
  arrayMap(x -> x.6, `s`.`__log`) AS `__log_run_0`
FROM (
  SELECT
    `e`.`userId` AS `userId`,
    maxOrNullIf(`e`.`__event_time`, `e`.`__event_time` <= fromUnixTimestamp64Milli({p0_Int64:Int64}, 'UTC') AND `e`.`__known_at` <= fromUnixTimestamp64Milli({p0_Int64:Int64}, 'UTC') AND `e`.`__superseded_at` IS NULL) AS `__event_time`,
    arraySort(groupArrayIf(tuple(toUnixTimestamp64Milli(`e`.`__event_time`), toUnixTimestamp64Milli(`e`.`__known_at`), `e`.`__sequence`, toUnixTimestamp64Milli(`e`.`__known_at`), ifNull(toFloat64(toUnixTimestamp64Milli(`e`.`__superseded_at`)), inf), [`e`.`amount`]), (({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) <= 604800000 OR NOT (`e`.`__event_time` <= fromUnixTimestamp64Milli({p0_Int64:Int64}, 'UTC') AND `e`.`__known_at` <= fromUnixTimestamp64Milli({p0_Int64:Int64}, 'UTC') AND `e`.`__superseded_at` IS NULL)))) AS `__log`
  FROM (
    SELECT `__event_id`, `__event_time`, `__known_at`, `__sequence`, `userId`, `amount`, leadInFrame(toNullable(`__known_at`)) OVER (PARTITION BY `__event_id` ORDER BY `__known_at`, `__sequence` ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS `__superseded_at`
    FROM `events_reports`
  ) AS `e`
  WHERE (`e`.`__superseded_at` IS NULL OR `e`.`__superseded_at` > fromUnixTimestamp64Milli({p0_Int64:Int64}, 'UTC'))
  GROUP BY `e`.`userId`
) AS `s`
