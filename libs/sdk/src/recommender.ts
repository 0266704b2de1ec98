import { parseDuration, type DurationText, type Generator, type GranaryError, type Recommender, type Rule, type Site } from '@granary/contracts';
import { at, checkName, declarationSite, freeze, invalid, knownOptions, type Declaration } from './declaration.js';
import type { EntityDeclaration, Fields } from './entity.js';
import type { FeatureServiceDeclaration } from './feature-service.js';
import type { SourceDeclaration } from './source.js';
import type { ValueOf } from './types.js';

/** Interactions count half as much every `halfLife` (default 7 days); also what unknown users get. */
export function trending({ halfLife = '7d' }: { readonly halfLife?: DurationText } = {}): Generator {
  return freeze({ kind: 'trending', halfLifeMs: parseDuration(halfLife) });
}

/** Items that the same users chose: cosine, shrunk for rare pairs; `neighbours` are kept for each item. */
export function itemToItem({ neighbours = 50, shrinkage = 5 }: { readonly neighbours?: number; readonly shrinkage?: number } = {}): Generator {
  return freeze({ kind: 'itemToItem', neighbours, shrinkage });
}

/** EASE (Steck 2019): a linear item-item model in closed form; a greater `lambda` trusts rare items less. */
export function ease({ lambda = 200 }: { readonly lambda?: number } = {}): Generator {
  return freeze({ kind: 'ease', lambda });
}

/** Leaves out what the user has interacted with. */
export function notSeen(): Rule {
  return freeze({ kind: 'notSeen' });
}

/** A numeric field whose value is the weight, or one enum field with a weight for each of its values. */
type Weights<F extends Fields> =
  | { [K in keyof F & string]: ValueOf<F[K]> extends number ? K : never }[keyof F & string]
  | { [K in keyof F & string]: ValueOf<F[K]> extends string ? { readonly [P in K]: Readonly<Record<ValueOf<F[K]>, number>> } : never }[keyof F & string];

export interface RecommenderOptions<F extends Fields> {
  /** Its keys must be fields of `interactions`. */
  readonly user: EntityDeclaration;
  /** Its keys must be fields of `interactions`. */
  readonly item: EntityDeclaration;
  readonly interactions: SourceDeclaration<F>;
  /** `{ kind: { view: 1, cart: 3, purchase: 10 } }`, or the name of a numeric field. Left out: each interaction counts 1. */
  readonly weights?: Weights<F>;
  /** Where candidates come from; together they are ranked. */
  readonly generators: readonly [Generator, ...Generator[]];
  /** The features the ranker reads. Left out: candidates are ordered by the ranks that the generators give them. */
  readonly ranker?: FeatureServiceDeclaration;
  readonly rules?: readonly Rule[];
}

export type RecommenderDeclaration = Declaration<Recommender>;

/** Personalised recommendations: candidate generators, a ranker over a feature service, rules. */
export function recommender<const F extends Fields>(name: string, options: RecommenderOptions<F>): RecommenderDeclaration {
  const site = declarationSite(recommender);
  checkName(site, 'recommender', name);
  at(site, `recommender ${name}`, () => knownOptions<RecommenderOptions<F>>('it', options, ['user', 'item', 'interactions', 'weights', 'generators', 'ranker', 'rules']));
  const { user, item, interactions, ranker } = options;
  const weights = options.weights as string | Readonly<Record<string, Readonly<Record<string, number>>>> | undefined;
  const [table] = typeof weights === 'object' ? Object.entries(weights) : [];
  const definition: Recommender = at(site, `recommender ${name}`, () => ({
    kind: 'recommender',
    name,
    user: user.name,
    item: item.name,
    interactions: interactions.name,
    weight: typeof weights === 'string' ? { field: weights, values: null } : table ? { field: table[0], values: { ...table[1] } } : null,
    generators: [...options.generators],
    ranker: ranker?.name ?? null,
    rules: [...(options.rules ?? [])],
    site,
  }));
  checkNumbers(site, definition);
  return freeze({ kind: 'recommender', name, definition, uses: [user, item, interactions, ...(ranker ? [ranker] : [])] });
}

function checkNumbers(site: Site, { name, generators, weight }: Recommender): void {
  const refuse = (problem: string, todo: string): GranaryError => invalid(site, `recommender ${name}: ${problem}`, todo);
  if (generators.length === 0) throw invalid(site, `recommender ${name} has no generators`, 'Give it trending(), itemToItem() or ease().');
  for (const generator of generators) {
    const wrong = wrongNumber(generator);
    if (wrong !== null) throw refuse(`${generator.kind} has ${wrong[0]}`, wrong[1]);
  }
  const bad = Object.entries(weight?.values ?? {}).find(([, value]) => !isAtLeast(0, value));
  if (bad !== undefined) throw refuse(`the weight of ${bad[0]} is ${bad[1]}`, 'Give it 0, which leaves such interactions out, or more.');
}

function wrongNumber(generator: Generator): readonly [problem: string, todo: string] | null {
  switch (generator.kind) {
    case 'trending':
      return generator.halfLifeMs > 0 ? null : ['a half-life of no length', "Give it one, such as halfLife: '7d'."];
    case 'itemToItem':
      if (!Number.isInteger(generator.neighbours) || generator.neighbours < 1) return [`${generator.neighbours} neighbours`, 'Give a whole number from 1 up.'];
      return isAtLeast(0, generator.shrinkage) ? null : [`a shrinkage of ${generator.shrinkage}`, 'Give 0 or more.'];
    case 'ease':
      return isAtLeast(Number.MIN_VALUE, generator.lambda) ? null : [`a lambda of ${generator.lambda}`, 'Give a number above 0, such as 200.'];
  }
}

function isAtLeast(least: number, value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value) && value >= least;
}
