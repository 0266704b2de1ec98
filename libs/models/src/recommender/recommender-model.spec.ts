import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Value } from '@granary/contracts';
import { ArtifactStore } from '../artifacts/artifact-store.js';
import type { Files } from '../artifacts/files.js';
import { createInteractions, rowOf, type Interactions } from '../interactions.js';
import { rank } from '../ranking/ranker.js';
import { initTensorflow } from '../tensorflow/backend.js';
import { indexOf } from '../vocabulary.js';
import { randomEvents, tasteFeatures, interactionsOf } from './events.testing.js';
import { loadRecommender, saveRecommender, type RecommenderModel } from './recommender-model.js';
import { retrieve } from './retrieve.js';
import { trainRecommender } from './train-recommender.js';

const GENERATORS = [
  { kind: 'trending', halfLifeMs: 3_000 },
  { kind: 'itemToItem', neighbours: 30, shrinkage: 2 },
  { kind: 'ease', lambda: 20 },
] as const;
type Saved = Omit<RecommenderModel, 'generators'>;

async function trained(interactions: Interactions, withRanker: boolean): Promise<Saved> {
  const features = withRanker ? tasteFeatures(interactions) : null;
  const { generators, ranker, featureNames } = await trainRecommender(interactions, { generators: GENERATORS, asOf: 10_000, features, seed: 1 });
  return { kind: 'recommender', asOf: 10_000, users: interactions.users, items: interactions.items, history: interactions.byUser, retrieval: generators, ranker, featureNames };
}

const decode = (bytes: Uint8Array): { header: Record<string, unknown>; arrays: Record<string, unknown> } => JSON.parse(new TextDecoder().decode(bytes)) as never;
const encode = (content: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(content));

describe('a saved recommender', () => {
  let model: Saved;
  let files: Record<string, Uint8Array>;
  beforeAll(async () => {
    await initTensorflow();
    model = await trained(interactionsOf(randomEvents(5, { users: 30, items: 40, events: 500 })), true);
    files = await saveRecommender(model);
  });

  it('comes back to the bit, through an artifact store too, and answers alike', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'granary-recommender-'));
    try {
      const store = new ArtifactStore(dir);
      const loaded = await loadRecommender(await store.get(await store.put(files)));
      expect(await saveRecommender(loaded)).toEqual(files);
      expect(await store.put(await saveRecommender(loaded))).toBe(await store.put(files));
      const original = await loadRecommender(files);
      for (const user of [0, 7, 29]) {
        const history = rowOf(model.history, user);
        const [a, b] = [original, loaded].map((each) => retrieve(each.generators, history, history, 20));
        expect(a).toEqual(b);
        const features = { features: new Float32Array(a!.items.length * 2).fill(0.5), mask: new Uint8Array(a!.items.length * 2).fill(1) };
        expect(rank(loaded.ranker!, { ...features, retrieval: b!.scores }, b!.items.length)).toEqual(rank(model.ranker!, { ...features, retrieval: a!.scores }, a!.items.length));
      }
      expect(loaded).toMatchObject({ asOf: 10_000, featureNames: ['sameTaste', 'noise'] });
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });

  it('needs no ranker, and keeps ids of every type', async () => {
    const ids: Value[] = [9_007_199_254_740_993n, ['é', 12], 'a b', -1.5, true];
    const interactions = createInteractions({ users: [...ids, ...ids], items: [...ids, ...[...ids].reverse()], times: ids.concat(ids).map((_, i) => i) });
    const loaded = await loadRecommender(await saveRecommender(await trained(interactions, false)));
    expect(loaded.ranker).toBeNull();
    ids.forEach((id, i) => expect([indexOf(loaded.users, id), indexOf(loaded.items, id)]).toEqual([i, i]));
    expect([...rowOf(loaded.history, 0)]).toEqual([0, 4]);
  });

  const spoilt: readonly (readonly [string, (files: Record<string, Uint8Array>) => void])[] = [
    ['no model.json', (f) => delete f['model.json']],
    ['no JSON', (f) => (f['model.json'] = encode('x').subarray(1))],
    ['another kind of model', (f) => (f['model.json'] = encode({ header: { kind: 'scorer' }, arrays: {} }))],
    ['no arrays', (f) => (f['model.json'] = encode({ header: decode(f['model.json']!).header }))],
    ...(
      [
        ['asOf', '2026'], ['asOf', undefined],
        ['hasRanker', 'yes'], ['hasRanker', undefined],
        ['featureNames', 'sameTaste'], ['featureNames', [1, 2]], ['featureNames', ['sameTaste']], ['featureNames', undefined],
        ['retrieval', undefined], ['retrieval', ['trending', 'itemToItem', 'magic']], ['retrieval', ['trending', 'itemToItem']], ['retrieval', ['trending', 'itemToItem', 'ease', 'ease']],
      ] as const
    ).map(([field, value]) => [`${field} ${JSON.stringify(value)}`, (f: Record<string, Uint8Array>) => {
      const { header, arrays } = decode(f['model.json']!);
      f['model.json'] = encode({ header: { ...header, [field]: value }, arrays });
    }] as const),
    ['a cut history', (f) => (f['historyItems.bin'] = f['historyItems.bin']!.subarray(4))],
    ['a history of items that there are not', (f) => (f['historyItems.bin'] = f['historyItems.bin']!.slice().fill(120))],
    ['a history of other users', (f) => f['historyOffsets.bin']!.fill(255, 4, 8)],
    ['a user less', (f) => withoutLast(f, 'users/model.json')],
    ['an item less', (f) => withoutLast(f, 'items/model.json')],
    ['an id twice', (f) => setKeys(f, 'users/model.json', (keys) => keys.map(() => 'n1'))],
    ['an id that is no number', (f) => setKeys(f, 'users/model.json', (keys) => ['lx', ...keys.slice(1)])],
    ['no generator', (f) => delete f['retrieval-1/model.json']],
    ['no ranker', (f) => delete f['ranker/model.json']],
    ['no network', (f) => delete f['ranker/network/network.bin']],
  ];
  it.each(spoilt)('is refused as corrupt with %s', async (_, spoil) => {
    const copy = Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, bytes.slice()]));
    spoil(copy);
    await expect(loadRecommender(copy as Files)).rejects.toMatchObject({ code: 'ARTIFACT_CORRUPT', todo: 'Train the model again.' });
  });
});

function setKeys(files: Record<string, Uint8Array>, name: string, change: (keys: string[]) => string[]): void {
  const { header, arrays } = decode(files[name]!);
  files[name] = encode({ header: { ...header, keys: change(header['keys'] as string[]) }, arrays });
}

function withoutLast(files: Record<string, Uint8Array>, name: string): void {
  setKeys(files, name, (keys) => keys.slice(0, -1));
}
