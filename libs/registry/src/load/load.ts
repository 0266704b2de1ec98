import { readFileSync } from 'node:fs';
import { basename, extname } from 'node:path';
import {
  derivedSchema,
  entitySchema,
  featureServiceSchema,
  featureViewSchema,
  recommenderSchema,
  scorerSchema,
  sourceSchema,
  GranaryError,
  type Definition,
} from '@granary/contracts';
import { problemsError, type Problem } from '../problem.js';
import { validateDefinitions } from '../validate/validate.js';
import { canonicalJson } from '../version/canonical.js';
import { definitionFiles } from './discover.js';
import { loadProblem } from './failure.js';

const SCHEMAS = {
  entity: entitySchema,
  source: sourceSchema,
  featureView: featureViewSchema,
  derived: derivedSchema,
  featureService: featureServiceSchema,
  recommender: recommenderSchema,
  scorer: scorerSchema,
} as const;

/**
 * Evaluates the TypeScript and JavaScript modules of the given files and folders and collects the declarations they
 * export and whatever those refer to, as valid frozen definitions. Throws DEFINITION_INVALID with every problem of every
 * file in `details.problems`, and DEFINITION_NOT_FOUND for folders without any.
 */
export async function loadDefinitions(paths: readonly string[]): Promise<readonly Definition[]> {
  const files = definitionFiles(paths);
  const { modules, problems } = await evaluate(files);
  const collected = new Map<string, Definition>();
  const seen = new Set<object>();
  for (const [file, exports] of modules) for (const value of Object.values(exports)) collect(value, file);
  // What did load is validated too, so that one run tells everything. A broken file also brings its importers down: say it once.
  const all = [...problems, ...validateDefinitions([...collected.values()])];
  if (all.length > 0) throw problemsError([...new Map(all.map((problem) => [JSON.stringify(problem), problem])).values()]);
  if (collected.size === 0) {
    throw new GranaryError('DEFINITION_NOT_FOUND', `no declarations in ${paths.join(', ')}`, {
      todo: 'Export an entity, a source and a feature view from one of its files.',
      details: { paths, files },
    });
  }
  return [...collected.values()];

  function collect(value: unknown, file: string): void {
    if (typeof value !== 'object' || value === null || seen.has(value)) return;
    seen.add(value);
    if (Array.isArray(value)) return value.forEach((each) => collect(each, file));
    if (!isDeclaration(value)) return;
    const parsed = SCHEMAS[value.kind].safeParse(value.definition);
    if (parsed.success) {
      // Keyed by place and content: a module evaluated twice declares the same thing, two equal lines declare it twice.
      collected.set(canonicalJson(parsed.data), parsed.data);
    } else {
      const issue = parsed.error.issues[0];
      problems.push({
        id: 'DEF-005',
        severity: 'error',
        file: placeOf(value.definition)?.file ?? file,
        line: placeOf(value.definition)?.line ?? 1,
        owner: `${value.kind} ${value.name}`,
        message: `is not a declaration that this version understands (${pathOf(value.definition, issue?.path ?? [])}: ${issue?.message})`,
        todo: 'Declare it with the functions of @granary/sdk, of the version that Granary itself has.',
      });
    }
    value.uses.forEach((used) => collect(used, file));
  }
}

type Exports = Readonly<Record<string, unknown>>;

async function evaluate(files: readonly string[]): Promise<{ modules: (readonly [string, Exports])[]; problems: Problem[] }> {
  // Here, for a registry is mostly read, not loaded into.
  const [{ createJiti }, sdk] = await Promise.all([import('jiti'), import('@granary/sdk')]);
  // The SDK is ours wherever the folder lies. Lines stay where they are through transpilation, so that places are right.
  const jiti = createJiti(import.meta.url, {
    virtualModules: { '@granary/sdk': sdk },
    moduleCache: false,
    fsCache: false,
    interopDefault: false,
  });
  const cache: Record<string, NonNullable<typeof jiti.cache[string]>> = {};
  const modules: (readonly [string, Exports])[] = [];
  const problems: Problem[] = [];
  for (const file of files) {
    const before = new Set(Object.keys(cache));
    try {
      const evaluated =
        cache[file]?.exports ??
        (await jiti.evalModule(readFileSync(file, 'utf8'), { filename: file, id: basename(file), ext: extname(file), cache, async: true, forceTranspile: true }));
      modules.push([file, evaluated as Exports]);
    } catch (error) {
      const fresh = Object.keys(cache).filter((key) => !before.has(key));
      problems.push(loadProblem(error, file, fresh));
      // A module that failed half-way must not be what the next file imports.
      for (const key of fresh) delete cache[key];
    }
  }
  return { modules, problems };
}

interface Declared {
  readonly kind: Definition['kind'];
  readonly name: string;
  readonly definition: object;
  readonly uses: readonly unknown[];
}

// By shape: declarations may come from another copy of the SDK than ours.
function isDeclaration(value: object): value is Declared {
  const { kind, name, definition, uses } = value as Partial<Record<keyof Declared, unknown>>;
  return typeof kind === 'string' && Object.hasOwn(SCHEMAS, kind) && typeof name === 'string' && typeof definition === 'object' && definition !== null && Array.isArray(uses);
}

/** Where in a definition: what has a name by its name, which says more than its number does. */
function pathOf(definition: object, path: readonly PropertyKey[]): string {
  let at: unknown = definition;
  const steps = path.map((step) => {
    at = (at as Readonly<Record<PropertyKey, unknown>> | null | undefined)?.[step];
    const { name } = (at ?? {}) as { readonly name?: unknown };
    return typeof step === 'number' && typeof name === 'string' ? name : String(step);
  });
  return steps.join('.') || 'definition';
}

function placeOf(definition: object): { file: string; line: number } | undefined {
  const { site } = definition as { site?: { file?: unknown; line?: unknown } };
  return typeof site?.file === 'string' && typeof site.line === 'number' ? { file: site.file, line: site.line } : undefined;
}
