import { beforeAll, describe, expect, it } from '@jest/globals';
import { createRandom } from '../random.js';
import { initTensorflow } from '../tensorflow/backend.js';
import { predict } from './classifier.js';
import { loadScorer, saveScorer, type ScorerModel } from './scorer-model.js';
import { trainClassifier } from './train-classifier.js';

describe('a saved scorer', () => {
  let model: ScorerModel;
  let files: Record<string, Uint8Array>;
  beforeAll(async () => {
    await initTensorflow();
    const random = createRandom(4);
    const size = 300;
    const rows = {
      features: Float32Array.from({ length: size * 2 }, () => random.normal()),
      mask: new Uint8Array(size * 2).fill(1),
      labels: Uint8Array.from({ length: size }, () => random.integer(4) >> 1),
      times: Float64Array.from({ length: size }, (_, i) => i),
    };
    model = { kind: 'scorer', inputs: ['amount', 'payments7d'], classifier: (await trainClassifier(rows, { seed: 1, maxEpochs: 2 })).model };
    files = await saveScorer(model);
  });

  it('comes back to the bit and predicts alike', async () => {
    const loaded = await loadScorer(files);
    expect(await saveScorer(loaded)).toEqual(files);
    expect(loaded.inputs).toEqual(['amount', 'payments7d']);
    const row = [Float32Array.of(0.4, -2), Uint8Array.of(1, 0)] as const;
    expect(predict(loaded.classifier, ...row)).toEqual(predict(model.classifier, ...row));
  });

  it.each([[undefined], ['amount'], [['amount']], [['amount', 7]], [['a', 'b', 'c']]])('is refused as corrupt with the inputs %j', async (inputs) => {
    const spoilt = { ...files, 'model.json': new TextEncoder().encode(JSON.stringify({ header: { kind: 'scorer', inputs }, arrays: {} })) };
    await expect(loadScorer(spoilt)).rejects.toMatchObject({ code: 'ARTIFACT_CORRUPT' });
  });

  it('is refused as corrupt when its encoding does not know the range of training', async () => {
    const name = 'classifier/model.json';
    const text = new TextDecoder().decode(files[name]);
    const spoilt = text.replaceAll(/"max":[^,]*,/g, '');
    expect(spoilt).not.toBe(text);
    await expect(loadScorer({ ...files, [name]: new TextEncoder().encode(spoilt) })).rejects.toMatchObject({ code: 'ARTIFACT_CORRUPT' });
  });

  it.each(['model.json', 'classifier/model.json', 'classifier/network/network.json', 'classifier/network/network.bin'])('is refused as corrupt without %s', async (name) => {
    const spoilt = { ...files };
    delete spoilt[name];
    await expect(loadScorer(spoilt)).rejects.toMatchObject({ code: 'ARTIFACT_CORRUPT' });
  });
});
