import { FIELD_NAME, type ViewFeatures } from '@granary/contracts';
import { declarationSite, freeze, invalid } from './declaration.js';
import type { Fields } from './entity.js';
import type { AnyView, AnyViewUse, KindsOf, Part } from './part.js';

/** The keys of an entity, under the names that the asker has for them. */
export type Renamed<K extends Fields, M> = { readonly [P in keyof K & string as P extends keyof M ? M[P] & string : P]: K[P] };
type KeyNames<K extends Fields> = { readonly [P in keyof K & string]?: string };

/** Some features of a view, read by keys and under an alias of the reader's choice. */
export interface ViewUse<K extends Fields, V extends object, A extends string> extends Pick<AnyViewUse, 'kind' | 'view' | 'use'>, Part<K, object, V, A> {
  /** Only these features, in this order. */
  pick<const N extends readonly (keyof V & string)[]>(...names: N): ViewUse<K, Pick<V, N[number]>, A>;
  /** Never there at run time: the row that its keys are read from must have them. */
  readonly asks?: (given: KindsOf<K>) => void;
}

/** How views can be read. */
export interface ViewReaders<K extends Fields, V extends object> {
  /** Only these features, in this order. */
  pick<const N extends readonly (keyof V & string)[]>(...names: N): FeatureViewPick<K, Pick<V, N[number]>>;
  /**
   * Reads the view for another thing than its keys name: `as('sender', { accountId: 'senderId' })` is asked for by senderId,
   * and serves `spend30d` as `senderSpend30d`. A key that is left out keeps its name.
   */
  as<const A extends string, const M extends KeyNames<K> = object>(alias: A, keys?: M): ViewUse<Renamed<K, M>, V, A>;
  /** Reads the view by keys of other names, and serves its features under their own: `keyedBy({ itemId: 'productId' })`. */
  keyedBy<const M extends KeyNames<K>>(keys: M): ViewUse<Renamed<K, M>, V, ''>;
}

/** A view with the features that are taken from it. */
export interface FeatureViewPick<K extends Fields, V extends object> extends ViewUse<K, V, ''>, ViewReaders<K, V> {
  pick<const N extends readonly (keyof V & string)[]>(...names: N): FeatureViewPick<K, Pick<V, N[number]>>;
}

/** `view` is asked for when it is read, as it does not exist yet when its own readers are made. */
export function viewReaders<K extends Fields, V extends object>(view: () => AnyView, use: ViewFeatures): ViewReaders<K, V> {
  const owner = `feature view ${use.view}`;
  const changed = (change: Partial<ViewFeatures>): never => {
    const next = { ...use, ...change };
    return freeze({ kind: 'viewUse', view: view(), use: next, ...viewReaders(view, next) }) as never;
  };
  const readers: ViewReaders<K, V> = {
    pick: (...names) => {
      const unknown = names.find((each) => !use.features.includes(each));
      if (unknown !== undefined) throw invalid(declarationSite(readers.pick), `${owner} has no feature ${unknown}`, `It has ${use.features.join(', ')}.`);
      return changed({ features: [...names] });
    },
    as: (alias, keys) => {
      if (!FIELD_NAME.test(alias)) throw invalid(declarationSite(readers.as), `${owner}: "${alias}" is no alias`, "Start with a letter; use letters and digits: as('sender').");
      return changed({ alias, ...checkedKeys(readers.as, keys ?? {}) });
    },
    keyedBy: (keys) => changed(checkedKeys(readers.keyedBy, keys)),
  };
  return readers;

  function checkedKeys(reader: (...args: never[]) => unknown, given: { readonly [key: string]: string | undefined }): Pick<ViewFeatures, 'keys'> {
    const keys = given as Readonly<Record<string, string>>;
    const has = Object.keys(view().entity.keys);
    for (const [key, name] of Object.entries(keys)) {
      if (!has.includes(key)) throw invalid(declarationSite(reader), `${owner} has no key ${key}`, `It has ${has.join(', ')}.`);
      if (!FIELD_NAME.test(name)) throw invalid(declarationSite(reader), `${owner}: "${name}" is no name for ${key}`, 'Start with a letter; use letters, digits and underscores.');
    }
    return Object.keys(keys).length === 0 ? {} : { keys: { ...keys } };
  }
}
