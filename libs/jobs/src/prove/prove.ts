import { isGranaryError, named, resolveService, type FeatureValue, type Instant, type JobOptions, type ResolvedService, type ServedRow, type Snapshot, type Value } from '@granary/contracts';
import type { OfflineStore } from '@granary/offline-store';
import { throwIfCancelled } from '../cancelled.js';
import { explainRow, type ExplainedFeature } from '../history/explain.js';
import { readHistory, type HistoryRow } from '../history/feature-history.js';
import { horizonsOf, type Horizons } from './horizons.js';
import { sameAnswer } from './same-value.js';
import { readServed, servedRowReader, type ServedFilter, type StoredServedRow } from './served-table.js';
import { scaleOf, suspectsOf, type Suspect } from './suspects.js';

export interface ProveOptions extends ServedFilter, JobOptions {
  /** Mismatches that are explained; the others are counted. Default 10. */
  readonly show?: number | undefined;
}

/** A feature that was served as something else than the stored events come to. */
export interface ProvenMismatch {
  readonly service: string;
  readonly snapshot: string;
  readonly servedAt: Instant;
  readonly asOf: Instant;
  readonly asked: Readonly<Record<string, Value>>;
  readonly feature: string;
  readonly served: FeatureValue;
  /** From the stored events that had arrived by the horizon of the read. */
  readonly computed: FeatureValue;
  /**
   * The events that make the difference, where a single one does: without it, or with it, the value is the one served. None: no
   * stored event that can have been in the value does; one may have been deleted or changed. Null: single events can't tell (a
   * derived feature, one served as expired, an entity not found with several events, too many events).
   */
  readonly suspects: readonly Suspect[] | null;
  /** The events that it was computed from, for each view's feature that it reads. */
  readonly explained: readonly ExplainedFeature[];
}

export interface Missing {
  readonly reason: string;
  readonly rows: number;
}

export interface Proof {
  /** Served rows that were looked at: each is one of the next three. */
  readonly rows: number;
  readonly matched: number;
  readonly mismatched: number;
  /** Rows that can't be computed again. */
  readonly missing: number;
  /** Values of the rows that could. */
  readonly values: number;
  readonly mismatchedValues: number;
  readonly mismatches: readonly ProvenMismatch[];
  readonly missingBecause: readonly Missing[];
}

/**
 * Computes what was served again from the stored events, as of its own instant, by its own definitions, and from what the
 * online rows had seen; and compares. Throws CANCELLED and what the store throws.
 */
export async function prove(store: OfflineStore, snapshotOf: (id: string) => Promise<Snapshot>, { show = 10, signal, onProgress, ...filter }: ProveOptions = {}): Promise<Proof> {
  const tally = { rows: 0, matched: 0, mismatched: 0, missing: 0, values: 0, mismatchedValues: 0 };
  const mismatches: ProvenMismatch[] = [];
  const reasons = new Map<string, number>();
  const miss = (reason: string, rows: number): void => {
    tally.missing += rows;
    reasons.set(reason, (reasons.get(reason) ?? 0) + rows);
  };
  for await (const page of readServed(store, filter, signal)) {
    throwIfCancelled(signal, 'prove');
    tally.rows += page.length;
    onProgress?.({ stage: 'prove', done: tally.rows, total: null, unit: 'rows' });
    for (const group of await openPage(store, snapshotOf, page, miss)) {
      const computed = await orMissing(() => readHistory(store, group.snapshot, group.service.name, group.rows.map(questionOf), { computedFrom: group.computedFrom, signal }));
      if (typeof computed === 'string') {
        miss(computed, group.rows.length);
        continue;
      }
      for (const [i, row] of group.rows.entries()) {
        const different = await compareRow(store, group, row, computed[i]!, mismatches.length < show);
        tally.values += Object.keys(row.values).length;
        tally.mismatchedValues += different.length;
        if (different.length === 0) tally.matched++;
        else tally.mismatched++;
        mismatches.push(...different.slice(0, show - mismatches.length).filter((each) => each !== null));
      }
    }
  }
  return { ...tally, mismatches, missingBecause: [...reasons].map(([reason, rows]) => ({ reason, rows })) };
}

/** Rows that one statement computes. */
interface Group extends Horizons {
  readonly snapshot: Snapshot;
  readonly service: ResolvedService;
}

async function openPage(store: OfflineStore, snapshotOf: (id: string) => Promise<Snapshot>, page: readonly StoredServedRow[], miss: (reason: string, rows: number) => void): Promise<readonly Group[]> {
  const [{ snapshot: id, service }] = page as readonly [StoredServedRow];
  const snapshot = await orMissing(() => snapshotOf(id));
  if (typeof snapshot === 'string') {
    miss(snapshot, page.length);
    return [];
  }
  const read = servedRowReader(snapshot, service);
  const rows = page.flatMap((stored): ServedRow[] => {
    try {
      return [read(stored)];
    } catch {
      miss('what was logged of it is damaged', 1);
      return [];
    }
  });
  const { known, unknown } = await horizonsOf(store, snapshot, service, rows);
  if (unknown > 0) miss('how far the inputs of a computed source were read was not noted', unknown);
  const resolved = resolveService(snapshot, named(snapshot.services, service));
  return known.map((group) => ({ ...group, snapshot, service: resolved }));
}

/** What it gives; or, where that can't be had any more, why. */
async function orMissing<T extends object>(read: () => Promise<T>): Promise<T | string> {
  try {
    return await read();
  } catch (error) {
    if (!isGranaryError(error) || !(error.kind === 'setup' || error.kind === 'unreadable' || error.kind === 'input')) throw error;
    return error.message;
  }
}

function questionOf({ asked, asOf, horizons }: ServedRow): { values: ServedRow['asked']; at: Instant; horizons: ReadonlyMap<string, number> } {
  return { values: asked, at: asOf, horizons: new Map(Object.entries(horizons)) };
}

/** An entry for each feature that differs; null where it is only counted. */
async function compareRow(store: OfflineStore, { snapshot, service, computedFrom }: Group, row: ServedRow, computed: HistoryRow, explains: boolean): Promise<readonly (ProvenMismatch | null)[]> {
  const { name, features } = service;
  const differing = features.filter((served) => !sameAnswer(served.type, row.values[served.name]!, computed[served.name]!));
  // Sums of numbers that cancel out are as exact as the numbers were: their events tell.
  const unsure = differing.filter((served) => explains || (served.kind === 'aggregate' && sameAnswer(served.type, row.values[served.name]!, computed[served.name]!, Infinity)));
  if (unsure.length === 0) return differing.map(() => null);
  const { values, at, horizons } = questionOf(row);
  const explanation = await explainRow(store, snapshot, name, { values, at }, { features: unsure.map((served) => served.name), horizons, computedFrom, row: computed });
  const reads = new Map(explanation.derived.map((each) => [each.name, each.reads]));
  return differing.flatMap((served): (ProvenMismatch | null)[] => {
    if (!unsure.includes(served)) return [null];
    const [was, is] = [row.values[served.name]!, computed[served.name]!];
    const explained = explanation.features.filter((input) => (reads.get(served.name) ?? [served.name]).includes(input.name));
    if (sameAnswer(served.type, was, is, scaleOf(served, explained, values))) return [];
    if (!explains) return [null];
    const { servedAt, asOf, asked } = row;
    return [{ service: name, snapshot: snapshot.id, servedAt, asOf, asked, feature: served.name, served: was, computed: is, suspects: suspectsOf(served, explained, was, at), explained }];
  });
}
