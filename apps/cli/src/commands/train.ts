import { formatInstant } from '@granary/contracts';
import type { ModelVersion } from '@granary/jobs';
import type { Command } from 'commander';
import type { Context } from '../context.js';
import { wholeNumber } from '../flags.js';
import { formatMetric } from '../terminal/format.js';
import type { Style } from '../terminal/style.js';
import { flag, verb } from '../verb.js';

interface TrainFlags {
  readonly seed: number;
}

export function registerTrain(program: Command): void {
  const command = program
    .command('train')
    .argument('[names...]', 'recommenders and scorers (default: all that are applied)')
    .description('Train models on what is ingested and save each as a new version')
    .option('--seed <number>', 'the same seed, data and declaration give the same model', flag(wholeNumber(0)), 1);
  verb<TrainFlags, [readonly string[]]>(command, ['clickhouseUrl'], 'granary train for_you', async (context, { seed }, names) => {
    const models = await train(context, names, seed);
    return {
      json: { models: models.map((each) => ({ ...each, createdAt: formatInstant(each.createdAt) })) },
      text: models.length === 0 ? 'no recommender or scorer is applied' : models.map((each) => renderModel(each, context.voice.style)).join('\n'),
    };
  });
}

/** Recommenders first, then scorers; none named: all of the snapshot. Throws UNKNOWN_MODEL before any is trained. */
export async function train(context: Context, names: readonly string[], seed: number): Promise<readonly ModelVersion[]> {
  const snapshot = await context.snapshot();
  const { selectModels, trainRecommender, trainScorer } = await import('@granary/jobs');
  const wanted = selectModels(snapshot, names);
  const [offline, artifacts] = [await context.offline(), await context.artifacts()];
  const options = { seed, onProgress: context.voice.progress.report, signal: context.signal };
  const models: ModelVersion[] = [];
  for (const { kind, name } of wanted) {
    const trainOne = kind === 'recommender' ? trainRecommender : trainScorer;
    models.push(await trainOne(offline, artifacts, snapshot, name, options));
  }
  return models;
}

export function renderModel({ name, version, artifact, metrics }: ModelVersion, style: Style): string {
  const numbers = Object.entries(metrics).map(([metric, value]) => `${style.dim(metric)} ${formatMetric(value)}`);
  return `${style.heading(name)} version ${version}  ${style.dim(artifact.slice(0, 12))}\n  ${numbers.join('  ')}`;
}
