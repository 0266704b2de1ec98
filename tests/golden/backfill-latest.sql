-- {"p0_Int64":1768003200000}
SELECT
  `e`.`userId` AS `userId`,
  fromUnixTimestamp64Milli({p0_Int64:Int64}, 'UTC') AS `__as_of`,
  max(`e`.`__event_time`) AS `__event_time`,
  max(`e`.`__sequence`) AS `__sequence`,
  tupleElement(argMax(tuple(`e`.`amount`), (`e`.`__event_time`, `e`.`__known_at`, `e`.`__sequence`)), 1) AS `amount`,
  tupleElement(argMax(tuple(`e`.`tags`), (`e`.`__event_time`, `e`.`__known_at`, `e`.`__sequence`)), 1) AS `tags`
FROM (
  SELECT `__event_id`, `__event_time`, `__known_at`, `__sequence`, `userId`, `amount`, `tags`
  FROM `events_visits`
) AS `e`
WHERE `e`.`__event_time` <= fromUnixTimestamp64Milli({p0_Int64:Int64}, 'UTC') AND `e`.`__known_at` <= fromUnixTimestamp64Milli({p0_Int64:Int64}, 'UTC')
GROUP BY `e`.`userId`
