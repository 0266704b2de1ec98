-- {}
SELECT
  `__carried0` AS `__row`,
  `counted$amount` AS `amount`,
  `counted$amount$state` AS `amount__state`,
  ifNotFinite(toFloat64(`counted$visits2d`) / toFloat64(`peer$visits2d`), NULL) AS `ratio`,
  multiIf(isNotNull(ifNotFinite(toFloat64(`counted$visits2d`) / toFloat64(`peer$visits2d`), NULL)), 'present', 'missing' IN (`counted$visits2d$state`, `peer$visits2d$state`), 'missing', 'expired' IN (`counted$visits2d$state`, `peer$visits2d$state`), 'expired', 'null') AS `ratio__state`,
  accurateCastOrNull(toInt128(`__request$coins`) * toInt128(`counted$visits2d`), 'Int64') AS `worth`,
  multiIf(isNotNull(accurateCastOrNull(toInt128(`__request$coins`) * toInt128(`counted$visits2d`), 'Int64')), 'present', 'missing' IN (`counted$visits2d$state`), 'missing', 'expired' IN (`counted$visits2d$state`), 'expired', 'null') AS `worth__state`
FROM (
  SELECT
    `s`.`__row` AS `__row`,
    `s`.`__row` AS `__carried0`,
    `s`.`coins` AS `__request$coins`,
    if(`b0`.`__seen` IS NULL OR toUnixTimestamp64Milli(`b0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 259200000, NULL, `b0`.`counted$amount`) AS `counted$amount`,
    multiIf(`b0`.`__seen` IS NULL, 'missing', toUnixTimestamp64Milli(`b0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 259200000, 'expired', isNull(`b0`.`counted$amount`), 'null', 'present') AS `counted$amount$state`,
    if(`b0`.`__seen` IS NULL OR toUnixTimestamp64Milli(`b0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 259200000, NULL, ifNull(`b0`.`counted$visits2d`, 0)) AS `counted$visits2d`,
    multiIf(`b0`.`__seen` IS NULL, 'missing', toUnixTimestamp64Milli(`b0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 259200000, 'expired', 'present') AS `counted$visits2d$state`,
    if(`b1`.`__seen` IS NULL OR toUnixTimestamp64Milli(`b1`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 259200000, NULL, ifNull(`b1`.`peer$visits2d`, 0)) AS `peer$visits2d`,
    multiIf(`b1`.`__seen` IS NULL, 'missing', toUnixTimestamp64Milli(`b1`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 259200000, 'expired', 'present') AS `peer$visits2d$state`
  FROM `spine_derived` AS `s`
  LEFT JOIN (
    SELECT *
    FROM (
      SELECT
        `e`.`__row` AS `__row`,
        maxOrNullIf(`e`.`__event_time`, `e`.`__row` = 0) OVER `w0` AS `__seen`,
        tupleElement(argMaxIf(tuple(`e`.`amount`), (`e`.`__event_time`, `e`.`__known_at`, `e`.`__sequence`), `e`.`__row` = 0) OVER `w0`, 1) AS `counted$amount`,
        accurateCast(countIf(`e`.`__row` = 0) OVER `w1`, 'Int32') AS `counted$visits2d`
      FROM (
        SELECT toUInt64(0) AS `__row`, `e`.`userId` AS `__key0`, toUnixTimestamp64Milli(`e`.`__event_time`) AS `__position0`, `e`.`__event_time` AS `__event_time`, `e`.`__known_at` AS `__known_at`, `e`.`__sequence` AS `__sequence`, `e`.`amount` AS `amount`
        FROM (
          SELECT `__event_id`, `__event_time`, `__known_at`, `__sequence`, `userId`, `amount`
          FROM `events_visits`
        ) AS `e`
        UNION ALL
        SELECT `q`.`__row` AS `__row`, `q`.`userId` AS `__key0`, toUnixTimestamp64Milli(`q`.`__time`) AS `__position0`, `q`.`__time` AS `__event_time`, `q`.`__time` AS `__known_at`, toUInt64(0) AS `__sequence`, defaultValueOfTypeName('Nullable(Float64)') AS `amount`
        FROM `spine_derived` AS `q`
      ) AS `e`
      WINDOW
        `w0` AS (PARTITION BY `e`.`__key0` ORDER BY `e`.`__position0` RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW),
        `w1` AS (PARTITION BY `e`.`__key0` ORDER BY `e`.`__position0` RANGE BETWEEN 172800000 PRECEDING AND 1 PRECEDING)
    )
    WHERE `__row` != 0
  ) AS `b0` ON `s`.`__row` = `b0`.`__row`
  LEFT JOIN (
    SELECT *
    FROM (
      SELECT
        `e`.`__row` AS `__row`,
        maxOrNullIf(`e`.`__event_time`, `e`.`__row` = 0) OVER `w1` AS `__seen`,
        accurateCast(countIf(`e`.`__row` = 0) OVER `w0`, 'Int32') AS `peer$visits2d`
      FROM (
        SELECT toUInt64(0) AS `__row`, `e`.`userId` AS `__key0`, toUnixTimestamp64Milli(`e`.`__event_time`) AS `__position0`, `e`.`__event_time` AS `__event_time`, `e`.`__known_at` AS `__known_at`, `e`.`__sequence` AS `__sequence`
        FROM (
          SELECT `__event_id`, `__event_time`, `__known_at`, `__sequence`, `userId`
          FROM `events_visits`
        ) AS `e`
        UNION ALL
        SELECT `q`.`__row` AS `__row`, `q`.`peerId` AS `__key0`, toUnixTimestamp64Milli(`q`.`__time`) AS `__position0`, `q`.`__time` AS `__event_time`, `q`.`__time` AS `__known_at`, toUInt64(0) AS `__sequence`
        FROM `spine_derived` AS `q`
      ) AS `e`
      WINDOW
        `w0` AS (PARTITION BY `e`.`__key0` ORDER BY `e`.`__position0` RANGE BETWEEN 172800000 PRECEDING AND 1 PRECEDING),
        `w1` AS (PARTITION BY `e`.`__key0` ORDER BY `e`.`__position0` RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
    )
    WHERE `__row` != 0
  ) AS `b1` ON `s`.`__row` = `b1`.`__row`
)
ORDER BY `__row`
