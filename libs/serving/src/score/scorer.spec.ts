import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Snapshot } from '@granary/contracts';
import { createRandom, initTensorflow, loadScorer, predict, saveScorer, trainClassifier, type ScorerModel } from '@granary/models';
import { FeatureReader } from '../features/feature-reader.js';
import { DAY, NOW, PROJECT, openTestStore, snapshot as shopSnapshot, type TestStore } from '../features/shop.testing.js';
import { Scorer, requestTimeField } from './scorer.js';

const seed = Number(process.env['SEED']);
const snapshot: Snapshot = {
  ...shopSnapshot,
  scorers: [{ kind: 'scorer', name: 'score_payment', service: 'fraud', events: 'payments', label: 'fraud', labelDelayMs: 0 }],
};
const INPUTS = ['amount', 'payments', 'meanAmount', 'bigOnes', 'ownPayments', 'paidBefore'];

interface Payment {
  readonly userId: number;
  readonly amount: number;
  /** Amounts of the user's payments so far. */
  readonly before: readonly number[];
}

/** The row of a training set: the payment itself belongs to all windows but the last. Null: not present. */
function trainingRow({ userId, amount, before }: Payment): readonly (number | null)[] {
  const all = [...before, amount];
  const big = all.filter((each) => each > 100).length;
  return [amount, all.length, all.reduce((sum, each) => sum + each, 0) / all.length, big, userId === 7 ? all.length : 0, before.length === 0 ? null : before.length];
}

function matrixOf(rows: readonly (readonly (number | null)[])[]): { readonly features: Float32Array; readonly mask: Uint8Array } {
  return { features: Float32Array.from(rows.flat(), (value) => value ?? 0), mask: Uint8Array.from(rows.flat(), (value) => (value === null ? 0 : 1)) };
}

let shop: TestStore;
let model: ScorerModel;
let scorer: Scorer;

beforeAll(async () => {
  await initTensorflow();
  shop = await openTestStore();
  const random = createRandom(3);
  const payments = Array.from({ length: 600 }, (_, i): Payment => ({ userId: i % 9, amount: 20 + 300 * random.uniform() ** 3, before: Array.from({ length: random.integer(5) }, () => 150 * random.uniform()) }));
  const labels = Uint8Array.from(payments, ({ amount, before }) => (amount > 130 && before.length < 3 ? 1 : 0));
  const { model: classifier } = await trainClassifier({ ...matrixOf(payments.map(trainingRow)), labels, times: Float64Array.from(payments, (_, i) => i) }, { seed: 1, maxEpochs: 6 });
  model = await loadScorer(await saveScorer({ kind: 'scorer', inputs: INPUTS, classifier }));
  scorer = new Scorer('score_payment', { reader: new FeatureReader(snapshot, shop.store, { project: PROJECT, now: () => NOW }), model });
});
afterAll(() => shop.close());

const remember = ({ userId, before }: Payment, eventTime = NOW - DAY): Promise<void> =>
  shop.put('spending', [BigInt(userId)], before.map((amount) => ({ at: eventTime, amount, payer: BigInt(userId) })));
const expected = (row: readonly (number | null)[]): number => {
  const { features, mask } = matrixOf([row]);
  return predict(model.classifier, features, mask)[0]!;
};

describe('score', () => {
  it(`is the model's probability for the training-set row of the same payment (seed ${seed})`, async () => {
    const random = createRandom(seed);
    const probabilities = new Set<number>();
    for (let i = 0; i < 40; i++) {
      // Each of someone else: the store keeps the greater write of a row, and these are all of one order.
      const payment: Payment = { userId: i === 0 ? 7 : 1_000 + i, amount: Math.fround(400 * random.uniform()), before: Array.from({ length: 1 + random.integer(6) }, () => 200 * random.uniform()) };
      await remember(payment);
      const { probability, features, keys } = await scorer.score({ userId: payment.userId, amount: payment.amount });
      expect(probability).toBeCloseTo(expected(trainingRow(payment)), 12);
      expect(probability).toBeGreaterThan(0);
      expect(probability).toBeLessThan(1);
      expect(keys).toEqual({ userId: BigInt(payment.userId), amount: payment.amount });
      expect(features['payments']).toEqual({ value: payment.before.length + 1, state: 'present', eventTime: NOW });
      expect(features['paidBefore']).toEqual({ value: payment.before.length, state: 'present', eventTime: NOW - DAY });
      probabilities.add(probability);
    }
    expect(probabilities.size).toBeGreaterThan(20);
  });

  it('scores a customer who was never seen by the payment alone: what is missing is masked', async () => {
    const { probability, features } = await scorer.score({ userId: '123456789', amount: 250 });
    expect(probability).toBeCloseTo(expected(trainingRow({ userId: 123456789, amount: 250, before: [] })), 12);
    expect(features['paidBefore']).toEqual({ value: null, state: 'missing', eventTime: null });
    expect(features['payments']).toMatchObject({ value: 1, state: 'present' });
  });

  it('scores an absurd amount like the greatest of training, beyond float32 too', async () => {
    const { max } = model.classifier.encoding.columns[0]!;
    expect(max).toBeLessThan(2e3);
    await remember({ userId: 800, amount: 0, before: [100, 120] });
    for (const userId of [800, 801]) {
      const score = async (amount: number): Promise<number> => (await scorer.score({ userId, amount })).probability;
      const usual = await score(20);
      const absurd = await Promise.all([2e3, 1e6, 1e30, 1e39, 1e300].map(score));
      expect(absurd).toEqual(Array(5).fill(absurd[0]));
      expect(absurd[0]).toBeGreaterThan(usual);
    }
    // Nothing was paid before: the mean is the amount, and both are the greatest of training.
    expect(await scorer.score({ userId: 801, amount: 1e300 })).toMatchObject({ probability: (await scorer.score({ userId: 801, amount: max })).probability });
  });

  it('masks what has expired as of the instant asked', async () => {
    const payment: Payment = { userId: 700, amount: 40, before: [10, 20] };
    await remember(payment, NOW - 80 * DAY);
    const row = trainingRow(payment);
    expect((await scorer.score({ userId: 700, amount: 40 })).probability).toBeCloseTo(expected(row), 12);
    expect((await scorer.score({ userId: 700, amount: 40 }, NOW + 10 * DAY)).features['paidBefore']).toMatchObject({ state: 'present' });
    const late = await scorer.score({ userId: 700, amount: 40 }, NOW + 10 * DAY + 1);
    expect(late.features['paidBefore']).toEqual({ value: null, state: 'expired', eventTime: NOW - 80 * DAY });
    expect(late.features['payments']!.eventTime).toBe(NOW + 10 * DAY + 1);
    const read = INPUTS.map((name) => (name === 'amount' ? 40 : (late.features[name]!.value as number | null)));
    expect(late.probability).toBeCloseTo(expected(read), 12);
    expect(late.probability).not.toBe(expected(row));
  });

  it('takes a request field that is the event time of the examples for the time of the request; left out: now', async () => {
    const fraud = snapshot.services.find(({ name }) => name === 'fraud')!;
    const timed: Snapshot = { ...snapshot, services: [{ ...fraud, request: [...fraud.request, { name: 'at', type: { kind: 'timestamp' } }] }] };
    const own = new Scorer('score_payment', { reader: new FeatureReader(timed, shop.store, { project: PROJECT, now: () => NOW }), model });
    const timeOf = async (request: object, at?: number): Promise<unknown> => {
      const { keys, features } = await own.score({ userId: 1, amount: 5, ...request }, at);
      expect(keys['at']).toBe(features['payments']!.eventTime);
      return keys['at'];
    };
    expect([await timeOf({ at: '2026-02-03T00:00:00Z' }), await timeOf({}), await timeOf({ at: null }), await timeOf({}, NOW - DAY)]).toEqual([Date.UTC(2026, 1, 3), NOW, NOW, NOW - DAY]);
    await expect(own.score({ userId: 1, amount: 5, at: 'soon' })).rejects.toMatchObject({ code: 'INVALID_TIMESTAMP' });
    expect([requestTimeField(timed, own.declaration), requestTimeField(snapshot, scorer.declaration)]).toEqual(['at', null]);
  });

  it('gives each score its own id, and the same probability to the same question', async () => {
    const scores = await Promise.all(Array.from({ length: 50 }, () => scorer.score({ userId: 1, amount: 5 })));
    expect(new Set(scores.map(({ scoreId }) => scoreId)).size).toBe(50);
    expect(new Set(scores.map(({ probability }) => probability)).size).toBe(1);
  });

  it.each([
    [{ amount: 5 }, 'MISSING_KEY'],
    [{ userId: 1 }, 'INVALID_VALUE'],
    [{ userId: 1, amount: 'much' }, 'INVALID_VALUE'],
    [{ userId: 1, amount: NaN }, 'INVALID_VALUE'],
    [{ userId: 1, amount: Infinity }, 'INVALID_VALUE'],
    [{ userId: 'x', amount: 5 }, 'INVALID_KEY'],
    [{ userId: 1.5, amount: 5 }, 'INVALID_KEY'],
  ])('refuses %p as %s', async (request, code) => {
    await expect(scorer.score(request)).rejects.toMatchObject({ code });
  });

  it('does not guess without the online store', async () => {
    const other = await openTestStore();
    const lonely = new Scorer('score_payment', { reader: new FeatureReader(snapshot, other.store, { project: PROJECT }), model });
    await other.close();
    await expect(lonely.score({ userId: 1, amount: 5 })).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  it('refuses to open what is not declared, and a model of other inputs', () => {
    const reader = new FeatureReader(snapshot, shop.store, { project: PROJECT });
    expect(() => new Scorer('score_refund', { reader, model })).toThrow(expect.objectContaining({ code: 'UNKNOWN_SCORER', todo: 'Name one of score_payment.' }));
    const other = { ...model, inputs: ['amount', 'payments', 'meanAmount', 'bigOnes', 'ownPayments', 'age'] };
    expect(() => new Scorer('score_payment', { reader, model: other })).toThrow(expect.objectContaining({ code: 'SCHEMA_MISMATCH' }));
    expect(() => new Scorer('score_payment', { reader, model: other })).toThrow(/trained with age/);
  });
});
