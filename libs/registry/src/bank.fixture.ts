import type { Aggregate, AggregateFunction, Definition, Expression, FieldType, Source } from '@granary/contracts';

const int64 = { kind: 'int64' } as const;
const int32 = { kind: 'int32' } as const;
const float64 = { kind: 'float64' } as const;
const text = { kind: 'string' } as const;
const bool = { kind: 'bool' } as const;
const instant = { kind: 'timestamp' } as const;
const kinds = { kind: 'enum' as const, values: ['card', 'wire'] };
export const DAY = 86_400_000;

export const field = (name: string, of?: string): Expression => ({ kind: 'field', name, ...(of === undefined ? {} : { of }) });
export const value = (it: number | string | boolean, type: FieldType = float64): Expression => ({ kind: 'literal', type, value: it });
export const call = (fn: Extract<Expression, { kind: 'call' }>['fn'], ...args: Expression[]): Expression => ({ kind: 'call', fn, args });
export const aggregate = (fn: AggregateFunction, column: string | null, more: Partial<Aggregate> = {}): Aggregate => ({
  fn,
  column,
  where: null,
  window: { sizeMs: 7 * DAY, delayMs: 0, bounds: '[)', includeRequest: false },
  default: null,
  ...more,
});
const fields = (types: Readonly<Record<string, FieldType>>, nullable: readonly string[] = []): Source['fields'] => Object.entries(types).map(([name, type]) => ({ name, type, nullable: nullable.includes(name) }));

const transfer = { id: text, senderId: int64, receiverId: int64, amount: float64, kind: kinds, fraud: bool, at: instant };
const sender = { view: 'account_transfers', alias: 'sender', keys: { accountId: 'senderId' } };
const receiver = { view: 'account_transfers', alias: 'receiver', keys: { accountId: 'receiverId' } };

/** A valid set with what `shop` lacks: every aggregate, aliases, derived views on each other, computed sources, a view over a view. For tests. */
export function bank(): readonly Definition[] {
  return structuredClone<Definition[]>([
    { kind: 'entity', name: 'account', keys: [{ name: 'accountId', type: int64 }] },
    { kind: 'source', name: 'transfers', fields: fields(transfer), eventId: ['id'], eventTime: 'at', knownAt: null, file: null },
    {
      kind: 'source',
      name: 'daily',
      fields: fields({ accountId: int64, day: instant, total: float64 }),
      eventId: ['accountId', 'day'],
      eventTime: 'day',
      knownAt: null,
      file: null,
      computed: { kind: 'sql', sql: "-- per day;\nSELECT senderId AS accountId, toStartOfDay(at) AS day, sum(amount) AS total, ';' AS semicolon FROM {{transfers}} -- {{others}}\nGROUP BY ALL", inputs: ['transfers'] },
    },
    {
      kind: 'source',
      name: 'enriched_transfers',
      fields: fields({ ...transfer, senderSent7d: float64, senderRecent: { kind: 'array', of: float64 } }, ['senderSent7d']),
      eventId: ['id'],
      eventTime: 'at',
      knownAt: null,
      file: null,
      computed: { kind: 'enriched', events: 'transfers', views: [{ ...sender, features: ['sent7d', 'recent'] }] },
    },
    {
      kind: 'featureView',
      name: 'account_transfers',
      entity: 'account',
      source: 'transfers',
      keyFields: ['senderId'],
      ttlMs: 90 * DAY,
      features: [
        { name: 'sent7d', type: float64, aggregate: aggregate('sum', 'amount') },
        { name: 'spread', type: float64, aggregate: aggregate('stddevSample', 'amount') },
        { name: 'partners', type: int32, aggregate: aggregate('countDistinct', 'receiverId') },
        { name: 'recent', type: { kind: 'array', of: float64 }, aggregate: aggregate('lastN', 'amount', { n: 5 }) },
        { name: 'usual', type: { kind: 'array', of: int64 }, aggregate: aggregate('topK', 'receiverId', { n: 3 }) },
        { name: 'kinds', type: { kind: 'map', of: int32 }, aggregate: aggregate('countBy', 'kind') },
        { name: 'wired', type: float64, aggregate: aggregate('ratio', null, { predicate: call('eq', field('kind'), value('wire', kinds)) }) },
        { name: 'perDay', type: float64, aggregate: aggregate('rate', null, { unitMs: DAY }) },
        { name: 'median', type: float64, aggregate: aggregate('percentile', 'amount', { fraction: 0.5 }) },
        { name: 'weight', type: float64, aggregate: aggregate('decayedSum', 'amount', { halfLifeMs: DAY, window: { sizeMs: null, delayMs: 0, bounds: '[)', includeRequest: false } }) },
        { name: 'nightly', type: int32, aggregate: aggregate('count', null, { where: call('lt', call('hour', field('at'), value('Europe/Berlin', text)), value(6, int32)) }) },
        { name: 'since', type: float64, aggregate: aggregate('timeSinceLast', null) },
        { name: 'frauds', type: float64, aggregate: aggregate('avg', 'fraud', { window: { sizeMs: 30 * DAY, delayMs: 7 * DAY, bounds: '(]', includeRequest: false } }) },
      ],
    },
    { kind: 'featureView', name: 'account_days', entity: 'account', source: 'daily', keyFields: ['accountId'], ttlMs: null, features: [{ name: 'busiest', type: float64, aggregate: aggregate('max', 'total') }] },
    { kind: 'featureView', name: 'account_habits', entity: 'account', source: 'enriched_transfers', keyFields: ['senderId'], ttlMs: null, features: [{ name: 'usualSent', type: float64, aggregate: aggregate('avg', 'senderSent7d') }] },
    {
      kind: 'derived',
      name: 'amounts',
      inputs: [{ kind: 'view', ...sender }, { kind: 'view', ...receiver }],
      request: [{ name: 'amount', type: float64 }],
      features: [
        { name: 'share', type: float64, expression: call('div', field('amount'), field('sent7d', 'sender')) },
        { name: 'both', type: float64, expression: call('add', field('sent7d', 'sender'), field('sent7d', 'receiver')) },
      ],
    },
    {
      kind: 'derived',
      name: 'alarms',
      inputs: [{ kind: 'derived', derived: 'amounts' }, { kind: 'view', view: 'account_days', keys: { accountId: 'senderId' } }],
      request: [],
      features: [{ name: 'alarm', type: bool, expression: call('gt', field('share', 'amounts'), field('busiest', 'account_days')) }],
    },
    {
      kind: 'featureService',
      name: 'transfer_risk',
      views: [{ ...sender, features: ['sent7d', 'frauds'] }, { ...receiver, features: ['sent7d', 'recent'] }],
      derived: [{ derived: 'alarms', features: ['alarm'] }],
      request: [{ name: 'amount', type: float64 }],
    },
    { kind: 'scorer', name: 'score_transfer', service: 'transfer_risk', events: 'transfers', label: 'fraud', labelDelayMs: 7 * DAY },
  ]);
}
