-- {"p0_Int64":1768003200001}
SELECT
  `e`.`userId` AS `userId`,
  `e`.`__event_time` AS `__event_time`,
  `e`.`__latest_run_0` AS `__latest_run_0`,
  `e`.`__latest_run_1` AS `__latest_run_1`
FROM (
  SELECT `__event_id`, `__event_time`, `__known_at`, `__sequence`, `userId`, [`amount`] AS `__latest_run_0`, [`tags`] AS `__latest_run_1`
  FROM `events_visits`
  WHERE (`userId`, `__sequence`) IN (
    SELECT `e`.`userId`, argMaxIf(`e`.`__sequence`, (`e`.`__event_time`, `e`.`__known_at`, `e`.`__sequence`), `e`.`__event_time` <= fromUnixTimestamp64Milli({p0_Int64:Int64}, 'UTC'))
    FROM (
      SELECT `__event_id`, `__event_time`, `__known_at`, `__sequence`, `userId`
      FROM `events_visits`
    ) AS `e`
    GROUP BY `e`.`userId`
  )
) AS `e`
