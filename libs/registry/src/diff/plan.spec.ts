import { describe, expect, it } from '@jest/globals';
import type { Definition, Snapshot } from '@granary/contracts';
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

  it('takes notes of others', () => {
    expect(addNotes(planChanges(null, base), (change) => (change.kind === 'featureView' ? ['scans 12.4M rows'] : []))[3]!.notes).toContain('scans 12.4M rows');
  });

  it('reads like this', () => {
    expect(text(planChanges(null, base))).toMatchSnapshot();
    const after = edited('for_you', (it) => (it.weight.values.buy = 7));
    expect(text(planChanges(base, after))).toMatchSnapshot();
    expect(text(planChanges(base, { ...base, scorers: [] }))).toMatchSnapshot();
    expect(renderPlan(planChanges(base, { ...base, scorers: [] }), { color: true })).toContain('\u001b[31m-\u001b[0m scorer');
  });
});
