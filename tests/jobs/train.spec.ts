import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Snapshot, Value } from '@granary/contracts';
import * as shop from '@granary/feature-defs/marketplace/features';
import { interactions, items, users } from '@granary/feature-defs/marketplace/simulator';
import * as bank from '@granary/feature-defs/payments/features';
import { payments } from '@granary/feature-defs/payments/simulator';
import { loadModels, latestModel, trainRecommender, trainScorer, type ModelVersion } from '@granary/jobs';
import { ArtifactStore } from '@granary/models';
import { OfflineStore } from '@granary/offline-store';
import { resolveSnapshot } from '@granary/registry';
import type { Declaration } from '@granary/sdk';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

const DAY = 86_400_000;
const seed = 7;
const small = { seed, end: Date.UTC(2026, 0, 31), users: 80, items: 50, days: 14 };
const stream = { seed, customers: 150, days: 60 };
const names = { recommenders: ['for_you'], scorers: ['score_transaction'] };

function snapshotOf(...declarations: readonly Declaration[]): Snapshot {
  const all = new Set<Declaration>();
  const collect = (each: Declaration): void => {
    all.add(each);
    each.uses.forEach(collect);
  };
  declarations.forEach(collect);
  return resolveSnapshot([...all].map((each) => each.definition));
}
const snapshot = snapshotOf(shop.forYou, shop.userProfile, bank.scoreTransaction);

describe('training', () => {
  const folder = mkdtempSync(join(tmpdir(), 'granary-train-'));
  const artifacts = new ArtifactStore(join(folder, 'artifacts'));
  const open = (database: string): Promise<OfflineStore> => OfflineStore.open({ kind: 'embedded', path: join(folder, 'db'), database, connections: 1 });
  const versions: ModelVersion[] = [];
  let store: OfflineStore;
  let poor: OfflineStore;

  async function append(into: OfflineStore, name: string, rows: Iterable<object>, of = snapshot): Promise<void> {
    const source = of.sources.find((each) => each.name === name)!;
    await into.ensureSource(source);
    const events = [...rows].map((row, i) => {
      const values = source.fields.map(({ name: field, type }): Value | null => {
        const value = (row as Record<string, Value | null>)[field] ?? null;
        return value !== null && type.kind === 'int64' ? BigInt(value as number) : value;
      });
      const time = source.eventTime === null ? 0 : (values[source.fields.findIndex((field) => field.name === source.eventTime)] as number);
      return { eventId: `${i}`, eventTime: time, knownAt: time, values };
    });
    await into.appendEvents(source, events);
  }

  beforeAll(async () => {
    store = await open('rich');
    poor = await open('poor');
    await append(store, 'users', users(small));
    await append(store, 'items', items(small));
    await append(store, 'interactions', interactions(small));
    await append(store, 'payments', payments(stream));
  });
  afterAll(async () => {
    await store?.close();
    await poor?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('of a recommender gives the same artifact for the same seed, counts versions, and ranks no worse than its best source', async () => {
    for (let round = 0; round < 2; round++) versions.push(await trainRecommender(store, artifacts, snapshot, 'for_you', { seed }));
    expect(versions.map(({ version }) => version)).toEqual([1, 2]);
    expect(versions[1]!.artifact).toBe(versions[0]!.artifact);
    expect(versions[0]).toMatchObject({ name: 'for_you', snapshot: snapshot.id, artifact: expect.stringMatching(/^[0-9a-f]{64}$/) });
    const { metrics } = versions[0]!;
    const counts = [...interactions(small)];
    expect(metrics).toMatchObject({ users: new Set(counts.map(({ userId }) => userId)).size, items: new Set(counts.map(({ itemId }) => itemId)).size });
    expect(metrics['validationNdcg10']).toBeGreaterThanOrEqual(metrics['bestSourceNdcg10']!);
    expect(metrics['bestSourceNdcg10']).toBeGreaterThan(0);
  });

  it('of a scorer gives the same artifact for the same seed', async () => {
    const few = await open('few');
    const rows = [...payments({ seed, customers: 20, days: 30 })];
    await append(few, 'payments', rows.map((row) => ({ ...row, fraud: row.amount > 100 })));
    const trained = [await trainScorer(few, artifacts, snapshot, 'score_transaction', { seed }), await trainScorer(few, artifacts, snapshot, 'score_transaction', { seed })];
    await few.close();
    expect(trained.map(({ version }) => version)).toEqual([1, 2]);
    expect(trained[1]!.artifact).toBe(trained[0]!.artifact);
  });

  it('of a scorer leaves out the rows whose label is not known yet', async () => {
    const late: Snapshot = {
      ...snapshot,
      sources: snapshot.sources.map((source) => ({ ...source, fields: source.fields.map((field) => (field.name === 'fraud' ? { ...field, nullable: true } : field)) })),
    };
    const rows = [...payments({ seed, customers: 20, days: 30 })];
    const end = rows.at(-1)!.at - 2 * DAY;
    const isLabelled = ({ at }: { readonly at: number }, i: number): boolean => at < end && i % 5 !== 0;
    const labelled = rows.filter(isLabelled);
    const last = labelled.at(-1)!.at;
    const unlabelled = await open('late');
    await append(unlabelled, 'payments', rows.map((row, i) => ({ ...row, fraud: isLabelled(row, i) ? row.amount > 100 : null })), late);
    const { metrics } = await trainScorer(unlabelled, artifacts, late, 'score_transaction', { seed });
    await unlabelled.close();
    const [train, test] = [labelled.filter(({ at }) => at < last - 14 * DAY), labelled.filter(({ at }) => at >= last - 7 * DAY)];
    expect(metrics).toMatchObject({
      trainingRows: train.length,
      trainingPositives: train.filter(({ amount }) => amount > 100).length,
      testRows: test.length,
      testPositives: test.filter(({ amount }) => amount > 100).length,
      unlabelledRows: rows.length - labelled.length,
    });
    expect(train.length).toBeGreaterThan(0);
  });

  it('of a scorer beats the amount alone on a later week', async () => {
    const trained = await trainScorer(store, artifacts, snapshot, 'score_transaction', { seed });
    versions.push(trained);
    const { metrics } = trained;
    const all = [...payments(stream)];
    const last = all.at(-1)!.at;
    const test = all.filter(({ at }) => at >= last - 7 * DAY);
    expect(metrics).toMatchObject({
      testRows: test.length,
      testPositives: test.filter(({ fraud }) => fraud).length,
      // Labels of the week before the test were not known when it began.
      trainingRows: all.filter(({ at }) => at < last - 14 * DAY).length,
      trainingPositives: all.filter(({ at, fraud }) => fraud && at < last - 14 * DAY).length,
      unlabelledRows: 0,
    });
    expect(Object.keys(metrics).filter((name) => name.startsWith('ap'))).toEqual(['ap', 'ap_amount']);
    expect(metrics['ap']).toBeGreaterThan(metrics['ap_amount']!);
  });

  it('loads the newest versions, after a restart too', async () => {
    for (let round = 0; round < 2; round++) {
      const { recommenders, scorers } = await loadModels(store, artifacts, { recommenders: [...names.recommenders, 'never_trained'], scorers: names.scorers });
      expect([...recommenders.keys()]).toEqual(['for_you']);
      expect(recommenders.get('for_you')!.version).toEqual(versions[1]);
      expect(scorers.get('score_transaction')!.version).toEqual(versions[2]);
      const { views, derived = [] } = snapshot.services.find(({ name }) => name === 'fraud_features')!;
      expect(scorers.get('score_transaction')!.model.inputs).toEqual(['amount', ...[...views, ...derived].flatMap(({ features }) => features)]);
      await store.close();
      store = await open('rich');
    }
  });

  it('that is aborted registers nothing', async () => {
    for (const stage of ['load interactions', 'features of ranking', 'ranker']) {
      const abort = new AbortController();
      const onProgress = (progress: { readonly stage: string }): void => void (progress.stage === stage && abort.abort());
      await expect(trainRecommender(store, artifacts, snapshot, 'for_you', { seed: 8, signal: abort.signal, onProgress })).rejects.toMatchObject({ code: 'CANCELLED' });
    }
    for (const stage of ['training set of score_transaction', 'classifier']) {
      const abort = new AbortController();
      const onProgress = (progress: { readonly stage: string }): void => void (progress.stage === stage && abort.abort());
      await expect(trainScorer(store, artifacts, snapshot, 'score_transaction', { seed: 8, signal: abort.signal, onProgress })).rejects.toMatchObject({ code: 'CANCELLED' });
    }
    expect(await latestModel(store, 'for_you')).toEqual(versions[1]);
    expect(await latestModel(store, 'score_transaction')).toEqual(versions[2]);
    expect(await store.rows({ sql: "SELECT name FROM system.tables WHERE database = currentDatabase() AND startsWith(name, 'granary_stage')", params: {} })).toEqual([]);
  });

  it('says when there is not enough to learn from, and names what is not declared', async () => {
    const scorer = (): Promise<unknown> => trainScorer(poor, artifacts, snapshot, 'score_transaction');
    const lacking = { code: 'NOT_ENOUGH_DATA' };
    await expect(trainRecommender(poor, artifacts, snapshot, 'for_you')).rejects.toMatchObject(lacking);
    await expect(scorer()).rejects.toMatchObject(lacking);
    // One choice each: nothing can be held out to rank, so the order of retrieval stays.
    const first = new Map([...interactions(small)].map((event) => [event.userId, event]));
    await append(poor, 'interactions', first.values());
    expect(await trainRecommender(poor, artifacts, snapshot, 'for_you')).toMatchObject({ version: 1, metrics: { trainingLists: 0, users: first.size } });
    const rows = [...payments({ seed, customers: 20, days: 40 })];
    await append(poor, 'payments', rows.filter(({ at }) => at < rows[0]!.at + 13 * DAY));
    await expect(scorer()).rejects.toMatchObject(lacking);
    await poor.dropTable('events_payments');
    await append(poor, 'payments', rows.map((row) => ({ ...row, fraud: false })));
    await expect(scorer()).rejects.toMatchObject(lacking);
    expect(await latestModel(poor, 'score_transaction')).toBeNull();
    await expect(trainRecommender(poor, artifacts, snapshot, 'no_one')).rejects.toMatchObject({ code: 'UNKNOWN_RECOMMENDER' });
    await expect(trainScorer(poor, artifacts, snapshot, 'no_one')).rejects.toMatchObject({ code: 'UNKNOWN_SCORER' });
  });
});
