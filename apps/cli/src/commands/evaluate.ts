import type { Command } from 'commander';
import { wholeNumber } from '../flags.js';
import { formatCount } from '../terminal/format.js';
import { renderTable } from '../terminal/table.js';
import { flag, verb } from '../verb.js';

export function registerEvaluate(program: Command): void {
  const command = program
    .command('evaluate')
    .argument('<recommender>', 'the recommender to measure')
    .description('Measure a recommender offline, each of its candidate sources beside the ranked result; saved models are not touched')
    .option('--seed <number>', 'of the models trained for it', flag(wholeNumber(0)), 1);
  verb<{ readonly seed: number }, [string]>(command, ['clickhouseUrl'], 'granary evaluate for_you', async (context, { seed }, name) => {
    const snapshot = await context.snapshot();
    const { evaluateRecommender } = await import('@granary/jobs');
    const result = await evaluateRecommender(await context.offline(), snapshot, name, { seed, onProgress: context.voice.progress.report, signal: context.signal });
    const columns = [{ title: 'source' }, { title: 'NDCG@10', align: 'right' }, { title: 'HR@10', align: 'right' }] as const;
    const table = renderTable(columns, result.rows.map((row) => [row.source, row.ndcg10.toFixed(4), row.hr10.toFixed(4)]), context.voice.style);
    return { json: result, text: `${table}\n\n${result.protocol}\n${formatCount(result.users)} users` };
  });
}
