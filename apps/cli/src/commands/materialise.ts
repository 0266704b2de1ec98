import { formatInstant, type Instant } from '@granary/contracts';
import type { MaterialiseResult } from '@granary/jobs';
import type { Command } from 'commander';
import { INSTANT_HELP, readInstant } from '../flags.js';
import { formatCount } from '../terminal/format.js';
import type { Style } from '../terminal/style.js';
import { renderTable } from '../terminal/table.js';
import { flag, verb } from '../verb.js';

interface MaterialiseFlags {
  readonly at?: Instant;
  readonly view?: readonly string[];
  readonly full?: boolean;
}

export function registerMaterialise(program: Command): void {
  const command = program
    .command('materialise')
    .alias('materialize')
    .description('Put what has happened into the online store, for reads from an instant on: only entities with new events, and on from where a stopped run was')
    .option('--at <instant>', `${INSTANT_HELP}: no read before it is answered online (default: now)`, flag(readInstant))
    .option('--full', 'write every entity anew, which frees the memory of events that are no longer needed')
    .option('--view <names...>', 'only these feature views (default: all)');
  verb<MaterialiseFlags, []>(command, ['clickhouseUrl', 'redisUrl', 'project'], 'granary materialise --at 2026-05-01T06:00', async (context, { at: given, view, full }) => {
    const at = given ?? Date.now();
    const snapshot = await context.snapshot();
    const { materialise } = await import('@granary/jobs');
    const { project } = context.environment;
    const options = { at, full, project, views: view, onProgress: context.voice.progress.report, signal: context.signal };
    const results = await materialise(await context.offline(), await context.online(), snapshot, options);
    return { json: { views: results.map((each) => ({ ...each, asOf: formatInstant(each.asOf) })) }, text: renderMaterialised(results, context.voice.style) };
  });
}

export function renderMaterialised(results: readonly MaterialiseResult[], style: Style): string {
  const columns = [{ title: 'view' }, { title: 'as of' }, ...['rows', 'written', 'deleted'].map((title) => ({ title, align: 'right' as const })), { title: '' }];
  const rows = results.map((each) => [
    each.view,
    formatInstant(each.asOf),
    ...[each.rows, each.written, each.deleted].map(formatCount),
    each.recovered ? style.warn('all anew: a server of the cluster was restarted or replaced') : each.resumed ? style.dim('went on from a stopped run') : '',
  ]);
  return renderTable(columns, rows, style);
}
