import { describe, expect, it } from '@jest/globals';
import type { Aggregate, Definition, Derived, FeatureService, FeatureView, Scorer, Source } from '@granary/contracts';
import { count, entity, featureService, featureView, scorer, source, t } from '@granary/sdk';
import { aggregate, bank, DAY, field } from '../bank.fixture.js';
import { renderChecks } from '../diff/render.js';
import type { Problem } from '../problem.js';
import { shop } from '../shop.fixture.js';
import { validateDefinitions } from '../validate/validate.js';
import { checkDefinitions } from './check.js';

type Mutable<T> = T extends object ? { -readonly [K in keyof T]: Mutable<T[K]> } : T;
interface Bank {
  readonly transfers: Mutable<Source>;
  readonly daily: Mutable<Source>;
  readonly enriched: Mutable<Source>;
  readonly view: Mutable<FeatureView>;
  readonly days: Mutable<FeatureView>;
  readonly habits: Mutable<FeatureView>;
  readonly amounts: Mutable<Derived>;
  readonly alarms: Mutable<Derived>;
  readonly service: Mutable<FeatureService>;
  readonly scorer: Mutable<Scorer>;
}

/** What is found in the bank after a change that leaves it valid. */
function found(change: (bank: Bank) => unknown): readonly Problem[] {
  const definitions = bank();
  const named = (name: string): never => definitions.find((each) => each.name === name) as never;
  change({ transfers: named('transfers'), daily: named('daily'), enriched: named('enriched_transfers'), view: named('account_transfers'), days: named('account_days'), habits: named('account_habits'), amounts: named('amounts'), alarms: named('alarms'), service: named('transfer_risk'), scorer: named('score_transfer') });
  expect(validateDefinitions(definitions)).toEqual([]);
  return checkDefinitions(definitions);
}
const told = (problems: readonly Problem[]): readonly string[] => problems.map((each) => `${each.severity} ${each.id} ${each.owner}`);
/** The delayed feature `frauds`, which the scorer's service reads, with another aggregate. */
const frauds = (of: Partial<Aggregate>, type?: object) => (it: Bank): void => {
  const feature = it.view.features.find((each) => each.name === 'frauds')!;
  Object.assign(feature.aggregate, of);
  if (type !== undefined) Object.assign(feature, { type });
};
const window = (delayMs: number, bounds: '[)' | '(]', includeRequest = false) => ({ sizeMs: 30 * DAY, delayMs, bounds, includeRequest });
const amount = { kind: 'float64' } as const;

describe('LEAK-001', () => {
  const leaks = (change: (bank: Bank) => unknown): readonly string[] => told(found(change)).filter((each) => each.includes('LEAK'));
  const error = ['error LEAK-001 scorer score_transfer'];
  const warning = ['warning LEAK-001 scorer score_transfer'];

  it('is silent where windows end before a label is known', () => {
    expect(leaks(() => undefined)).toEqual([]);
    expect(leaks(frauds({ window: window(7 * DAY - 1, '[)') }))).toEqual([]);
    expect(leaks((it) => ((it.scorer.labelDelayMs = 0), frauds({ window: window(0, '[)') })(it)))).toEqual([]);
  });

  it('finds windows that reach closer, by a millisecond too', () => {
    expect(leaks(frauds({ window: window(0, '[)') }))).toEqual(error);
    expect(leaks(frauds({ window: window(7 * DAY - 1, '(]') }))).toEqual(error);
    expect(leaks(frauds({ window: window(7 * DAY - 2, '[)') }))).toEqual(error);
    expect(leaks((it) => ((it.scorer.labelDelayMs = 0), frauds({ window: window(0, '(]') })(it)))).toEqual(error);
  });

  it('finds the newest label', () => {
    expect(leaks(frauds({ fn: 'latest', window: null }, { kind: 'bool' }))).toEqual(error);
  });

  it('finds labels in conditions, and none in features that read none', () => {
    expect(leaks(frauds({ fn: 'sum', column: 'amount', where: field('fraud'), window: window(0, '[)') }))).toEqual(error);
    expect(leaks(frauds({ fn: 'ratio', column: null, predicate: field('fraud'), window: window(0, '[)') }))).toEqual(error);
    expect(leaks(frauds({ fn: 'avg', column: 'amount', window: window(0, '[)') }))).toEqual([]);
  });

  it('finds a label that is asked for, and a window that includes it', () => {
    const asked = (it: Bank): unknown => it.service.request.push({ name: 'fraud', type: { kind: 'bool' } });
    expect(leaks(asked)).toEqual(error);
    expect(leaks((it) => (asked(it), frauds({ window: window(7 * DAY, '[)', true) })(it)))).toEqual([...error, ...error]);
  });

  it('finds labels behind derived features', () => {
    const derive = (it: Bank): void => {
      it.service.views[0]!.features = ['sent7d'];
      it.amounts.features[0]!.expression = field('frauds', 'sender') as never;
    };
    expect(leaks((it) => (derive(it), frauds({ window: window(0, '[)') })(it)))).toEqual(error);
    expect(leaks(derive)).toEqual([]);
  });

  it('finds labels behind a view over another view, whose delays add up', () => {
    const chain = (it: Bank): void => {
      it.alarms.inputs[1] = { kind: 'view', view: 'account_habits', keys: { accountId: 'senderId' } };
      it.alarms.features[0]!.expression = { kind: 'call', fn: 'gt', args: [field('share', 'amounts'), field('usualSent', 'account_habits')] } as never;
      it.view.features.find((each) => each.name === 'sent7d')!.aggregate.where = field('fraud') as never;
      it.service.views = [{ ...it.service.views[1]!, features: ['recent'] }];
      it.amounts.features = [it.amounts.features[0]!, { name: 'both', type: amount, expression: field('amount') as never }];
      it.amounts.features[0]!.expression = field('amount') as never;
    };
    expect(leaks(chain)).toEqual(error);
    expect(leaks((it) => (chain(it), (it.habits.features[0]!.aggregate.window!.delayMs = 7 * DAY)))).toEqual([]);
  });

  it('warns where a query that names the label stands in between', () => {
    const query = (select: string) => (it: Bank): void => void (it.daily.computed = { kind: 'sql', sql: `SELECT senderId AS accountId, at AS day, ${select} AS total FROM {{transfers}}`, inputs: ['transfers'] });
    expect(leaks(query('sumIf(amount, fraud)'))).toEqual(warning);
    expect(leaks(query('amount'))).toEqual([]);
    expect(leaks((it) => (query('sumIf(amount, fraud)')(it), (it.days.features[0]!.aggregate.window!.delayMs = 7 * DAY)))).toEqual([]);
  });

  it('leaves it to known-at where a label is a correction that has one', () => {
    const known = (corrected: boolean) => (it: Bank): void => {
      frauds({ window: window(0, '[)') })(it);
      Object.assign(it.transfers, { knownAt: 'at' }, corrected ? { corrected } : {});
      it.enriched.knownAt = 'at';
    };
    expect(told(found(known(true)))).toEqual([]);
    expect(told(found(known(false)))).toEqual(warning);
  });

  it('says where, whose, what and the way out', () => {
    const site = { file: '/defs/features.ts', line: 31 };
    const problems = found((it) => (frauds({ window: window(0, '[)') })(it), (it.view.site = site)));
    expect(problems[0]).toEqual({
      id: 'LEAK-001',
      severity: 'error',
      ...site,
      owner: 'scorer score_transfer',
      message: 'its label fraud leaks through account_transfers.frauds, which reads it of events only 1ms old; a label is known 7d after its event',
      todo: "use delay: '7d'",
    });
    expect(renderChecks(problems.slice(0, 1), { color: false })).toBe(
      "! LEAK-001  scorer score_transfer: its label fraud leaks through account_transfers.frauds, which reads it of events only 1ms old; a label is known 7d after its event\n  /defs/features.ts:31   use delay: '7d'\n\n1 error, which apply refuses\n",
    );
    expect(renderChecks([], { color: true })).toBe('');
    expect(renderChecks(problems, { color: true })).toContain('\u001b[31m!\u001b[0m LEAK-001');
  });
});

describe('TIME-001', () => {
  const times = (definitions: readonly Definition[]): readonly string[] => told(checkDefinitions(definitions)).filter((each) => each.includes('TIME'));
  const corrected = (more: object): readonly Definition[] => shop().map((each) => (each.name === 'events' ? { ...each, corrected: true, ...more } : each)) as Definition[];

  it('finds corrections of no one knows when', () => {
    expect(times(corrected({}))).toEqual(['error TIME-001 source events']);
    expect(times(corrected({ knownAt: 'at' }))).toEqual([]);
    expect(times(shop())).toEqual([]);
  });

  it('warns of labels that others than the scorer read as known at event time, and not where that leaks', () => {
    const apart = (it: Bank): unknown => (it.service.views[0]!.features = ['sent7d']);
    const early = frauds({ window: window(0, '[)') });
    expect(told(found((it) => (apart(it), early(it))))).toEqual(['warning TIME-001 feature view account_transfers']);
    expect(told(found(early))).toEqual(['error LEAK-001 scorer score_transfer']);
    expect(told(found(apart))).toEqual([]);
    expect(told(found((it) => (apart(it), early(it), (it.scorer.labelDelayMs = 0))))).toEqual([]);
    expect(told(found((it) => (apart(it), early(it), (it.transfers.knownAt = 'at'), (it.enriched.knownAt = 'at'))))).toEqual([]);
  });
});

describe('HIST-001', () => {
  const history = (days: number): readonly string[] => told(found((it) => (it.transfers.retentionMs = days * DAY))).filter((each) => each.includes('HIST'));

  it('finds windows that with their delay are longer than events are kept, and warns of those over all of history', () => {
    expect(history(37)).toEqual(['warning HIST-001 feature view account_transfers']);
    expect(history(36)).toEqual(['error HIST-001 feature view account_transfers', 'warning HIST-001 feature view account_transfers']);
  });

  it('is silent of what the newest events alone decide', () => {
    const forever = { sizeMs: null, delayMs: 0, bounds: '[)', includeRequest: false } as const;
    const kept = (it: Bank): unknown => ((it.transfers.retentionMs = 37 * DAY), (it.view.features = it.view.features.filter((each) => each.name !== 'weight')));
    expect(told(found(kept))).toEqual([]);
    expect(told(found((it) => (kept(it), (it.view.features.find((each) => each.name === 'recent')!.aggregate.window = { ...forever }))))).toEqual([]);
  });

  it('sees through computed sources', () => {
    expect(history(6)).toEqual(expect.arrayContaining(['error HIST-001 feature view account_days', 'error HIST-001 feature view account_habits']));
    const size = (view: Mutable<FeatureView>, days: number): unknown => view.features.forEach(({ aggregate: { window } }) => window !== null && ((window.sizeMs = days * DAY), (window.delayMs = 0)));
    const habits = (days: number): readonly string[] => told(found((it) => ((it.transfers.retentionMs = 30 * DAY), size(it.view, 20), size(it.habits, days)))).filter((each) => each.includes('HIST'));
    // What is read of an event 10 days ago reaches back 30.
    expect(habits(10)).toEqual([]);
    expect(habits(15)).toEqual(['error HIST-001 feature view account_habits']);
    expect(told(checkDefinitions(bank())).filter((each) => each.includes('HIST'))).toEqual([]);
  });
});

describe('SIZE-001', () => {
  const unbounded = (fn: Aggregate['fn'], column: string, sizeMs: number | null, includeRequest: boolean): readonly string[] =>
    told(found((it) => {
      const feature = it.view.features.find((each) => each.name === 'partners')!;
      feature.aggregate = aggregate(fn, column, { window: { sizeMs, delayMs: 0, bounds: '[)', includeRequest } }) as never;
    })).filter((each) => each.includes('SIZE'));

  it('warns of state that grows for ever', () => {
    expect(unbounded('countDistinct', 'receiverId', null, false)).toEqual(['warning SIZE-001 feature view account_transfers']);
  });

  it('is silent with a window, for few values, and of a sketch', () => {
    expect(unbounded('approxCountDistinct', 'receiverId', null, true)).toEqual([]);
    expect(unbounded('countDistinct', 'receiverId', 7 * DAY, true)).toEqual([]);
    expect(unbounded('countDistinct', 'kind', null, true)).toEqual([]);
  });
});

it('a label of another scorer\'s events is none of this one', () => {
  const user = entity('user', { userId: t.int64 });
  const fields = { id: t.string, userId: t.int64, fraud: t.bool, at: t.timestamp };
  const [a, b] = ['a', 'b'].map((name) => source(name, { fields, eventId: 'id', eventTime: 'at' }));
  const view = featureView('v', { entity: user, source: a!, features: (e) => ({ n: count().where(e.fraud.eq(true)).over('7d') }) });
  const service = featureService('s', [view]);
  const definitions = (events: typeof a): Definition[] => [user, a!, b!, view, service, scorer('x', { service, events: events!, label: 'fraud', labelDelay: '7d' })].map((each) => each.definition);
  expect(told(checkDefinitions(definitions(b)))).toEqual([]);
  expect(told(checkDefinitions(definitions(a)))).toEqual(['error LEAK-001 scorer x']);
});
