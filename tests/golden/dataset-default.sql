-- {"p0_String":"buy","p1_Float64":-1,"p2_Int64":"-2","p3_Int32":-3,"p4_Float64":-4}
SELECT
  `s`.`__row` AS `__row`,
  if(`b0`.`__seen` IS NULL, NULL, ifNotFinite(`b0`.`filled$bought1d__sum` / `b0`.`filled$bought1d__count`, {p1_Float64:Float64})) AS `bought1d`,
  multiIf(`b0`.`__seen` IS NULL, 'missing', 'present') AS `bought1d__state`,
  if(`b0`.`__seen` IS NULL, NULL, if(ifNull(`b0`.`filled$spent1d__carry`, 0) = 0, ifNull(`b0`.`filled$spent1d__sum`, {p2_Int64:Int64}), {p2_Int64:Int64})) AS `spent1d`,
  multiIf(`b0`.`__seen` IS NULL, 'missing', 'present') AS `spent1d__state`,
  if(`b0`.`__seen` IS NULL, NULL, if(ifNull(`b0`.`filled$visits1d`, 0) = 0, {p3_Int32:Int32}, ifNull(`b0`.`filled$visits1d`, 0))) AS `visits1d`,
  multiIf(`b0`.`__seen` IS NULL, 'missing', 'present') AS `visits1d__state`,
  if(`b0`.`__seen` IS NULL, NULL, ifNotFinite(`b0`.`filled$middle1d`, {p4_Float64:Float64})) AS `middle1d`,
  multiIf(`b0`.`__seen` IS NULL, 'missing', 'present') AS `middle1d__state`
FROM `spine_default` AS `s`
LEFT JOIN (
  SELECT *
  FROM (
    SELECT
      `e`.`__row` AS `__row`,
      maxOrNullIf(`e`.`__event_time`, `e`.`__row` = 0) OVER `w1` AS `__seen`,
      sumOrNullIf(toFloat64(`e`.`amount`), `e`.`__row` = 0 AND `e`.`kind` = {p0_String:String}) OVER `w0` AS `filled$bought1d__sum`,
      accurateCast(countIf(`e`.`amount` IS NOT NULL AND `e`.`__row` = 0 AND `e`.`kind` = {p0_String:String}) OVER `w0`, 'Int32') AS `filled$bought1d__count`,
      toInt64(sumOrNullIf(toInt128(`e`.`coins`), `e`.`__row` = 0 AND `e`.`kind` = {p0_String:String}) OVER `w0`) AS `filled$spent1d__sum`,
      toInt32(bitShiftRight(sumOrNullIf(toInt128(`e`.`coins`), `e`.`__row` = 0 AND `e`.`kind` = {p0_String:String}) OVER `w0` - toInt64(sumOrNullIf(toInt128(`e`.`coins`), `e`.`__row` = 0 AND `e`.`kind` = {p0_String:String}) OVER `w0`), 64)) AS `filled$spent1d__carry`,
      accurateCast(countIf(`e`.`__row` = 0) OVER `w0`, 'Int32') AS `filled$visits1d`,
      arrayMap(buckets -> if(empty(buckets), NULL, arrayMap(rank -> arrayMap((below, above) -> below + (rank - floor(rank)) * (above - below), [sign(buckets[toUInt32(floor(rank)) + 1]) * reinterpretAsFloat64(bitShiftLeft(toUInt64(abs(buckets[toUInt32(floor(rank)) + 1])), 45))], [sign(buckets[toUInt32(ceil(rank)) + 1]) * reinterpretAsFloat64(bitShiftLeft(toUInt64(abs(buckets[toUInt32(ceil(rank)) + 1])), 45))])[1], [0.5 * (length(buckets) - 1)])[1]), [arraySort(groupArrayIf(toInt32(sign(assumeNotNull(`e`.`amount`)) * least(bitShiftRight(reinterpretAsUInt64(abs(toFloat64(assumeNotNull(`e`.`amount`)))) + 17592186044416, 45), 262015)), `e`.`amount` IS NOT NULL AND `e`.`__row` = 0) OVER `w0`)])[1] AS `filled$middle1d`
    FROM (
      SELECT toUInt64(0) AS `__row`, `e`.`userId` AS `__key0`, toUnixTimestamp64Milli(`e`.`__event_time`) AS `__position0`, `e`.`__event_time` AS `__event_time`, `e`.`__known_at` AS `__known_at`, `e`.`__sequence` AS `__sequence`, `e`.`amount` AS `amount`, `e`.`kind` AS `kind`, `e`.`coins` AS `coins`
      FROM (
        SELECT `__event_id`, `__event_time`, `__known_at`, `__sequence`, `userId`, `amount`, `kind`, `coins`
        FROM `events_visits`
      ) AS `e`
      UNION ALL
      SELECT `q`.`__row` AS `__row`, `q`.`userId` AS `__key0`, toUnixTimestamp64Milli(`q`.`__time`) AS `__position0`, `q`.`__time` AS `__event_time`, `q`.`__time` AS `__known_at`, toUInt64(0) AS `__sequence`, defaultValueOfTypeName('Nullable(Float64)') AS `amount`, defaultValueOfTypeName('String') AS `kind`, defaultValueOfTypeName('Int64') AS `coins`
      FROM `spine_default` AS `q`
    ) AS `e`
    WINDOW
      `w0` AS (PARTITION BY `e`.`__key0` ORDER BY `e`.`__position0` RANGE BETWEEN 86400000 PRECEDING AND 1 PRECEDING),
      `w1` AS (PARTITION BY `e`.`__key0` ORDER BY `e`.`__position0` RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
    SETTINGS max_block_size = 1024
  )
  WHERE `__row` != 0
) AS `b0` ON `s`.`__row` = `b0`.`__row`
ORDER BY `s`.`__row`
