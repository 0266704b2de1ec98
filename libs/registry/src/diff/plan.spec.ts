import { describe, expect, it } from '@jest/globals';
import type { Definition, Snapshot } from '@granary/contracts';
import { bank } from '../bank.fixture.js';
import { shop } from '../shop.fixture.js';
import { resolveSnapshot } from '../version/snapshot.js';
import { addNotes, planChanges, type Change } from './plan.js';
import { renderPlan } from './render.js';

const base = resolveSnapshot(shop());
function edited(name: string, change: (definition: any) => void): Snapshot { // eslint-disable-line @typescript-eslint/no-explicit-any -- any: tests edit data of every kind
  const definitions = structuredClone(shop()) as Definition[];
  change(definitions.find((each) => each.name === name));
  return resolveSnapshot(definitions);
}
const changeOf = (after: Snapshot, name: string): Change => planChanges(base, after).find((each) => each.name === name)!;
const text = (changes: readonly Change[]): string => renderPlan(changes, { color: false });

describe('a plan', () => {
  it('of the same definitions is empty', () => {
    expect(planChanges(base, base)).toEqual([]);
    expect(text([])).toBe('no changes\n');
  });

  it('names windows, versions and who reads the view', () => {
    const after = edited('activity', (view) => {
      view.features[2].aggregate.window.sizeMs /= 2;
      view.ttlMs /= 3;
    });
    const [before, now] = [base, after].map((each) => each.views[0]!.version);
    expect(changeOf(after, 'activity')).toEqual({
      sign: '~',
      kind: 'featureView',
      name: 'activity',
      incompatible: false,
      version: { before, after: now },
      notes: ['ttl 90d → 30d', 'spend30d: window 30d → 15d', `new version ${now} (was ${before})`, 'ranking, risk read it', `for_you, score_sale keep version ${before} until retrained`],
    });
  });

  it('sees a rename where only the name differs', () => {
    const after = resolveSnapshot(JSON.parse(JSON.stringify(shop()).replaceAll('"buys7d"', '"bought7d"')) as Definition[]);
    expect(changeOf(after, 'activity').notes[0]).toBe('feature buys7d renamed to bought7d');
  });

  it('flags what stored events do not fit', () => {
    const after = edited('events', (source) => source.fields.push({ name: 'shop', type: { kind: 'string' }, nullable: false }));
    expect(changeOf(after, 'events')).toMatchObject({ incompatible: true, notes: ['incompatible: field shop string added, which stored events lack'] });
    const wider = edited('events', (source) => source.fields.push({ name: 'shop', type: { kind: 'string' }, nullable: true }));
    expect(changeOf(wider, 'events')).toMatchObject({ incompatible: false, notes: ['field shop string or null added'] });
  });

  it('names formulas, parameters, origins and aliases', () => {
    const old = resolveSnapshot(bank());
    const noted = (name: string, a: string, b: string): readonly string[] => {
      const definitions = bank().map((each) => (each.name === name ? (JSON.parse(JSON.stringify(each).replaceAll(a, b)) as Definition) : each));
      return planChanges(old, resolveSnapshot(definitions)).find((each) => each.name === name)!.notes;
    };
    expect(noted('amounts', '"div"', '"mul"')).toEqual(['share: amount ÷ sender.sent7d → amount × sender.sent7d', 'transfer_risk reads it', 'score_transfer keeps the old one until retrained']);
    expect(noted('account_transfers', '"n":5', '"n":6')).toEqual(expect.arrayContaining(['recent: values 5 → 6', 'transfer_risk reads it']));
    expect(noted('account_transfers', '"fraction":0.5', '"fraction":0.9')[0]).toBe('median: fraction 0.5 → 0.9');
    expect(noted('account_transfers', '"halfLifeMs":86400000', '"halfLifeMs":3600000')[0]).toBe('weight: half-life 1d → 1h');
    expect(noted('account_transfers', '"wire"', '"card"')[0]).toBe("wired: share of kind = 'wire' → kind = 'card'");
    expect(noted('daily', 'toStartOfDay', 'toStartOfHour')).toEqual(['another query']);
    expect(noted('transfers', '"file":null', '"file":null,"retentionMs":8640000000')).toEqual(['kept for ever → 100d']);
    expect(noted('transfer_risk', '"receiverId"', '"senderId"')).toEqual(['reads account_transfers as receiver for accountId = receiverId → account_transfers as receiver for accountId = senderId']);
    const without = resolveSnapshot(bank().filter((each) => each.kind !== 'derived').map((each) => (each.kind === 'featureService' ? { ...each, derived: [] } : each)));
    expect(planChanges(old, without).map((each) => [each.sign, each.name, ...each.notes])).toEqual([
      ['-', 'alarms', 'was read by transfer_risk, score_transfer'],
      ['-', 'amounts', 'was read by transfer_risk, score_transfer'],
      ['~', 'transfer_risk', 'without alarms.alarm'],
    ]);
  });

  it('takes notes of others', () => {
    expect(addNotes(planChanges(null, base), (change) => (change.kind === 'featureView' ? ['scans 12.4M rows'] : []))[3]!.notes).toContain('scans 12.4M rows');
  });

  it('reads like this', () => {
    expect(text(planChanges(null, base))).toMatchSnapshot();
    expect(text(planChanges(null, resolveSnapshot(bank())))).toMatchSnapshot('of a bank');
    const after = edited('for_you', (it) => (it.weight.values.buy = 7));
    expect(text(planChanges(base, after))).toMatchSnapshot();
    expect(text(planChanges(base, { ...base, scorers: [] }))).toMatchSnapshot();
    expect(renderPlan(planChanges(base, { ...base, scorers: [] }), { color: true })).toContain('\u001b[31m-\u001b[0m scorer');
  });
});
