import { beforeAll, describe, expect, it } from '@jest/globals';
import { loadClassifier, saveClassifier } from '../artifacts/model-files.js';
import { averagePrecision, brierScore, logLoss } from '../metrics/classification.js';
import { createRandom } from '../random.js';
import { initTensorflow } from '../tensorflow/backend.js';
import { predict } from './classifier.js';
import { trainClassifier, type LabelledRows } from './train-classifier.js';

const seed = Number(process.env['SEED']);
const FEATURES = 4;

/**
 * Payments whose true probability of fraud is known: amount (heavy-tailed), the customer's usual amount, the terminal's
 * recent share of frauds (often missing), a feature of noise. Risk lies in amount relative to usual and in bad
 * terminals when the amount is small: neither is linear in the inputs.
 */
function payments(seed: number, count: number): LabelledRows & { truth: Float64Array } {
  const random = createRandom(seed);
  const rows = {
    features: new Float32Array(count * FEATURES),
    mask: new Uint8Array(count * FEATURES).fill(1),
    labels: new Uint8Array(count),
    times: Float64Array.from({ length: count }, (_, i) => 1.5e12 + i * 1000),
    truth: new Float64Array(count),
  };
  for (let row = 0; row < count; row++) {
    const usual = Math.exp(3 + 0.8 * random.normal());
    const ratio = Math.exp(0.7 * random.normal());
    const share = random.uniform() < 0.05 ? 0.3 + 0.7 * random.uniform() : 0;
    rows.features.set([usual * ratio, usual, share, random.normal()], row * FEATURES);
    if (random.uniform() < 0.1) rows.mask[row * FEATURES + 2] = 0;
    const risk = -6 + (ratio > 4 ? 7 : 0) + (share > 0 && ratio < 1.5 ? 7 : 0);
    rows.truth[row] = 1 / (1 + Math.exp(-risk));
    rows.labels[row] = random.uniform() < rows.truth[row]! ? 1 : 0;
  }
  return rows;
}

describe('fraud classifier', () => {
  beforeAll(() => initTensorflow());

  it(`beats the amount alone and logistic regression, and its probabilities are true (seed ${seed})`, async () => {
    const train = payments(seed, 8_000);
    const test = payments(seed + 1, 8_000);
    const { model, report } = await trainClassifier(train, { seed: 1, maxEpochs: 12 });
    const linear = (await trainClassifier(train, { seed: 1, hidden: [], maxEpochs: 25 })).model;
    const scores = predict(model, test.features, test.mask);
    const amounts = Float32Array.from(test.labels, (_, row) => test.features[row * FEATURES]!);
    const ap = averagePrecision(test.labels, scores);
    expect(report.validationPositives).toBeGreaterThan(20);
    expect(ap).toBeGreaterThan(averagePrecision(test.labels, amounts) + 0.1);
    expect(ap).toBeGreaterThan(averagePrecision(test.labels, predict(linear, test.features, test.mask)) + 0.05);
    expect(ap).toBeLessThan(averagePrecision(test.labels, test.truth) + 0.05);

    const rate = test.labels.reduce((sum, label) => sum + label, 0) / test.labels.length;
    const mean = scores.reduce((sum, p) => sum + p, 0) / scores.length;
    expect(mean / rate).toBeGreaterThan(0.7);
    expect(mean / rate).toBeLessThan(1.43);
    const constant = Array<number>(test.labels.length).fill(rate);
    expect(brierScore(test.labels, scores)).toBeLessThan(brierScore(test.labels, constant));
    expect(logLoss(test.labels, scores)).toBeLessThan(0.5 * logLoss(test.labels, constant) + 0.5 * logLoss(test.labels, test.truth));
  });

  it('gives the same model for the same seed, and keeps it to the bit through files', async () => {
    const rows = payments(3, 2000);
    const train = () => trainClassifier(rows, { seed: 5, maxEpochs: 2 });
    const files = await saveClassifier((await train()).model);
    const { model } = await train();
    expect(await saveClassifier(model)).toEqual(files);
    expect(predict(await loadClassifier(files), rows.features, rows.mask)).toEqual(predict(model, rows.features, rows.mask));
  });

  it('scores an amount beyond those of training like the greatest of them', async () => {
    const rows = payments(3, 2000);
    const { model } = await trainClassifier(rows, { seed: 5, maxEpochs: 5 });
    const greatest = model.encoding.columns[0]!.max;
    expect(rows.features.filter((_, i) => i % FEATURES === 0)).toContain(greatest);
    const probability = (amount: number): number => predict(model, Float32Array.of(amount, 20, 0, 0), new Uint8Array(FEATURES).fill(1))[0]!;
    expect([greatest + 1, 1e6, 1e30, 3.4e38].map(probability)).toEqual(Array(4).fill(probability(greatest)));
    expect(probability(greatest)).toBeGreaterThan(probability(20));
  });

  it('gives a row the same probability alone and in a batch, to float32', async () => {
    const rows = payments(3, 500);
    const { model } = await trainClassifier(rows, { seed: 5, maxEpochs: 3 });
    const batch = predict(model, rows.features, rows.mask);
    for (const row of [0, 17, 499]) {
      const [from, to] = [row * FEATURES, (row + 1) * FEATURES];
      expect(predict(model, rows.features.slice(from, to), rows.mask.slice(from, to))[0]).toBeCloseTo(batch[row]!, 5);
    }
    expect(predict(model, new Float32Array(0), new Uint8Array(0))).toHaveLength(0);
  });

  it.each([
    ['constant features', (r: LabelledRows) => r.features.fill(7)],
    ['all missing', (r: LabelledRows) => r.mask.fill(0)],
    ['absurd values', (r: LabelledRows) => r.features.set([3e38, Infinity, NaN, -3e38])],
  ])('stays a probability with %s', async (_name, spoil) => {
    const rows = payments(8, 400);
    spoil(rows);
    rows.labels.set([1, 0, 1, 0, 1]);
    const { model } = await trainClassifier(rows, { seed: 5, maxEpochs: 3 });
    for (const p of predict(model, rows.features, rows.mask)) {
      expect(p).toBeGreaterThan(0);
      expect(p).toBeLessThan(1);
    }
  });

  it('trains blindly on few positives, and not at all on none', async () => {
    const rows = payments(8, 100);
    rows.labels.fill(0);
    await expect(trainClassifier(rows, { seed: 1 })).rejects.toMatchObject({ code: 'NOT_ENOUGH_DATA' });
    await expect(trainClassifier(payments(1, 0), { seed: 1 })).rejects.toMatchObject({ code: 'NOT_ENOUGH_DATA' });
    rows.labels[4] = 1;
    expect((await trainClassifier(rows, { seed: 1, maxEpochs: 3 })).report).toMatchObject({ trainingRows: 100, validationRows: 0 });
    await expect(trainClassifier(rows, { seed: 1, signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
