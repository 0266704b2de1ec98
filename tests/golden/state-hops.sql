-- {"p0_Int64":1768003200000,"p1_Int64":1767744000000}
SELECT
  `s`.`userId` AS `userId`,
  `s`.`__event_time` AS `__event_time`,
  arrayMap(x -> toFloat64(x.1), `t0`.`__tiles`) AS `__tiles0`,
  arrayMap(x -> x.2, `t0`.`__tiles`) AS `__tiles0_visits2d`,
  arrayMap(x -> x.3, `t0`.`__tiles`) AS `__tiles0_worth2d`,
  arrayMap(x -> x.4, `t0`.`__tiles`) AS `__tiles0_worth2d__events`,
  arrayMap(end -> toInt32(end), arrayCumSum(hop -> length(hop), `t0`.`__lists5`)) AS `__tiles0_different2d__ends`,
  arrayFlatten(`t0`.`__lists5`) AS `__tiles0_different2d`,
  arrayDistinct(arrayFlatten(arrayMap(x -> x.6, `t0`.`__tiles`))) AS `__tiles0_usual2d__values`,
  arrayMap((positions, counts) -> arrayStringConcat(arrayMap(n -> multiIf(n < 32, char(n + 48), n < 1024, char(bitAnd(n, 31) + 80, bitShiftRight(n, 5) + 48), n < 32768, char(bitAnd(n, 31) + 80, bitAnd(bitShiftRight(n, 5), 31) + 80, bitShiftRight(n, 10) + 48), n < 1048576, char(bitAnd(n, 31) + 80, bitAnd(bitShiftRight(n, 5), 31) + 80, bitAnd(bitShiftRight(n, 10), 31) + 80, bitShiftRight(n, 15) + 48), n < 33554432, char(bitAnd(n, 31) + 80, bitAnd(bitShiftRight(n, 5), 31) + 80, bitAnd(bitShiftRight(n, 10), 31) + 80, bitAnd(bitShiftRight(n, 15), 31) + 80, bitShiftRight(n, 20) + 48), n < 1073741824, char(bitAnd(n, 31) + 80, bitAnd(bitShiftRight(n, 5), 31) + 80, bitAnd(bitShiftRight(n, 10), 31) + 80, bitAnd(bitShiftRight(n, 15), 31) + 80, bitAnd(bitShiftRight(n, 20), 31) + 80, bitShiftRight(n, 25) + 48), char(bitAnd(n, 31) + 80, bitAnd(bitShiftRight(n, 5), 31) + 80, bitAnd(bitShiftRight(n, 10), 31) + 80, bitAnd(bitShiftRight(n, 15), 31) + 80, bitAnd(bitShiftRight(n, 20), 31) + 80, bitAnd(bitShiftRight(n, 25), 31) + 80, bitShiftRight(n, 30) + 48)), arrayFlatten(arrayMap((step, count) -> [if(step < 0, -2 * step - 1, 2 * step), toInt64(count) - 1], arrayPopFront(arrayDifference(arrayPushFront(positions, 1))), counts)))), arrayEnumerateDenseRanked(1, arrayMap(x -> x.6, `t0`.`__tiles`), 2), arrayMap(x -> x.7, `t0`.`__tiles`)) AS `__tiles0_usual2d__counts`,
  arrayDistinct(arrayFlatten(arrayMap(x -> x.8, `t0`.`__tiles`))) AS `__tiles0_kinds2d__values`,
  arrayMap((positions, counts) -> arrayStringConcat(arrayMap(n -> multiIf(n < 32, char(n + 48), n < 1024, char(bitAnd(n, 31) + 80, bitShiftRight(n, 5) + 48), n < 32768, char(bitAnd(n, 31) + 80, bitAnd(bitShiftRight(n, 5), 31) + 80, bitShiftRight(n, 10) + 48), n < 1048576, char(bitAnd(n, 31) + 80, bitAnd(bitShiftRight(n, 5), 31) + 80, bitAnd(bitShiftRight(n, 10), 31) + 80, bitShiftRight(n, 15) + 48), n < 33554432, char(bitAnd(n, 31) + 80, bitAnd(bitShiftRight(n, 5), 31) + 80, bitAnd(bitShiftRight(n, 10), 31) + 80, bitAnd(bitShiftRight(n, 15), 31) + 80, bitShiftRight(n, 20) + 48), n < 1073741824, char(bitAnd(n, 31) + 80, bitAnd(bitShiftRight(n, 5), 31) + 80, bitAnd(bitShiftRight(n, 10), 31) + 80, bitAnd(bitShiftRight(n, 15), 31) + 80, bitAnd(bitShiftRight(n, 20), 31) + 80, bitShiftRight(n, 25) + 48), char(bitAnd(n, 31) + 80, bitAnd(bitShiftRight(n, 5), 31) + 80, bitAnd(bitShiftRight(n, 10), 31) + 80, bitAnd(bitShiftRight(n, 15), 31) + 80, bitAnd(bitShiftRight(n, 20), 31) + 80, bitAnd(bitShiftRight(n, 25), 31) + 80, bitShiftRight(n, 30) + 48)), arrayFlatten(arrayMap((step, count) -> [if(step < 0, -2 * step - 1, 2 * step), toInt64(count) - 1], arrayPopFront(arrayDifference(arrayPushFront(positions, 1))), counts)))), arrayEnumerateDenseRanked(1, arrayMap(x -> x.8, `t0`.`__tiles`), 2), arrayMap(x -> x.9, `t0`.`__tiles`)) AS `__tiles0_kinds2d__counts`,
  arrayDistinct(arrayFlatten(arrayMap(x -> x.10, `t0`.`__tiles`))) AS `__tiles0_middle2d__buckets`,
  arrayMap((positions, counts) -> arrayStringConcat(arrayMap(n -> multiIf(n < 32, char(n + 48), n < 1024, char(bitAnd(n, 31) + 80, bitShiftRight(n, 5) + 48), n < 32768, char(bitAnd(n, 31) + 80, bitAnd(bitShiftRight(n, 5), 31) + 80, bitShiftRight(n, 10) + 48), n < 1048576, char(bitAnd(n, 31) + 80, bitAnd(bitShiftRight(n, 5), 31) + 80, bitAnd(bitShiftRight(n, 10), 31) + 80, bitShiftRight(n, 15) + 48), n < 33554432, char(bitAnd(n, 31) + 80, bitAnd(bitShiftRight(n, 5), 31) + 80, bitAnd(bitShiftRight(n, 10), 31) + 80, bitAnd(bitShiftRight(n, 15), 31) + 80, bitShiftRight(n, 20) + 48), n < 1073741824, char(bitAnd(n, 31) + 80, bitAnd(bitShiftRight(n, 5), 31) + 80, bitAnd(bitShiftRight(n, 10), 31) + 80, bitAnd(bitShiftRight(n, 15), 31) + 80, bitAnd(bitShiftRight(n, 20), 31) + 80, bitShiftRight(n, 25) + 48), char(bitAnd(n, 31) + 80, bitAnd(bitShiftRight(n, 5), 31) + 80, bitAnd(bitShiftRight(n, 10), 31) + 80, bitAnd(bitShiftRight(n, 15), 31) + 80, bitAnd(bitShiftRight(n, 20), 31) + 80, bitAnd(bitShiftRight(n, 25), 31) + 80, bitShiftRight(n, 30) + 48)), arrayFlatten(arrayMap((step, count) -> [if(step < 0, -2 * step - 1, 2 * step), toInt64(count) - 1], arrayPopFront(arrayDifference(arrayPushFront(positions, 1))), counts)))), arrayEnumerateDenseRanked(1, arrayMap(x -> x.10, `t0`.`__tiles`), 2), arrayMap(x -> x.11, `t0`.`__tiles`)) AS `__tiles0_middle2d__counts`,
  arrayMap(x -> x.1, `s`.`__log`) AS `__log_time`,
  arrayMap(x -> x.4, `s`.`__log`) AS `__log_run_0`,
  arrayMap(x -> x.5, `s`.`__log`) AS `__log_run_1`
FROM (
  SELECT
    `e`.`userId` AS `userId`,
    maxOrNullIf(`e`.`__event_time`, `e`.`__event_time` <= fromUnixTimestamp64Milli({p0_Int64:Int64}, 'UTC')) AS `__event_time`,
    arraySort(groupArrayIf(tuple(toUnixTimestamp64Milli(`e`.`__event_time`), toUnixTimestamp64Milli(`e`.`__known_at`), `e`.`__sequence`, [`e`.`amount`], [`e`.`kind`]), (({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) <= 0 OR NOT (`e`.`__event_time` <= fromUnixTimestamp64Milli({p0_Int64:Int64}, 'UTC'))))) AS `__log`
  FROM (
    SELECT `__event_id`, `__event_time`, `__known_at`, `__sequence`, `userId`, `amount`, `kind`
    FROM `events_visits`
  ) AS `e`
  GROUP BY `e`.`userId`
) AS `s`
LEFT JOIN (
  SELECT
    `h`.`userId` AS `userId`,
    arraySort(groupArray(tuple(`h`.`__start`, `h`.`visits2d`, ifNull(`h`.`worth2d`, defaultValueOfTypeName('Float64')), `h`.`worth2d__events`, `h`.`different2d`, `h`.`usual2d__values`, `h`.`usual2d__counts`, `h`.`kinds2d__values`, `h`.`kinds2d__counts`, `h`.`middle2d__buckets`, `h`.`middle2d__counts`))) AS `__tiles`,
    arrayReverse(arrayMap((own, hops) -> arrayFilter((value, nth) -> nth = 1, own, hops), arrayReverse(arrayMap(x -> x.5, `__tiles`)), arrayEnumerateUniqRanked(1, arrayReverse(arrayMap(x -> x.5, `__tiles`)), 2))) AS `__lists5`
  FROM (
    SELECT
      `e`.`userId` AS `userId`,
      toUnixTimestamp64Milli(`e`.`__event_time`) - positiveModulo(toUnixTimestamp64Milli(`e`.`__event_time`), 172800000) AS `__start`,
      accurateCast(countIf(({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) >= 1), 'Int32') AS `visits2d`,
      sumOrNullIf(toFloat64(`e`.`amount`), ({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) >= 1) AS `worth2d`,
      accurateCast(countIf(`e`.`amount` IS NOT NULL AND ({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) >= 1), 'Int32') AS `worth2d__events`,
      arraySort(groupUniqArrayIf(`e`.`kind`, ({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) >= 1)) AS `different2d`,
      tupleElement(sumMapIf([assumeNotNull(`e`.`amount`) + 0], [1], `e`.`amount` IS NOT NULL AND ({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) >= 1), 1) AS `usual2d__values`,
      arrayMap(c -> accurateCast(c, 'Int32'), tupleElement(sumMapIf([assumeNotNull(`e`.`amount`) + 0], [1], `e`.`amount` IS NOT NULL AND ({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) >= 1), 2)) AS `usual2d__counts`,
      tupleElement(sumMapIf([`e`.`kind`], [1], ({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) >= 1), 1) AS `kinds2d__values`,
      arrayMap(c -> accurateCast(c, 'Int32'), tupleElement(sumMapIf([`e`.`kind`], [1], ({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) >= 1), 2)) AS `kinds2d__counts`,
      tupleElement(sumMapIf([toInt32(sign(assumeNotNull(`e`.`amount`)) * least(bitShiftRight(reinterpretAsUInt64(abs(toFloat64(assumeNotNull(`e`.`amount`)))) + 17592186044416, 45), 262015))], [1], `e`.`amount` IS NOT NULL AND ({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) >= 1), 1) AS `middle2d__buckets`,
      arrayMap(c -> accurateCast(c, 'Int32'), tupleElement(sumMapIf([toInt32(sign(assumeNotNull(`e`.`amount`)) * least(bitShiftRight(reinterpretAsUInt64(abs(toFloat64(assumeNotNull(`e`.`amount`)))) + 17592186044416, 45), 262015))], [1], `e`.`amount` IS NOT NULL AND ({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) >= 1), 2)) AS `middle2d__counts`
    FROM (
      SELECT `__event_id`, `__event_time`, `__known_at`, `__sequence`, `userId`, `amount`, `kind`
      FROM `events_visits`
    ) AS `e`
    WHERE `e`.`__event_time` <= fromUnixTimestamp64Milli({p0_Int64:Int64}, 'UTC') AND toUnixTimestamp64Milli(`e`.`__event_time`) BETWEEN {p1_Int64:Int64} AND {p0_Int64:Int64} - 1
    GROUP BY `e`.`userId`, `__start`
  ) AS `h`
  GROUP BY `h`.`userId`
) AS `t0` ON `s`.`userId` = `t0`.`userId`
