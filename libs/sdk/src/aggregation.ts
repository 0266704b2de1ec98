import { hopProblem, parseDuration, type Aggregate, type Bounds, type DurationText, type Expression, type FieldType, type Window } from '@granary/contracts';
import { knownOptions } from './declaration.js';
import type { BoolExpression } from './expression.js';
import type { ElementKind, Kinds, Merge, ValueFor } from './kinds.js';
import { literal } from './literal.js';
import { expressionOf, refused } from './typed-expression.js';

declare const FEATURES: unique symbol;

export interface WindowOptions {
  /** The window ends this long before t: for labels that arrive late. Default `'0d'`. */
  readonly delay?: DurationText;
  /** Which ends of the window belong to it. Default `'[)'`: an event at t never leaks into its own answer. */
  readonly bounds?: Bounds;
  /** The row of the request belongs to the window: fraud scores see the transaction they score. Default false. */
  readonly includeRequest?: boolean;
  /**
   * The window's far end is rounded down to a whole hop of UTC, so that it is up to one hop longer; its near end stays exact. Online
   * an entity then keeps a total a hop instead of every event: give it to windows of very many events. Of count, sum, avg, min,
   * max, variances, ratio, rate and decayed aggregates. Default: none, both ends are exact to the millisecond.
   */
  readonly hop?: DurationText;
}

/** How long a window is; `'all'`: from the beginning of time. */
export type WindowText = DurationText | 'all';
export type WindowArguments = readonly [WindowText, ...WindowText[]] | readonly [WindowText, ...WindowText[], WindowOptions];

type Suffix<W, All = W> = W extends 'all' ? ([All] extends ['all'] ? '' : 'All') : W;
type Suffixes<A> = A extends readonly unknown[] ? Suffix<Extract<A[number], string>> : never;
/** Each of an aggregate's columns over each window, by suffix. */
export type Windowed<C extends Kinds, A> = Merge<{ [N in keyof C & string]: { readonly [S in Suffixes<A> & string as `${N}${S}`]: C[N] } }[keyof C & string]>;

type DefaultOf<P> = [P[keyof P]] extends [ElementKind] ? ValueFor<P[keyof P]> : never;

/** Features as declared: `P` are their kinds, by what their names add to the declaration's. */
export interface FeatureDeclaration<P extends object = object> {
  readonly features: readonly { readonly suffix: string; readonly type: FieldType; readonly aggregate: Aggregate }[];
  /** What an empty window gives, instead of the aggregate's own 0 or null. Lists and maps have none. */
  default(value: DefaultOf<P>): FeatureDeclaration<P>;
  /** Never there at run time: carries P. */
  readonly [FEATURES]?: P;
}

/** An aggregate without its window yet. */
export interface Aggregation<C extends Kinds> {
  /** Only events for which it is true. Several: all of them. */
  where(condition: BoolExpression): Aggregation<C>;
  /**
   * `over('1d', '7d', { delay: '7d' })`: one feature a window, named with the window: `spend` gives `spend1d` and
   * `spend7d`. `over('all')` is all of history, and adds nothing to the name unless there are other windows (`spendAll`).
   */
  over<const A extends WindowArguments>(...windows: A): FeatureDeclaration<Windowed<C, A>>;
}

/** An aggregate that needs no window: without one it is over all of history before t. */
export interface OpenAggregation<C extends Kinds> extends FeatureDeclaration<C> {
  /** Only events for which it is true. Several: all of them. */
  where(condition: BoolExpression): OpenAggregation<C>;
  /** `over('7d')`: one feature a window, named with the window. */
  over<const A extends WindowArguments>(...windows: A): FeatureDeclaration<Windowed<C, A>>;
}

/** One column of an aggregate, without its window and condition. */
export interface AggregateColumn {
  readonly suffix: string;
  readonly type: FieldType;
  readonly aggregate: Omit<Aggregate, 'where' | 'window' | 'default'>;
}

export function aggregation<C extends Kinds>(columns: readonly AggregateColumn[], where: Expression | null = null): Aggregation<C> {
  return {
    where: (condition) => aggregation<C>(columns, narrowed(where, condition)),
    over: (...args) => windowed(columns, where, args),
  };
}

export function openAggregation<C extends Kinds>(columns: readonly AggregateColumn[], where: Expression | null = null): OpenAggregation<C> {
  return {
    ...windowed<C>(columns, where, ['all']),
    where: (condition) => openAggregation<C>(columns, narrowed(where, condition)),
    over: (...args) => windowed(columns, where, args),
  };
}

/** The features of parts that have everything. */
export function declaration<P extends object>(features: FeatureDeclaration['features']): FeatureDeclaration<P> {
  return {
    features,
    default: (value) =>
      declaration(
        features.map((feature) => {
          if (feature.type.kind === 'array' || feature.type.kind === 'map') throw refused('a list or map has no default', 'Leave it out: of no events they are null.');
          return { ...feature, aggregate: { ...feature.aggregate, default: literal(feature.type, value) } };
        }),
      ),
  };
}

function narrowed(where: Expression | null, condition: BoolExpression): Expression {
  const { expression, type } = expressionOf(condition, 'where');
  if (type.kind !== 'bool') throw refused('where takes a condition', 'Compare: where(e.price.gt(10)).');
  return where === null ? expression : { kind: 'call', fn: 'and', args: [where, expression] };
}

function windowed<P extends object>(columns: readonly AggregateColumn[], where: Expression | null, args: readonly (WindowText | WindowOptions)[]): FeatureDeclaration<P> {
  const options = knownOptions<WindowOptions>('over', args.find((argument) => typeof argument === 'object') ?? {}, ['delay', 'bounds', 'includeRequest', 'hop']);
  const sizes = args.filter((argument) => typeof argument === 'string');
  return declaration(
    columns.flatMap(({ suffix, type, aggregate }) =>
      sizes.map((size) => {
        const named = size !== 'all' ? size : sizes.length === 1 ? '' : 'All';
        return { suffix: `${suffix}${named}`, type, aggregate: checkHop({ ...aggregate, where, window: window(size, options), default: null }) };
      }),
    ),
  );
}

function window(size: WindowText, { delay = '0d', bounds = '[)', includeRequest = false, hop }: WindowOptions): Window {
  const exact = { sizeMs: size === 'all' ? null : parseDuration(size), delayMs: parseDuration(delay), bounds, includeRequest };
  return hop === undefined ? exact : { ...exact, hopMs: parseDuration(hop) };
}

function checkHop(aggregate: Aggregate): Aggregate {
  const wrong = hopProblem(aggregate);
  if (wrong !== null) throw refused(`${aggregate.fn} ${wrong.message}`, wrong.todo);
  return aggregate;
}
