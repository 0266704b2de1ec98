-- {"p0_Int64":1768003200000}
SELECT
  `s`.`userId` AS `userId`,
  `s`.`__event_time` AS `__event_time`,
  `n`.`__latest_run_0` AS `__latest_run_0`,
  `n`.`__latest_run_1` AS `__latest_run_1`,
  arrayMap(x -> x.1, `s`.`__log`) AS `__log_time`,
  arrayMap(x -> x.4, `s`.`__log`) AS `__log_run_0`,
  arrayMap(x -> x.5, `s`.`__log`) AS `__log_run_1`
FROM (
  SELECT `__event_id`, `__event_time`, `__known_at`, `__sequence`, `userId`, [`amount`] AS `__latest_run_0`, [`tags`] AS `__latest_run_1`
  FROM `events_visits`
) AS `n`
RIGHT JOIN (
  SELECT
    `e`.`userId` AS `userId`,
    maxOrNullIf(`e`.`__event_time`, `e`.`__event_time` <= fromUnixTimestamp64Milli({p0_Int64:Int64}, 'UTC')) AS `__event_time`,
    argMaxOrNullIf(`e`.`__sequence`, (`e`.`__event_time`, `e`.`__known_at`, `e`.`__sequence`), `e`.`__event_time` <= fromUnixTimestamp64Milli({p0_Int64:Int64}, 'UTC')) AS `__newest_sequence`,
    arraySort(groupArrayIf(tuple(toUnixTimestamp64Milli(`e`.`__event_time`), toUnixTimestamp64Milli(`e`.`__known_at`), `e`.`__sequence`, [`e`.`amount`], [`e`.`tags`]), NOT (`e`.`__event_time` <= fromUnixTimestamp64Milli({p0_Int64:Int64}, 'UTC')))) AS `__log`
  FROM (
    SELECT `__event_id`, `__event_time`, `__known_at`, `__sequence`, `userId`, `amount`, `tags`
    FROM `events_visits`
  ) AS `e`
  GROUP BY `e`.`userId`
) AS `s` ON `n`.`userId` = `s`.`userId` AND `n`.`__sequence` = `s`.`__newest_sequence`
