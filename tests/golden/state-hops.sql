-- {"p0_Int64":1768003200000,"p1_Int64":1767744000000}
SELECT
  `s`.`userId` AS `userId`,
  `s`.`__event_time` AS `__event_time`,
  arrayMap(x -> toFloat64(x.1), `t0`.`__tiles`) AS `__tiles0`,
  arrayMap(x -> x.2, `t0`.`__tiles`) AS `__tiles0_visits2d`,
  arrayMap(x -> x.3, `t0`.`__tiles`) AS `__tiles0_worth2d`,
  arrayMap(x -> x.4, `t0`.`__tiles`) AS `__tiles0_worth2d__events`,
  arrayMap(x -> x.1, `s`.`__log`) AS `__log_time`,
  arrayMap(x -> x.4, `s`.`__log`) AS `__log_run_0`
FROM (
  SELECT
    `e`.`userId` AS `userId`,
    maxOrNullIf(`e`.`__event_time`, `e`.`__event_time` <= fromUnixTimestamp64Milli({p0_Int64:Int64}, 'UTC')) AS `__event_time`,
    arraySort(groupArrayIf(tuple(toUnixTimestamp64Milli(`e`.`__event_time`), toUnixTimestamp64Milli(`e`.`__known_at`), `e`.`__sequence`, [`e`.`amount`]), (({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) <= 0 OR NOT (`e`.`__event_time` <= fromUnixTimestamp64Milli({p0_Int64:Int64}, 'UTC'))))) AS `__log`
  FROM (
    SELECT `__event_id`, `__event_time`, `__known_at`, `__sequence`, `userId`, `amount`
    FROM `events_visits`
  ) AS `e`
  GROUP BY `e`.`userId`
) AS `s`
LEFT JOIN (
  SELECT
    `h`.`userId` AS `userId`,
    arraySort(groupArray(tuple(`h`.`__start`, `h`.`visits2d`, ifNull(`h`.`worth2d`, defaultValueOfTypeName('Float64')), `h`.`worth2d__events`))) AS `__tiles`
  FROM (
    SELECT
      `e`.`userId` AS `userId`,
      toUnixTimestamp64Milli(`e`.`__event_time`) - positiveModulo(toUnixTimestamp64Milli(`e`.`__event_time`), 172800000) AS `__start`,
      accurateCast(countIf(({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) >= 1), 'Int32') AS `visits2d`,
      sumOrNullIf(toFloat64(`e`.`amount`), ({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) >= 1) AS `worth2d`,
      accurateCast(countIf(`e`.`amount` IS NOT NULL AND ({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) >= 1), 'Int32') AS `worth2d__events`
    FROM (
      SELECT `__event_id`, `__event_time`, `__known_at`, `__sequence`, `userId`, `amount`
      FROM `events_visits`
    ) AS `e`
    WHERE `e`.`__event_time` <= fromUnixTimestamp64Milli({p0_Int64:Int64}, 'UTC') AND toUnixTimestamp64Milli(`e`.`__event_time`) BETWEEN {p1_Int64:Int64} AND {p0_Int64:Int64} - 1
    GROUP BY `e`.`userId`, `__start`
  ) AS `h`
  GROUP BY `h`.`userId`
) AS `t0` ON `s`.`userId` = `t0`.`userId`
