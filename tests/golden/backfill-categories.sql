-- {"p0_Int64":1768003200000}
SELECT
  `e`.`userId` AS `userId`,
  fromUnixTimestamp64Milli({p0_Int64:Int64}, 'UTC') AS `__as_of`,
  max(`e`.`__event_time`) AS `__event_time`,
  max(`e`.`__sequence`) AS `__sequence`,
  accurateCast(uniqExactIf(`e`.`kind`, ({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 0 AND 345600000), 'Int32') AS `different4d`,
  accurateCast(arrayMap(hashes -> if(length(hashes) < 1024, toFloat64(length(hashes)), floor(9214364837600034816 / arraySort(if(length(hashes) < 1024, [], hashes))[1024] + 0.5)), [arrayMap((dense, sparse) -> if(length(dense) < 524288, dense, sparse), [groupUniqArrayIf(524288)((murmurHash3_32(reinterpretAsFixedString(`e`.`coins`)) * 2097152 + bitShiftRight(murmurHash3_32(concat('salt', reinterpretAsFixedString(`e`.`coins`))), 11)), ({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 0 AND 345600000)], [groupUniqArrayIf((murmurHash3_32(reinterpretAsFixedString(`e`.`coins`)) * 2097152 + bitShiftRight(murmurHash3_32(concat('salt', reinterpretAsFixedString(`e`.`coins`))), 11)), murmurHash3_32(reinterpretAsFixedString(`e`.`coins`)) < 16777216 AND ({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 0 AND 345600000)])[1]])[1], 'Int32') AS `nearly4d`,
  arrayMap(x -> x.2, arraySlice(arraySort(x -> (-toInt64(x.1), x.2), arrayZip(tupleElement(sumMapIf([`e`.`kind`], [1], ({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 0 AND 345600000), 2), tupleElement(sumMapIf([`e`.`kind`], [1], ({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 0 AND 345600000), 1))), 1, 1)) AS `top4d`,
  mapFromArrays(tupleElement(sumMapIf([`e`.`kind`], [1], ({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 0 AND 345600000), 1), arrayMap(c -> accurateCast(c, 'Int32'), tupleElement(sumMapIf([`e`.`kind`], [1], ({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 0 AND 345600000), 2))) AS `kinds4d`,
  quantileExactInclusiveOrNullIf(0.5)(toFloat64(`e`.`amount`), `e`.`amount` IS NOT NULL AND ({p0_Int64:Int64} - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 0 AND 345600000) AS `median4d`
FROM (
  SELECT `__event_id`, `__event_time`, `__known_at`, `__sequence`, `userId`, `kind`, `coins`, `amount`
  FROM `events_visits`
) AS `e`
WHERE `e`.`__event_time` <= fromUnixTimestamp64Milli({p0_Int64:Int64}, 'UTC') AND `e`.`__known_at` <= fromUnixTimestamp64Milli({p0_Int64:Int64}, 'UTC')
GROUP BY `e`.`userId`
