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
    .option('--at <instant>', `${INSTANT_HELP} (default: now)`, flag(readInstant))
    .option('--view <names...>', 'only these feature views (default: all)');
  verb<MaterialiseFlags, []>(command, ['clickhouseUrl', 'redisUrl', 'project'], 'granary materialise --at 2026-05-01T06:00', async (context, { at = Date.now(), view }) => {
    const snapshot = await context.snapshot();
    const { materialise } = await import('@granary/jobs');
    const { project } = context.environment;
    const options = { at, project, views: view, onProgress: context.voice.progress.report, signal: context.signal };
    const results = await materialise(await context.offline(), await context.online(), snapshot, options).catch((error: unknown) => {
      throw isGranaryError(error, 'CANCELLED') ? toGoOn(error, at) : error;
    });
    return { json: { views: results.map((each) => ({ ...each, asOf: formatInstant(each.asOf) })) }, text: renderMaterialised(results, context.voice.style) };
  });
}

/** A run goes on where another was stopped if it is for the same instant, and `now` never is. */
function toGoOn(error: GranaryError, at: Instant): GranaryError {
  return new GranaryError('CANCELLED', error.message, {
    todo: `Run it with --at ${formatInstant(at)} to go on from here; a run for another instant is right too.`,
    details: { ...error.details, at: formatInstant(at) },
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
