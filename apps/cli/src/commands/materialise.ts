import { formatInstant, isGranaryError, GranaryError, type Instant } from '@granary/contracts';
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
}

export function registerMaterialise(program: Command): void {
  const command = program
    .command('materialise')
    .alias('materialize')
    .description('Put feature values as of an instant into the online store: only what changed, and on from where a stopped run was')
    .option('--at <instant>', `${INSTANT_HELP} (default: now, after finishing the instant that a stopped run was at)`, flag(readInstant))
    .option('--view <names...>', 'only these feature views (default: all)');
  verb<MaterialiseFlags, []>(command, ['clickhouseUrl', 'redisUrl', 'project'], 'granary materialise --at 2026-05-01T06:00', async (context, { at: given, view }) => {
    const at = given ?? Date.now();
    const snapshot = await context.snapshot();
    const { materialise } = await import('@granary/jobs');
    const { project } = context.environment;
    const options = { at, takeUp: given === undefined, project, views: view, onProgress: context.voice.progress.report, signal: context.signal };
    const results = await materialise(await context.offline(), await context.online(), snapshot, options).catch((error: unknown) => {
      throw isGranaryError(error, 'CANCELLED') ? toGoOn(error, given) : error;
    });
    return { json: { views: results.map((each) => ({ ...each, asOf: formatInstant(each.asOf) })) }, text: renderMaterialised(results, context.voice.style) };
  });
}

/** Without an instant the next run finds by itself which one this was at. */
function toGoOn(error: GranaryError, given: Instant | undefined): GranaryError {
  return new GranaryError('CANCELLED', error.message, {
    todo: given === undefined ? 'Run it again: it goes on from here.' : `Run it with --at ${formatInstant(given)}, or without --at, to go on from here.`,
    details: { ...error.details, ...(given === undefined ? {} : { at: formatInstant(given) }) },
    cause: error,
  });
}

export function renderMaterialised(results: readonly MaterialiseResult[], style: Style): string {
  const columns = [{ title: 'view' }, { title: 'as of' }, ...['rows', 'written', 'deleted'].map((title) => ({ title, align: 'right' as const })), { title: '' }];
  const rows = results.map((each) => [
    each.view,
    formatInstant(each.asOf),
    ...[each.rows, each.written, each.deleted].map(formatCount),
    each.resumed ? style.dim('went on from a stopped run') : '',
  ]);
  return renderTable(columns, rows, style);
}
