-- {"p0_String":"view","p1_String":"purchase","p2_String":"cart"}
SELECT
  `s`.`userId` AS `userId`,
  `s`.`itemId` AS `itemId`,
  if(`v0`.`__seen` IS NULL OR toUnixTimestamp64Milli(`v0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 7776000000, NULL, ifNull(`v0`.`views1d`, 0)) AS `views1d`,
  multiIf(`v0`.`__seen` IS NULL, 'missing', toUnixTimestamp64Milli(`v0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 7776000000, 'expired', isNull(ifNull(`v0`.`views1d`, 0)), 'null', 'present') AS `views1d__state`,
  if(`v0`.`__seen` IS NULL OR toUnixTimestamp64Milli(`v0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 7776000000, NULL, ifNull(`v0`.`views7d`, 0)) AS `views7d`,
  multiIf(`v0`.`__seen` IS NULL, 'missing', toUnixTimestamp64Milli(`v0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 7776000000, 'expired', isNull(ifNull(`v0`.`views7d`, 0)), 'null', 'present') AS `views7d__state`,
  if(`v0`.`__seen` IS NULL OR toUnixTimestamp64Milli(`v0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 7776000000, NULL, ifNull(`v0`.`views30d`, 0)) AS `views30d`,
  multiIf(`v0`.`__seen` IS NULL, 'missing', toUnixTimestamp64Milli(`v0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 7776000000, 'expired', isNull(ifNull(`v0`.`views30d`, 0)), 'null', 'present') AS `views30d__state`,
  if(`v0`.`__seen` IS NULL OR toUnixTimestamp64Milli(`v0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 7776000000, NULL, ifNull(`v0`.`purchases7d`, 0)) AS `purchases7d`,
  multiIf(`v0`.`__seen` IS NULL, 'missing', toUnixTimestamp64Milli(`v0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 7776000000, 'expired', isNull(ifNull(`v0`.`purchases7d`, 0)), 'null', 'present') AS `purchases7d__state`,
  if(`v0`.`__seen` IS NULL OR toUnixTimestamp64Milli(`v0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 7776000000, NULL, ifNull(`v0`.`purchases30d`, 0)) AS `purchases30d`,
  multiIf(`v0`.`__seen` IS NULL, 'missing', toUnixTimestamp64Milli(`v0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 7776000000, 'expired', isNull(ifNull(`v0`.`purchases30d`, 0)), 'null', 'present') AS `purchases30d__state`,
  if(`v0`.`__seen` IS NULL OR toUnixTimestamp64Milli(`v0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 7776000000, NULL, ifNull(`v0`.`spend30d`, toFloat64(0))) AS `spend30d`,
  multiIf(`v0`.`__seen` IS NULL, 'missing', toUnixTimestamp64Milli(`v0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 7776000000, 'expired', isNull(ifNull(`v0`.`spend30d`, toFloat64(0))), 'null', 'present') AS `spend30d__state`,
  if(`v0`.`__seen` IS NULL OR toUnixTimestamp64Milli(`v0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 7776000000, NULL, if(ifNull(`v0`.`priceSeen7d__count`, 0) = 0, NULL, `v0`.`priceSeen7d__sum` / `v0`.`priceSeen7d__count`)) AS `priceSeen7d`,
  multiIf(`v0`.`__seen` IS NULL, 'missing', toUnixTimestamp64Milli(`v0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 7776000000, 'expired', isNull(if(ifNull(`v0`.`priceSeen7d__count`, 0) = 0, NULL, `v0`.`priceSeen7d__sum` / `v0`.`priceSeen7d__count`)), 'null', 'present') AS `priceSeen7d__state`,
  if(`v0`.`__seen` IS NULL OR toUnixTimestamp64Milli(`v0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 7776000000, NULL, if(ifNull(`v0`.`priceSeen30d__count`, 0) = 0, NULL, `v0`.`priceSeen30d__sum` / `v0`.`priceSeen30d__count`)) AS `priceSeen30d`,
  multiIf(`v0`.`__seen` IS NULL, 'missing', toUnixTimestamp64Milli(`v0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 7776000000, 'expired', isNull(if(ifNull(`v0`.`priceSeen30d__count`, 0) = 0, NULL, `v0`.`priceSeen30d__sum` / `v0`.`priceSeen30d__count`)), 'null', 'present') AS `priceSeen30d__state`,
  if(`v0`.`__seen` IS NULL OR toUnixTimestamp64Milli(`v0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 7776000000, NULL, `v0`.`lastPrice30d`) AS `lastPrice30d`,
  multiIf(`v0`.`__seen` IS NULL, 'missing', toUnixTimestamp64Milli(`v0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 7776000000, 'expired', isNull(`v0`.`lastPrice30d`), 'null', 'present') AS `lastPrice30d__state`,
  if(`v1`.`__seen` IS NULL, NULL, ifNull(`v1`.`itemViews1d`, 0)) AS `itemViews1d`,
  multiIf(`v1`.`__seen` IS NULL, 'missing', isNull(ifNull(`v1`.`itemViews1d`, 0)), 'null', 'present') AS `itemViews1d__state`,
  if(`v1`.`__seen` IS NULL, NULL, ifNull(`v1`.`itemViews7d`, 0)) AS `itemViews7d`,
  multiIf(`v1`.`__seen` IS NULL, 'missing', isNull(ifNull(`v1`.`itemViews7d`, 0)), 'null', 'present') AS `itemViews7d__state`,
  if(`v1`.`__seen` IS NULL, NULL, ifNull(`v1`.`itemViews30d`, 0)) AS `itemViews30d`,
  multiIf(`v1`.`__seen` IS NULL, 'missing', isNull(ifNull(`v1`.`itemViews30d`, 0)), 'null', 'present') AS `itemViews30d__state`,
  if(`v1`.`__seen` IS NULL, NULL, ifNull(`v1`.`itemCarts7d`, 0)) AS `itemCarts7d`,
  multiIf(`v1`.`__seen` IS NULL, 'missing', isNull(ifNull(`v1`.`itemCarts7d`, 0)), 'null', 'present') AS `itemCarts7d__state`,
  if(`v1`.`__seen` IS NULL, NULL, ifNull(`v1`.`itemPurchases1d`, 0)) AS `itemPurchases1d`,
  multiIf(`v1`.`__seen` IS NULL, 'missing', isNull(ifNull(`v1`.`itemPurchases1d`, 0)), 'null', 'present') AS `itemPurchases1d__state`,
  if(`v1`.`__seen` IS NULL, NULL, ifNull(`v1`.`itemPurchases7d`, 0)) AS `itemPurchases7d`,
  multiIf(`v1`.`__seen` IS NULL, 'missing', isNull(ifNull(`v1`.`itemPurchases7d`, 0)), 'null', 'present') AS `itemPurchases7d__state`,
  if(`v1`.`__seen` IS NULL, NULL, ifNull(`v1`.`itemPurchases30d`, 0)) AS `itemPurchases30d`,
  multiIf(`v1`.`__seen` IS NULL, 'missing', isNull(ifNull(`v1`.`itemPurchases30d`, 0)), 'null', 'present') AS `itemPurchases30d__state`,
  if(`v2`.`__seen` IS NULL, NULL, `v2`.`price`) AS `price`,
  multiIf(`v2`.`__seen` IS NULL, 'missing', isNull(`v2`.`price`), 'null', 'present') AS `price__state`
FROM `spine_ranking` AS `s`
LEFT JOIN (
  SELECT
    `p`.`userId` AS `userId`,
    `p`.`__time` AS `__time`,
    max(`e`.`__event_time`) AS `__seen`,
    accurateCast(countIf((toUnixTimestamp64Milli(`p`.`__time`) - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 1 AND 86400000 AND `e`.`kind` = {p0_String:String}), 'Int32') AS `views1d`,
    accurateCast(countIf((toUnixTimestamp64Milli(`p`.`__time`) - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 1 AND 604800000 AND `e`.`kind` = {p0_String:String}), 'Int32') AS `views7d`,
    accurateCast(countIf((toUnixTimestamp64Milli(`p`.`__time`) - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 1 AND 2592000000 AND `e`.`kind` = {p0_String:String}), 'Int32') AS `views30d`,
    accurateCast(countIf((toUnixTimestamp64Milli(`p`.`__time`) - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 1 AND 604800000 AND `e`.`kind` = {p1_String:String}), 'Int32') AS `purchases7d`,
    accurateCast(countIf((toUnixTimestamp64Milli(`p`.`__time`) - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 1 AND 2592000000 AND `e`.`kind` = {p1_String:String}), 'Int32') AS `purchases30d`,
    sumOrNullIf(toFloat64(`e`.`price`), (toUnixTimestamp64Milli(`p`.`__time`) - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 1 AND 2592000000 AND `e`.`kind` = {p1_String:String}) AS `spend30d`,
    sumOrNullIf(toFloat64(`e`.`price`), (toUnixTimestamp64Milli(`p`.`__time`) - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 1 AND 604800000) AS `priceSeen7d__sum`,
    accurateCast(countIf((toUnixTimestamp64Milli(`p`.`__time`) - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 1 AND 604800000), 'Int32') AS `priceSeen7d__count`,
    sumOrNullIf(toFloat64(`e`.`price`), (toUnixTimestamp64Milli(`p`.`__time`) - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 1 AND 2592000000) AS `priceSeen30d__sum`,
    accurateCast(countIf((toUnixTimestamp64Milli(`p`.`__time`) - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 1 AND 2592000000), 'Int32') AS `priceSeen30d__count`,
    argMaxOrNullIf(`e`.`price`, (`e`.`__event_time`, `e`.`__known_at`, `e`.`__sequence`), (toUnixTimestamp64Milli(`p`.`__time`) - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 1 AND 2592000000) AS `lastPrice30d`
  FROM (
    SELECT `__event_id`, `__event_time`, `__known_at`, `__sequence`, `userId`, `kind`, `price`
    FROM `events_interactions`
  ) AS `e`
  INNER JOIN (
    SELECT DISTINCT `userId`, `__time`
    FROM `spine_ranking`
  ) AS `p` ON `e`.`userId` = `p`.`userId`
  WHERE `e`.`__event_time` <= `p`.`__time` AND `e`.`__known_at` <= `p`.`__time`
  GROUP BY `p`.`userId`, `p`.`__time`
) AS `v0` ON `s`.`userId` = `v0`.`userId` AND `s`.`__time` = `v0`.`__time`
LEFT JOIN (
  SELECT
    `p`.`itemId` AS `itemId`,
    `p`.`__time` AS `__time`,
    max(`e`.`__event_time`) AS `__seen`,
    accurateCast(countIf((toUnixTimestamp64Milli(`p`.`__time`) - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 1 AND 86400000 AND `e`.`kind` = {p0_String:String}), 'Int32') AS `itemViews1d`,
    accurateCast(countIf((toUnixTimestamp64Milli(`p`.`__time`) - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 1 AND 604800000 AND `e`.`kind` = {p0_String:String}), 'Int32') AS `itemViews7d`,
    accurateCast(countIf((toUnixTimestamp64Milli(`p`.`__time`) - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 1 AND 2592000000 AND `e`.`kind` = {p0_String:String}), 'Int32') AS `itemViews30d`,
    accurateCast(countIf((toUnixTimestamp64Milli(`p`.`__time`) - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 1 AND 604800000 AND `e`.`kind` = {p2_String:String}), 'Int32') AS `itemCarts7d`,
    accurateCast(countIf((toUnixTimestamp64Milli(`p`.`__time`) - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 1 AND 86400000 AND `e`.`kind` = {p1_String:String}), 'Int32') AS `itemPurchases1d`,
    accurateCast(countIf((toUnixTimestamp64Milli(`p`.`__time`) - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 1 AND 604800000 AND `e`.`kind` = {p1_String:String}), 'Int32') AS `itemPurchases7d`,
    accurateCast(countIf((toUnixTimestamp64Milli(`p`.`__time`) - toUnixTimestamp64Milli(`e`.`__event_time`)) BETWEEN 1 AND 2592000000 AND `e`.`kind` = {p1_String:String}), 'Int32') AS `itemPurchases30d`
  FROM (
    SELECT `__event_id`, `__event_time`, `__known_at`, `__sequence`, `itemId`, `kind`
    FROM `events_interactions`
  ) AS `e`
  INNER JOIN (
    SELECT DISTINCT `itemId`, `__time`
    FROM `spine_ranking`
  ) AS `p` ON `e`.`itemId` = `p`.`itemId`
  WHERE `e`.`__event_time` <= `p`.`__time` AND `e`.`__known_at` <= `p`.`__time`
  GROUP BY `p`.`itemId`, `p`.`__time`
) AS `v1` ON `s`.`itemId` = `v1`.`itemId` AND `s`.`__time` = `v1`.`__time`
LEFT JOIN (
  SELECT
    `p`.`itemId` AS `itemId`,
    `p`.`__time` AS `__time`,
    max(`e`.`__event_time`) AS `__seen`,
    tupleElement(argMax(tuple(`e`.`price`), (`e`.`__event_time`, `e`.`__known_at`, `e`.`__sequence`)), 1) AS `price`
  FROM (
    SELECT `__event_id`, `__event_time`, `__known_at`, `__sequence`, `itemId`, `price`, leadInFrame(toNullable(`__known_at`)) OVER (PARTITION BY `__event_id` ORDER BY `__known_at`, `__sequence` ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS `__superseded_at`
    FROM `events_items`
  ) AS `e`
  INNER JOIN (
    SELECT DISTINCT `itemId`, `__time`
    FROM `spine_ranking`
  ) AS `p` ON `e`.`itemId` = `p`.`itemId`
  WHERE `e`.`__event_time` <= `p`.`__time` AND `e`.`__known_at` <= `p`.`__time` AND (`e`.`__superseded_at` IS NULL OR `e`.`__superseded_at` > `p`.`__time`)
  GROUP BY `p`.`itemId`, `p`.`__time`
) AS `v2` ON `s`.`itemId` = `v2`.`itemId` AND `s`.`__time` = `v2`.`__time`
ORDER BY `s`.`__row`
