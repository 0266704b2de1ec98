import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { appendFile, mkdtemp, readdir, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInteractions, rowOf } from '../interactions.js';
import { createRandom } from '../random.js';
import { trainEase } from '../retrieval/ease.js';
import { trainItemToItem } from '../retrieval/item-to-item.js';
import { trainTrending } from '../retrieval/trending.js';
import { ArtifactStore } from './artifact-store.js';
import { filesIn, nestFiles } from './files.js';
import { createGenerator, loadRetrieval, loadVocabulary, saveRetrieval, saveVocabulary } from './model-files.js';

const FILES = { 'model.json': new TextEncoder().encode('{}'), 'ease/weights.bin': Uint8Array.of(1, 2, 3), empty: new Uint8Array(0) };

describe('artifact store', () => {
  let dir: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'granary-artifacts-'));
  });
  afterEach(() => rm(dir, { recursive: true, force: true }));

  it('gives back what was put, under a hash of the content alone', async () => {
    const store = new ArtifactStore(join(dir, 'new', 'folder'));
    const hash = await store.put(FILES);
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(await store.get(hash)).toEqual(FILES);
    expect(await store.put(Object.fromEntries(Object.entries(FILES).reverse()))).toBe(hash);
    expect(await store.put({ ...FILES, empty: Uint8Array.of(0) })).not.toBe(hash);
    const { empty, ...rest } = FILES;
    expect(await store.put({ ...rest, other: empty })).not.toBe(hash);
  });

  it('leaves nothing but whole artifacts, also when many put the same at once', async () => {
    const hashes = await Promise.all(Array.from({ length: 8 }, () => new ArtifactStore(dir).put(FILES)));
    expect(new Set(hashes).size).toBe(1);
    expect(await readdir(dir)).toEqual([hashes[0]]);
    await expect(new ArtifactStore(dir).put({ '../outside': Uint8Array.of(1) })).rejects.toThrow('no name');
    expect(await readdir(dir)).toEqual([hashes[0]]);
  });

  const damages: [string, (root: string) => Promise<void>][] = [
    ['a flipped byte', (root) => writeFile(join(root, 'files/ease/weights.bin'), Uint8Array.of(1, 2, 4))],
    ['a longer file', (root) => appendFile(join(root, 'files/empty'), 'x')],
    ['a shorter file', (root) => truncate(join(root, 'files/model.json'), 1)],
    ['a lost file', (root) => rm(join(root, 'files/empty'))],
    ['another manifest', (root) => appendFile(join(root, 'manifest.json'), ' ')],
  ];
  it.each(damages)('notices %s, and mends it when put again', async (_name, damage) => {
    const store = new ArtifactStore(dir);
    const hash = await store.put(FILES);
    await damage(join(dir, hash));
    await expect(store.get(hash)).rejects.toMatchObject({ code: 'ARTIFACT_CORRUPT' });
    expect(await store.put(FILES)).toBe(hash);
    expect(await store.get(hash)).toEqual(FILES);
    expect(await readdir(dir)).toEqual([hash]);
  });

  it('tells what it does not have', async () => {
    const store = new ArtifactStore(dir);
    await expect(store.get('0'.repeat(64))).rejects.toMatchObject({ code: 'FILE_NOT_FOUND' });
    await expect(store.get('../etc')).rejects.toMatchObject({ code: 'INVALID_VALUE' });
  });

  it('keeps generators to the bit, together in one artifact', async () => {
    const seed = Number(process.env['SEED']);
    const random = createRandom(seed);
    const column = (n: number) => Array.from({ length: 600 }, () => random.integer(n));
    const x = createInteractions({ users: column(40), items: column(50).map(BigInt), times: column(1000) });
    const models = [trainTrending(x, { halfLifeMs: 100, asOf: 900 }), await trainItemToItem(x), await trainEase(x, { lambda: 3 })];
    const store = new ArtifactStore(dir);
    const parts = models.map((model) => nestFiles(model.kind, saveRetrieval(model)));
    const hash = await store.put(Object.assign({}, nestFiles('items', saveVocabulary(x.items)), ...parts));
    const files = await store.get(hash);
    expect(loadVocabulary(filesIn('items', files))).toEqual(x.items);
    const all = x.items.keys.map((_, i) => i);
    for (const model of models) {
      const loaded = loadRetrieval(model.kind, filesIn(model.kind, files));
      expect(loaded).toEqual(model);
      for (let user = 0; user < 40; user++) {
        const history = rowOf(x.byUser, user % x.users.keys.length);
        expect(createGenerator(loaded).score(history, all)).toEqual(createGenerator(model).score(history, all));
        expect(createGenerator(loaded).candidates(history, 20, history)).toEqual(createGenerator(model).candidates(history, 20, history));
      }
    }
  });

  it('refuses files of another model, and files that do not fit', async () => {
    const x = createInteractions({ users: [1, 1], items: [1, 2], times: [1, 2] });
    const files = saveRetrieval(await trainEase(x));
    const code = expect.objectContaining({ code: 'ARTIFACT_CORRUPT' });
    expect(() => loadRetrieval('trending', files)).toThrow(code);
    expect(() => loadRetrieval('ease', { ...files, 'items.bin': new Uint8Array(3) })).toThrow(code);
    expect(() => loadRetrieval('ease', { ...files, 'model.json': new TextEncoder().encode('{') })).toThrow(code);
    expect(() => loadRetrieval('ease', {})).toThrow(code);
    expect(new TextDecoder().decode(files['model.json'])).toContain('"kind":"ease"');
  });
});
