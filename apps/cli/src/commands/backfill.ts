import { formatInstant, parseDuration } from '@granary/contracts';
import type { BackfillResult } from '@granary/jobs';
import type { Command } from 'commander';
import { INSTANT_HELP, instantsOf, readBytes, readInstant, type InstantFlags } from '../flags.js';
import { formatCount } from '../terminal/format.js';
import type { Style } from '../terminal/style.js';
import { renderTable } from '../terminal/table.js';
import { flag, verb } from '../verb.js';

export function registerBackfill(program: Command): void {
  const command = program
    .command('backfill')
    .description('Compute feature values as of an instant, or as of many, in the offline store: only what events touch that came since, and on from where a stopped run was')
    .option('--at <instant>', `${INSTANT_HELP} (default: now)`, flag(readInstant))
    .option('--from <instant>', 'first instant of a range', flag(readInstant))
    .option('--to <instant>', 'last instant of a range, itself included', flag(readInstant))
    .option('--every <duration>', 'step of a range: 1d, 6h, 15m', flag(parseDuration))
    .option('--view <names...>', 'only these feature views (default: all)')
    .option('--max-memory <size>', 'memory that the statements at work may use, such as 2GiB; more events than fit are taken in chunks (default: 4GiB)', flag(readBytes));
  const example = 'granary backfill --at 2026-05-01\ngranary backfill --from 2026-05-01 --to 2026-05-31 --every 1d --view user_activity';
  verb<InstantFlags & { readonly view?: readonly string[]; readonly maxMemory?: number }, []>(command, ['clickhouseUrl'], example, async (context, flags) => {
    const instants = instantsOf(flags, Date.now());
    const snapshot = await context.snapshot();
    const { backfill } = await import('@granary/jobs');
    const runs = await backfill(await context.offline(), snapshot, {
      instants,
      views: flags.view,
      maxMemoryBytes: flags.maxMemory,
      onProgress: context.voice.progress.report,
      signal: context.signal,
    });
    return { json: { runs: runs.map((run) => ({ ...run, asOf: formatInstant(run.asOf) })) }, text: renderRuns(runs, context.voice.style) };
  });
}

export function renderRuns(runs: readonly BackfillResult[], style: Style): string {
  const columns = [{ title: 'view' }, { title: 'as of' }, { title: 'rows', align: 'right' }, { title: 'computed', align: 'right' }, { title: '' }] as const;
  return renderTable(columns, runs.map((run) => [run.view, formatInstant(run.asOf), formatCount(run.rows), formatCount(run.recomputed), run.computed ? '' : style.dim('nothing new')]), style);
}
