import type { Recommender, Scorer } from '@granary/contracts';
import { describe, expect, it } from '@jest/globals';
import { selectModels } from './select-models.js';

const recommender = (name: string): Recommender => ({ kind: 'recommender', name, user: 'u', item: 'i', interactions: 'e', weight: null, generators: [{ kind: 'ease', lambda: 1 }], ranker: null, rules: [] });
const scorer: Scorer = { kind: 'scorer', name: 'fraud', service: 's', events: 'e', label: 'l', labelDelayMs: 0 };
const snapshot = { recommenders: [recommender('for_you'), recommender('similar')], scorers: [scorer] };

describe('selectModels', () => {
  it.each([
    [[], ['for_you', 'similar', 'fraud']],
    [['fraud', 'similar', 'fraud'], ['similar', 'fraud']],
  ])('%j are %j: recommenders first, each once', (names, expected) => {
    expect(selectModels(snapshot, names).map((each) => each.name)).toEqual(expected);
  });

  it('refuses a name that is neither a recommender nor a scorer, and says which there are', () => {
    const refused = { code: 'UNKNOWN_MODEL', message: 'There is no recommender or scorer nobody', todo: 'Name one of for_you, similar, fraud.' };
    expect(() => selectModels(snapshot, ['for_you', 'nobody'])).toThrow(expect.objectContaining(refused));
    expect(() => selectModels({ recommenders: [], scorers: [] }, ['x'])).toThrow(expect.objectContaining({ todo: 'Name one of (none is declared).' }));
  });
});
