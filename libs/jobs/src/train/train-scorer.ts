import { GranaryError, identifier, named, resolveService, type FeatureService, type JobOptions, type Scorer, type Snapshot } from '@granary/contracts';
import { SPINE, carriedAs, compileDataset, compileEventSpine } from '@granary/compiler';
import { averagePrecision, initTensorflow, logLoss, predict, rocAuc, saveScorer, trainClassifier, type ArtifactStore } from '@granary/models';
import type { OfflineStore } from '@granary/offline-store';
import { withSpine } from '../dataset/spine-table.js';
import { withEvents } from '../events/with-events.js';
import { findScorer } from '../named.js';
import { isModelInput, numericFeatures, readInputs } from './point-in-time.js';
import { registerModel, type ModelVersion } from './model-registry.js';
import type { TrainOptions } from './train-recommender.js';

const WEEK_MS = 7 * 86_400_000;

/** Labelled rows in order of time. */
interface Rows {
  readonly names: readonly string[];
  readonly features: Float32Array;
  readonly mask: Uint8Array;
  readonly labels: Uint8Array;
  readonly times: Float64Array;
}

/**
 * Trains a scorer on a point-in-time training set of its events and measures it on a later week: the last 7 days are the
 * test, before them a gap of the label delay is left out (labels of that time were not known when the test began), the
 * rest trains. Events whose label is null, not known yet, are in neither; the last week is that of the labelled ones. The
 * model that is saved is the one measured. Metrics: ap, auc and logLoss on the test week, `ap_<field>` of each numeric
 * request field alone, and how many rows there were of each kind.
 * Throws UNKNOWN_SCORER, NOT_ENOUGH_DATA, CANCELLED.
 */
export async function trainScorer(store: OfflineStore, artifacts: ArtifactStore, snapshot: Snapshot, name: string, options: TrainOptions = {}): Promise<ModelVersion> {
  const scorer = findScorer(snapshot, name);
  await initTensorflow();
  const { rows, unlabelled } = await loadRows(store, snapshot, scorer, options);
  const testFrom = (rows.times.at(-1) ?? 0) - WEEK_MS;
  const train = slice(rows, 0, firstAtOrAfter(rows.times, testFrom - scorer.labelDelayMs));
  const test = slice(rows, firstAtOrAfter(rows.times, testFrom), rows.times.length);
  if (train.labels.length === 0 || !test.labels.includes(1)) {
    throw new GranaryError('NOT_ENOUGH_DATA', `${scorer.events} has too little to train and test ${name}: ${train.labels.length} rows before the label delay, ${test.labels.length} in the last week, ${unlabelled} without a label`, {
      todo: `Ingest more than ${Math.ceil((WEEK_MS + scorer.labelDelayMs) / 86_400_000)} days of ${scorer.events}, with positives in the last week.`,
    });
  }
  const { model, report } = await trainClassifier(train, { ...options, seed: options.seed ?? 1 });
  const probabilities = predict(model, test.features, test.mask);
  const alone = named(snapshot.services, scorer.service).request.filter(({ type }) => isModelInput(type)).map(({ name: field }): [string, number] => {
    const column = rows.names.indexOf(field);
    return [`ap_${field}`, averagePrecision(test.labels, Float32Array.from(test.labels, (_, row) => test.features[row * rows.names.length + column]!))];
  });
  const metrics = {
    ap: averagePrecision(test.labels, probabilities),
    ...Object.fromEntries(alone),
    auc: rocAuc(test.labels, probabilities),
    logLoss: logLoss(test.labels, probabilities),
    trainingRows: train.labels.length,
    trainingPositives: report.trainingPositives + report.validationPositives,
    testRows: test.labels.length,
    testPositives: test.labels.reduce((sum, label) => sum + label, 0),
    unlabelledRows: unlabelled,
  };
  const artifact = await artifacts.put(await saveScorer({ kind: 'scorer', inputs: rows.names, classifier: model }));
  return registerModel(store, { name, artifact, snapshot: snapshot.id, metrics });
}

/** The model's inputs, in order: the numeric request fields, then the numeric features. */
export function scorerInputs(snapshot: Snapshot, service: FeatureService): readonly string[] {
  return [...service.request.filter(({ type }) => isModelInput(type)).map((field) => field.name), ...numericFeatures(resolveService(snapshot, service))];
}

async function loadRows(store: OfflineStore, snapshot: Snapshot, scorer: Scorer, options: JobOptions): Promise<{ readonly rows: Rows; readonly unlabelled: number }> {
  const service = named(snapshot.services, scorer.service);
  const source = named(snapshot.sources, scorer.events);
  const { views } = resolveService(snapshot, service);
  const names = scorerInputs(snapshot, service);
  return withEvents(store, snapshot, [source, ...views.map((view) => view.source)], options, async (scope) =>
    withSpine(store, compileEventSpine(source, scope), async (table) => {
      const [counted] = await store.rows({ sql: `SELECT count() AS rows FROM ${identifier(table)}`, params: {} });
      const total = Number(counted!['rows']);
      const width = names.length;
      const rows = { features: new Float32Array(total * width), mask: new Uint8Array(total * width), labels: new Uint8Array(total), times: new Float64Array(total) };
      let [size, unlabelled] = [0, 0];
      // A feature may have the label's name.
      const label = carriedAs(service, scorer.label);
      const carried = [SPINE.time, scorer.label, ...service.request.map((field) => field.name)];
      const statement = compileDataset(snapshot, service, { table, columns: carried, events: source.name }, scope);
      for await (const batch of store.stream(statement, { comment: `train ${scorer.name}`, signal: options.signal })) {
        for (const row of batch) {
          if (row[label] === null) {
            unlabelled++;
            continue;
          }
          readInputs(row, names, rows.features, rows.mask, size * width);
          rows.labels[size] = row[label] === true ? 1 : 0;
          rows.times[size++] = row[SPINE.time] as number;
        }
        options.onProgress?.({ stage: `training set of ${scorer.name}`, done: size + unlabelled, total, unit: 'rows' });
      }
      return { rows: slice({ names, ...rows }, 0, size), unlabelled };
    }),
  );
}

function slice({ names, features, mask, labels, times }: Rows, from: number, to: number): Rows {
  const width = names.length;
  return {
    names,
    features: features.subarray(from * width, to * width),
    mask: mask.subarray(from * width, to * width),
    labels: labels.subarray(from, to),
    times: times.subarray(from, to),
  };
}

function firstAtOrAfter(times: Float64Array, instant: number): number {
  const found = times.findIndex((time) => time >= instant);
  return found < 0 ? times.length : found;
}
