-- {"p0_Int64":1768003200000}
SELECT
  `e`.`userId` AS `userId`,
  fromUnixTimestamp64Milli({p0_Int64:Int64}, 'UTC') AS `__as_of`,
  max(`e`.`__event_time`) AS `__event_time`,
  max(`e`.`__sequence`) AS `__sequence`,
  accurateCast(countIf(({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 1 AND 172800000 + positiveModulo({p0_Int64:Int64} - 172800000, 172800000)), 'Int32') AS `visits2d`,
  sumOrNullIf(toFloat64(`e`.`amount`), ({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 1 AND 172800000 + positiveModulo({p0_Int64:Int64} - 172800000, 172800000)) AS `worth2d`,
  accurateCast(uniqExactIf(`e`.`kind`, ({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 1 AND 172800000 + positiveModulo({p0_Int64:Int64} - 172800000, 172800000)), 'Int32') AS `different2d`,
  arrayMap(x -> x.2, arraySlice(arraySort(x -> (-toInt64(x.1), x.2), arrayZip(tupleElement(sumMapIf([assumeNotNull(`e`.`amount`) + 0], [1], `e`.`amount` IS NOT NULL AND ({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 1 AND 172800000 + positiveModulo({p0_Int64:Int64} - 172800000, 172800000)), 2), tupleElement(sumMapIf([assumeNotNull(`e`.`amount`) + 0], [1], `e`.`amount` IS NOT NULL AND ({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 1 AND 172800000 + positiveModulo({p0_Int64:Int64} - 172800000, 172800000)), 1))), 1, 1)) AS `usual2d`,
  mapFromArrays(tupleElement(sumMapIf([`e`.`kind`], [1], ({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 1 AND 172800000 + positiveModulo({p0_Int64:Int64} - 172800000, 172800000)), 1), arrayMap(c -> accurateCast(c, 'Int32'), tupleElement(sumMapIf([`e`.`kind`], [1], ({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 1 AND 172800000 + positiveModulo({p0_Int64:Int64} - 172800000, 172800000)), 2))) AS `kinds2d`
FROM (
  SELECT `__event_id`, `__event_time`, `__known_at`, `__sequence`, `userId`, `amount`, `kind`
  FROM `events_visits`
) AS `e`
WHERE `e`.`__event_time` <= fromUnixTimestamp64Milli({p0_Int64:Int64}, 'UTC') AND `e`.`__known_at` <= fromUnixTimestamp64Milli({p0_Int64:Int64}, 'UTC')
GROUP BY `e`.`userId`
