import { cpSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { isGranaryError } from '@granary/contracts';
import type { Problem } from '../problem.js';
import { resolveSnapshot } from '../version/snapshot.js';
import { loadDefinitions } from './load.js';

const DOMAINS = ['marketplace', 'payments', 'movielens'];
const domain = (name: string): string => join(process.cwd(), '../../feature-defs', name, 'features.ts');
let dir: string;
beforeEach(() => void (dir = realpathSync(mkdtempSync(join(tmpdir(), 'granary-load-')))));
afterEach(() => rmSync(dir, { recursive: true }));

const write = (name: string, text: string): void => writeFileSync(join(dir, name), text);

async function problemsOf(): Promise<readonly Problem[]> {
  try {
    await loadDefinitions([dir]);
  } catch (error) {
    if (!isGranaryError(error, 'DEFINITION_INVALID')) throw error;
    return error.details['problems'] as Problem[];
  }
  throw new Error('nothing was wrong');
}

describe('loading', () => {
  it.each(DOMAINS)('%s: every declaration stands on the line its site says, outside the workspace too', async (name) => {
    cpSync(domain(name), join(dir, 'features.ts'));
    const definitions = await loadDefinitions([dir]);
    const lines = readFileSync(join(dir, 'features.ts'), 'utf8').split('\n');
    expect(definitions.length).toBeGreaterThanOrEqual(7);
    for (const { name: declared, site } of definitions) {
      expect(site?.file).toBe(join(dir, 'features.ts'));
      expect(lines[site!.line - 1]).toContain(`('${declared}', `);
    }
  });

  it.each(['50% (copy)', '100%', 'a%20b', 'über & ünter #1?'])('a folder named %p works: places are right, files import each other, mistakes are placed', async (folder) => {
    const strange = join(dir, folder);
    mkdirSync(strange);
    cpSync(domain('payments'), join(strange, 'features.ts'));
    writeFileSync(join(strange, 'again.ts'), `import { customer } from './features.js';\nexport const again = customer;\n`);
    const definitions = await loadDefinitions([strange]);
    const lines = readFileSync(join(strange, 'features.ts'), 'utf8').split('\n');
    expect(definitions).toHaveLength(8);
    for (const { kind, name, site } of definitions) {
      expect(site?.file).toBe(join(strange, 'features.ts'));
      expect(lines[site!.line - 1]).toContain(`${kind}('${name}'`);
    }
    writeFileSync(join(strange, 'wrong.ts'), `import { entity, t } from '@granary/sdk';\nexport const a = entity('User', { id: t.int64 });\n`);
    writeFileSync(join(strange, 'worse.ts'), `\nexport const b = JSON.parse('null').x;\n`);
    expect(await problemsOf()).toMatchObject([
      { id: 'DEF-003', file: join(strange, 'worse.ts'), line: 2 },
      { id: 'DEF-004', file: join(strange, 'wrong.ts'), line: 2 },
    ]);
  });

  it('the three domains together make one snapshot', async () => {
    const snapshot = resolveSnapshot(await loadDefinitions(DOMAINS.map(domain)));
    expect(snapshot.views).toHaveLength(6 + 2 + 4);
    expect(snapshot.scorers.map((each) => each.name)).toEqual(['score_transaction']);
  });

  it('follows what declarations use, imports between files, cycles and re-exports, each declaration once', async () => {
    write('entities.ts', `import { entity, t } from '@granary/sdk';\nimport { helper } from './helper.js';\nexport const user = entity('user', { id: t.int64 });\nexport const late = () => helper;\n`);
    write('helper.ts', `import { user } from './entities.js';\nexport const helper = () => user;\n`);
    write('views.ts', `import { count, featureView, source, t } from '@granary/sdk';\nimport { user } from './entities.js';\nconst hidden = source('events', { fields: { id: t.int64, at: t.timestamp }, eventTime: 'at' });\nexport const sizes = [featureView('sizes', { entity: user, source: hidden, features: () => ({ n: count().over('1d') }) })];\n`);
    write('notes.mjs', 'export const nothing = 1;\n');
    write('ignored.spec.ts', 'throw new Error("a test");\n');
    write('again.ts', `export { user } from './entities.js';\n`);
    expect((await loadDefinitions([dir, join(dir, 'views.ts')])).map((each) => each.name).sort()).toEqual(['events', 'sizes', 'user']);
  });

  it('reads files again when they changed', async () => {
    write('a.ts', `import { entity, t } from '@granary/sdk';\nexport const a = entity('before', { id: t.int64 });\n`);
    expect((await loadDefinitions([dir]))[0]?.name).toBe('before');
    write('a.ts', `import { entity, t } from '@granary/sdk';\nexport const a = entity('after', { id: t.int64 });\n`);
    expect((await loadDefinitions([dir]))[0]?.name).toBe('after');
  });

  it('tells every mistake of every file at once, with its place and what to do', async () => {
    write('a-syntax.ts', `import { entity, t } from '@granary/sdk';\n\nexport const user = entity('user', { userId: t.int64 ;\n`);
    write('b-import.ts', `\nimport { nothing } from './nowhere';\nexport const x = nothing;\n`);
    write('c-throws.ts', `type A = {\n  a: 1;\n};\nconst a = JSON.parse('null') as { b: A };\nexport const c = a.b;\n`);
    write('d-refused.ts', `import { entity, t } from '@granary/sdk';\ninterface Long {\n  a: 1;\n}\nexport const user = entity('User', { userId: t.int64 });\n`);
    write('e-invalid.ts', `import { entity, t } from '@granary/sdk';\n\nexport const e = entity('thing', { id: t.float64 });\n`);
    write('f-imports-d.ts', `import { user } from './d-refused.js';\nexport const again = user;\n`);
    write('g-foreign.ts', `export const g = { kind: 'entity', name: 'g', definition: { kind: 'entity', name: 'g', keys: [] }, uses: [] };\n`);
    const problems = await problemsOf();
    expect(problems.map(({ id, file, line }) => [id, file.slice(dir.length + 1), line])).toEqual([
      ['DEF-001', 'a-syntax.ts', 3],
      ['DEF-002', 'b-import.ts', 2],
      ['DEF-003', 'c-throws.ts', 5],
      ['DEF-004', 'd-refused.ts', 5],
      ['DEF-030', 'e-invalid.ts', 3],
      ['DEF-005', 'g-foreign.ts', 1],
    ]);
    expect(problems[3]).toMatchObject({ owner: 'entity "User"', message: 'not a name', todo: expect.stringContaining('lower-case') });
  });

  it('calls what it does not understand by its name', async () => {
    write('a.ts', `const features = [{ name: 'clicks', type: { kind: 'int32' } }];\nexport const v = { kind: 'featureView', name: 'v', definition: { kind: 'featureView', name: 'v', entity: 'user', source: 'ev', keyFields: ['id'], ttlMs: null, features }, uses: [] };\n`);
    expect(await problemsOf()).toMatchObject([{ id: 'DEF-005', owner: 'featureView v', message: expect.stringContaining('(features.clicks.aggregate: ') }]);
  });

  it('places a refused option that has no declaration of its own', async () => {
    write('a.ts', `import { trending } from '@granary/sdk';\n\nexport const g = trending({ halfLife: 'soon' as '1d' });\n`);
    expect(await problemsOf()).toMatchObject([{ id: 'DEF-004', file: join(dir, 'a.ts'), line: 3 }]);
  });

  it('tells in plain words what the SDK refuses that only a type check would have', async () => {
    const head = `import { count, ease, entity, featureView, recommender, source, sum, t } from '@granary/sdk';\nconst user = entity('user', { id: t.int64 });\nconst item = entity('item', { itemId: t.int64 });\nconst ev = source('ev', { fields: { id: t.int64, itemId: t.int64, at: t.timestamp }, eventTime: 'at' });\n`;
    write('a.ts', `${head}export const v = featureView('v', { entity: user, source: ev, features: (e) => ({ c: sum(e.nope).over('1d') }) });\n`);
    write('b.ts', `${head}export const v = featureView('w', { entity: user, source: ev, features: () => ({ c: count() }) });\n`);
    write('c.ts', `${head}export const r = recommender('r', { user, item, interactions: ev, generators: [ease({ lambda: 0 })] });\n`);
    expect(await problemsOf()).toMatchObject([
      { id: 'DEF-004', line: 5, owner: 'feature view v', message: 'the source ev has no field nope', todo: 'It has id, itemId, at.' },
      { id: 'DEF-004', line: 5, owner: 'feature view w', message: 'c has no window', todo: "Add .over('7d')." },
      { id: 'DEF-004', line: 5, owner: 'recommender r', message: 'ease has a lambda of 0', todo: expect.stringContaining('above 0') },
    ]);
  });

  it('says when there is nothing to load', async () => {
    await expect(loadDefinitions([join(dir, 'missing')])).rejects.toMatchObject({ code: 'DEFINITION_NOT_FOUND', message: expect.stringContaining('no such file') });
    mkdirSync(join(dir, 'empty'));
    await expect(loadDefinitions([join(dir, 'empty')])).rejects.toMatchObject({ code: 'DEFINITION_NOT_FOUND', todo: expect.any(String) });
    write('a.ts', 'export const a = 1;\n');
    await expect(loadDefinitions([dir])).rejects.toMatchObject({ code: 'DEFINITION_NOT_FOUND', message: expect.stringContaining('no declarations') });
  });
});
