-- {"p0_String":"view","p1_String":"purchase","p2_String":"cart"}
SELECT
  `s`.`userId` AS `userId`,
  `s`.`itemId` AS `itemId`,
  if(`b0`.`__seen` IS NULL OR toUnixTimestamp64Milli(`b0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 7776000000, NULL, ifNull(`b0`.`user_activity$views1d`, 0)) AS `views1d`,
  multiIf(`b0`.`__seen` IS NULL, 'missing', toUnixTimestamp64Milli(`b0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 7776000000, 'expired', 'present') AS `views1d__state`,
  if(`b0`.`__seen` IS NULL OR toUnixTimestamp64Milli(`b0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 7776000000, NULL, ifNull(`b0`.`user_activity$views7d`, 0)) AS `views7d`,
  multiIf(`b0`.`__seen` IS NULL, 'missing', toUnixTimestamp64Milli(`b0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 7776000000, 'expired', 'present') AS `views7d__state`,
  if(`b0`.`__seen` IS NULL OR toUnixTimestamp64Milli(`b0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 7776000000, NULL, ifNull(`b0`.`user_activity$views30d`, 0)) AS `views30d`,
  multiIf(`b0`.`__seen` IS NULL, 'missing', toUnixTimestamp64Milli(`b0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 7776000000, 'expired', 'present') AS `views30d__state`,
  if(`b0`.`__seen` IS NULL OR toUnixTimestamp64Milli(`b0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 7776000000, NULL, ifNull(`b0`.`user_activity$purchases7d`, 0)) AS `purchases7d`,
  multiIf(`b0`.`__seen` IS NULL, 'missing', toUnixTimestamp64Milli(`b0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 7776000000, 'expired', 'present') AS `purchases7d__state`,
  if(`b0`.`__seen` IS NULL OR toUnixTimestamp64Milli(`b0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 7776000000, NULL, ifNull(`b0`.`user_activity$purchases30d`, 0)) AS `purchases30d`,
  multiIf(`b0`.`__seen` IS NULL, 'missing', toUnixTimestamp64Milli(`b0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 7776000000, 'expired', 'present') AS `purchases30d__state`,
  if(`b0`.`__seen` IS NULL OR toUnixTimestamp64Milli(`b0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 7776000000, NULL, ifNotFinite(ifNull(`b0`.`user_activity$spend30d`, toFloat64(0)), NULL)) AS `spend30d`,
  multiIf(`b0`.`__seen` IS NULL, 'missing', toUnixTimestamp64Milli(`b0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 7776000000, 'expired', isNull(ifNotFinite(ifNull(`b0`.`user_activity$spend30d`, toFloat64(0)), NULL)), 'null', 'present') AS `spend30d__state`,
  if(`b0`.`__seen` IS NULL OR toUnixTimestamp64Milli(`b0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 7776000000, NULL, ifNotFinite(`b0`.`user_activity$priceSeen7d__sum` / `b0`.`user_activity$priceSeen7d__count`, NULL)) AS `priceSeen7d`,
  multiIf(`b0`.`__seen` IS NULL, 'missing', toUnixTimestamp64Milli(`b0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 7776000000, 'expired', isNull(ifNotFinite(`b0`.`user_activity$priceSeen7d__sum` / `b0`.`user_activity$priceSeen7d__count`, NULL)), 'null', 'present') AS `priceSeen7d__state`,
  if(`b0`.`__seen` IS NULL OR toUnixTimestamp64Milli(`b0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 7776000000, NULL, ifNotFinite(`b0`.`user_activity$priceSeen30d__sum` / `b0`.`user_activity$priceSeen30d__count`, NULL)) AS `priceSeen30d`,
  multiIf(`b0`.`__seen` IS NULL, 'missing', toUnixTimestamp64Milli(`b0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 7776000000, 'expired', isNull(ifNotFinite(`b0`.`user_activity$priceSeen30d__sum` / `b0`.`user_activity$priceSeen30d__count`, NULL)), 'null', 'present') AS `priceSeen30d__state`,
  if(`b0`.`__seen` IS NULL OR toUnixTimestamp64Milli(`b0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 7776000000, NULL, `b0`.`user_activity$lastPrice30d`) AS `lastPrice30d`,
  multiIf(`b0`.`__seen` IS NULL, 'missing', toUnixTimestamp64Milli(`b0`.`__seen`) < toUnixTimestamp64Milli(`s`.`__time`) - 7776000000, 'expired', isNull(`b0`.`user_activity$lastPrice30d`), 'null', 'present') AS `lastPrice30d__state`,
  if(`b1`.`__seen` IS NULL, NULL, ifNull(`b1`.`item_demand$itemViews1d`, 0)) AS `itemViews1d`,
  multiIf(`b1`.`__seen` IS NULL, 'missing', 'present') AS `itemViews1d__state`,
  if(`b1`.`__seen` IS NULL, NULL, ifNull(`b1`.`item_demand$itemViews7d`, 0)) AS `itemViews7d`,
  multiIf(`b1`.`__seen` IS NULL, 'missing', 'present') AS `itemViews7d__state`,
  if(`b1`.`__seen` IS NULL, NULL, ifNull(`b1`.`item_demand$itemViews30d`, 0)) AS `itemViews30d`,
  multiIf(`b1`.`__seen` IS NULL, 'missing', 'present') AS `itemViews30d__state`,
  if(`b1`.`__seen` IS NULL, NULL, ifNull(`b1`.`item_demand$itemCarts7d`, 0)) AS `itemCarts7d`,
  multiIf(`b1`.`__seen` IS NULL, 'missing', 'present') AS `itemCarts7d__state`,
  if(`b1`.`__seen` IS NULL, NULL, ifNull(`b1`.`item_demand$itemPurchases1d`, 0)) AS `itemPurchases1d`,
  multiIf(`b1`.`__seen` IS NULL, 'missing', 'present') AS `itemPurchases1d__state`,
  if(`b1`.`__seen` IS NULL, NULL, ifNull(`b1`.`item_demand$itemPurchases7d`, 0)) AS `itemPurchases7d`,
  multiIf(`b1`.`__seen` IS NULL, 'missing', 'present') AS `itemPurchases7d__state`,
  if(`b1`.`__seen` IS NULL, NULL, ifNull(`b1`.`item_demand$itemPurchases30d`, 0)) AS `itemPurchases30d`,
  multiIf(`b1`.`__seen` IS NULL, 'missing', 'present') AS `itemPurchases30d__state`,
  if(`b2`.`__seen` IS NULL, NULL, `b2`.`item_catalogue$price`) AS `price`,
  multiIf(`b2`.`__seen` IS NULL, 'missing', isNull(`b2`.`item_catalogue$price`), 'null', 'present') AS `price__state`
FROM `spine_ranking` AS `s`
LEFT JOIN (
  SELECT *
  FROM (
    SELECT
      `e`.`__row` AS `__row`,
      maxOrNullIf(`e`.`__event_time`, `e`.`__row` = 0) OVER `w3` AS `__seen`,
      accurateCast(countIf(`e`.`__row` = 0 AND `e`.`kind` = {p0_String:String}) OVER `w0`, 'Int32') AS `user_activity$views1d`,
      accurateCast(countIf(`e`.`__row` = 0 AND `e`.`kind` = {p0_String:String}) OVER `w1`, 'Int32') AS `user_activity$views7d`,
      accurateCast(countIf(`e`.`__row` = 0 AND `e`.`kind` = {p0_String:String}) OVER `w2`, 'Int32') AS `user_activity$views30d`,
      accurateCast(countIf(`e`.`__row` = 0 AND `e`.`kind` = {p1_String:String}) OVER `w1`, 'Int32') AS `user_activity$purchases7d`,
      accurateCast(countIf(`e`.`__row` = 0 AND `e`.`kind` = {p1_String:String}) OVER `w2`, 'Int32') AS `user_activity$purchases30d`,
      sumOrNullIf(toFloat64(`e`.`price`), `e`.`__row` = 0 AND `e`.`kind` = {p1_String:String}) OVER `w2` AS `user_activity$spend30d`,
      sumOrNullIf(toFloat64(`e`.`price`), `e`.`__row` = 0) OVER `w1` AS `user_activity$priceSeen7d__sum`,
      accurateCast(countIf(`e`.`__row` = 0) OVER `w1`, 'Int32') AS `user_activity$priceSeen7d__count`,
      sumOrNullIf(toFloat64(`e`.`price`), `e`.`__row` = 0) OVER `w2` AS `user_activity$priceSeen30d__sum`,
      accurateCast(countIf(`e`.`__row` = 0) OVER `w2`, 'Int32') AS `user_activity$priceSeen30d__count`,
      argMaxOrNullIf(`e`.`price`, (`e`.`__event_time`, `e`.`__known_at`, `e`.`__sequence`), `e`.`__row` = 0) OVER `w2` AS `user_activity$lastPrice30d`
    FROM (
      SELECT toUInt64(0) AS `__row`, `e`.`userId` AS `__key0`, toUnixTimestamp64Milli(`e`.`__event_time`) / 1024 AS `__position0`, toUnixTimestamp64Milli(`e`.`__event_time`) AS `__position1`, `e`.`__event_time` AS `__event_time`, `e`.`__known_at` AS `__known_at`, `e`.`__sequence` AS `__sequence`, `e`.`kind` AS `kind`, `e`.`price` AS `price`
      FROM (
        SELECT `__event_id`, `__event_time`, `__known_at`, `__sequence`, `userId`, `kind`, `price`
        FROM `events_interactions`
      ) AS `e`
      UNION ALL
      SELECT `q`.`__row` AS `__row`, `q`.`userId` AS `__key0`, (2 * toUnixTimestamp64Milli(`q`.`__time`) - 1) / 2048 AS `__position0`, toUnixTimestamp64Milli(`q`.`__time`) AS `__position1`, `q`.`__time` AS `__event_time`, `q`.`__time` AS `__known_at`, toUInt64(0) AS `__sequence`, defaultValueOfTypeName('String') AS `kind`, defaultValueOfTypeName('Float64') AS `price`
      FROM `spine_ranking` AS `q`
    ) AS `e`
    WINDOW
      `w0` AS (PARTITION BY `e`.`__key0` ORDER BY `e`.`__position0` RANGE BETWEEN 84375 PRECEDING AND CURRENT ROW),
      `w1` AS (PARTITION BY `e`.`__key0` ORDER BY `e`.`__position0` RANGE BETWEEN 590625 PRECEDING AND CURRENT ROW),
      `w2` AS (PARTITION BY `e`.`__key0` ORDER BY `e`.`__position0` RANGE BETWEEN 2531250 PRECEDING AND CURRENT ROW),
      `w3` AS (PARTITION BY `e`.`__key0` ORDER BY `e`.`__position1` RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
  )
  WHERE `__row` != 0
) AS `b0` ON `s`.`__row` = `b0`.`__row`
LEFT JOIN (
  SELECT *
  FROM (
    SELECT
      `e`.`__row` AS `__row`,
      maxOrNullIf(`e`.`__event_time`, `e`.`__row` = 0) OVER `w3` AS `__seen`,
      accurateCast(countIf(`e`.`__row` = 0 AND `e`.`kind` = {p0_String:String}) OVER `w0`, 'Int32') AS `item_demand$itemViews1d`,
      accurateCast(countIf(`e`.`__row` = 0 AND `e`.`kind` = {p0_String:String}) OVER `w1`, 'Int32') AS `item_demand$itemViews7d`,
      accurateCast(countIf(`e`.`__row` = 0 AND `e`.`kind` = {p0_String:String}) OVER `w2`, 'Int32') AS `item_demand$itemViews30d`,
      accurateCast(countIf(`e`.`__row` = 0 AND `e`.`kind` = {p2_String:String}) OVER `w1`, 'Int32') AS `item_demand$itemCarts7d`,
      accurateCast(countIf(`e`.`__row` = 0 AND `e`.`kind` = {p1_String:String}) OVER `w0`, 'Int32') AS `item_demand$itemPurchases1d`,
      accurateCast(countIf(`e`.`__row` = 0 AND `e`.`kind` = {p1_String:String}) OVER `w1`, 'Int32') AS `item_demand$itemPurchases7d`,
      accurateCast(countIf(`e`.`__row` = 0 AND `e`.`kind` = {p1_String:String}) OVER `w2`, 'Int32') AS `item_demand$itemPurchases30d`
    FROM (
      SELECT toUInt64(0) AS `__row`, `e`.`itemId` AS `__key0`, toUnixTimestamp64Milli(`e`.`__event_time`) / 1024 AS `__position0`, toUnixTimestamp64Milli(`e`.`__event_time`) AS `__position1`, `e`.`__event_time` AS `__event_time`, `e`.`__known_at` AS `__known_at`, `e`.`__sequence` AS `__sequence`, `e`.`kind` AS `kind`
      FROM (
        SELECT `__event_id`, `__event_time`, `__known_at`, `__sequence`, `itemId`, `kind`
        FROM `events_interactions`
      ) AS `e`
      UNION ALL
      SELECT `q`.`__row` AS `__row`, `q`.`itemId` AS `__key0`, (2 * toUnixTimestamp64Milli(`q`.`__time`) - 1) / 2048 AS `__position0`, toUnixTimestamp64Milli(`q`.`__time`) AS `__position1`, `q`.`__time` AS `__event_time`, `q`.`__time` AS `__known_at`, toUInt64(0) AS `__sequence`, defaultValueOfTypeName('String') AS `kind`
      FROM `spine_ranking` AS `q`
    ) AS `e`
    WINDOW
      `w0` AS (PARTITION BY `e`.`__key0` ORDER BY `e`.`__position0` RANGE BETWEEN 84375 PRECEDING AND CURRENT ROW),
      `w1` AS (PARTITION BY `e`.`__key0` ORDER BY `e`.`__position0` RANGE BETWEEN 590625 PRECEDING AND CURRENT ROW),
      `w2` AS (PARTITION BY `e`.`__key0` ORDER BY `e`.`__position0` RANGE BETWEEN 2531250 PRECEDING AND CURRENT ROW),
      `w3` AS (PARTITION BY `e`.`__key0` ORDER BY `e`.`__position1` RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
  )
  WHERE `__row` != 0
) AS `b1` ON `s`.`__row` = `b1`.`__row`
ASOF LEFT JOIN (
  SELECT
    `e`.`itemId` AS `__key0`,
    toDecimal128(toUnixTimestamp64Milli(`e`.`__event_time`), 0) * 10000000000000 + `e`.`__sequence` AS `__order`,
    `e`.`__event_time` AS `__seen`,
    `e`.`price` AS `item_catalogue$price`
  FROM (
    SELECT `__event_id`, `__event_time`, `__known_at`, `__sequence`, `itemId`, `price`, leadInFrame(toNullable(`__known_at`)) OVER (PARTITION BY `__event_id` ORDER BY `__known_at`, `__sequence` ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING) AS `__superseded_at`
    FROM `events_items`
  ) AS `e`
  WHERE `e`.`__superseded_at` IS NULL
) AS `b2` ON `s`.`itemId` = `b2`.`__key0` AND toDecimal128(toUnixTimestamp64Milli(`s`.`__time`), 0) * 10000000000000 + 10000000000000 - 1 >= `b2`.`__order`
ORDER BY `s`.`__row`
