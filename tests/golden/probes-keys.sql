-- {}
SELECT
  `b0`.`userId` AS `userId`,
  `b0`.`__as_of` AS `__as_of`,
  `b0`.`__event_time` AS `__event_time`,
  `b0`.`__sequence` AS `__sequence`,
  `b0`.`visits2d` AS `visits2d`
FROM (
  SELECT *
  FROM (
    SELECT
      `e`.`__row` AS `__row`,
      `e`.`__key0` AS `userId`,
      `e`.`__event_time` AS `__as_of`,
      maxOrNullIf(`e`.`__event_time`, `e`.`__row` = 0) OVER `w1` AS `__event_time`,
      maxOrNullIf(`e`.`__sequence`, `e`.`__row` = 0) OVER `w1` AS `__sequence`,
      accurateCast(countIf(`e`.`__row` = 0) OVER `w0`, 'Int32') AS `visits2d`
    FROM (
      SELECT toUInt64(0) AS `__row`, `e`.`userId` AS `__key0`, toUnixTimestamp64Milli(`e`.`__event_time`) AS `__position0`, `e`.`__event_time` AS `__event_time`, `e`.`__known_at` AS `__known_at`, `e`.`__sequence` AS `__sequence`
      FROM (
        SELECT `__event_id`, `__event_time`, `__known_at`, `__sequence`, `userId`
        FROM `events_visits`
        WHERE (`userId`) IN (SELECT `userId` FROM `probes_count`)
      ) AS `e`
      UNION ALL
      SELECT toUInt64(1) AS `__row`, `q`.`userId` AS `__key0`, toUnixTimestamp64Milli(`q`.`__as_of`) AS `__position0`, `q`.`__as_of` AS `__event_time`, `q`.`__as_of` AS `__known_at`, toUInt64(0) AS `__sequence`
      FROM (SELECT DISTINCT `userId`, `__as_of` FROM `probes_count`) AS `q`
    ) AS `e`
    WINDOW
      `w0` AS (PARTITION BY `e`.`__key0` ORDER BY `e`.`__position0` RANGE BETWEEN 172800000 PRECEDING AND 1 PRECEDING),
      `w1` AS (PARTITION BY `e`.`__key0` ORDER BY `e`.`__position0` RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
  )
  WHERE `__row` != 0 AND `__event_time` IS NOT NULL
) AS `b0`
