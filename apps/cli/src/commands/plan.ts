import { existsSync } from 'node:fs';
import { formatDuration, named, type Snapshot } from '@granary/contracts';
import type { ViewEstimate } from '@granary/jobs';
import type { Change, Problem } from '@granary/registry';
import type { Command } from 'commander';
import type { Context } from '../context.js';
import { keptOnline, renderOnlineViews } from '../plan-online.js';
import { formatBytes, formatRoughly } from '../terminal/format.js';
import { verb } from '../verb.js';

export function registerPlan(program: Command): void {
  const command = program
    .command('plan')
    .description('Show what applying the definitions would change and cost, and check them')
    .option('--explain', 'show how each feature is kept online, and why; with --json always')
    .option('--no-estimates', 'leave out how many events would be scanned and how much is kept online (shown when the offline store is there and free)');
  verb<{ readonly estimates: boolean; readonly explain?: true }, []>(command, ['defs', 'clickhouseUrl'], 'granary plan --defs feature-defs/marketplace', async (context, { estimates, explain }) => {
    const plan = await makePlan(context, estimates);
    const { id } = plan.snapshot;
    const online = keptOnline(plan.snapshot);
    return {
      json: { head: plan.head, snapshot: id, changes: plan.changes, checks: plan.checks, online },
      text: `${await renderChanges(context, plan)}${explain === true ? `\n${renderOnlineViews(online, context.voice.style)}\n` : ''}\nhead ${plan.head?.slice(0, 12) ?? 'none'} → snapshot ${id.slice(0, 12)}`,
      exitCode: plan.checks.some((check) => check.severity === 'error') ? 1 : 0,
    };
  });
}

/** A change, and what it costs where that is known. */
export type CostedChange = Change & { readonly estimate?: ViewEstimate };

export interface Plan {
  /** The id of the snapshot applied last; null: none. */
  readonly head: string | null;
  readonly snapshot: Snapshot;
  readonly changes: readonly CostedChange[];
  /** What the static checks found; errors stop an apply. */
  readonly checks: readonly Problem[];
}

/** Throws DEFINITION_INVALID with every problem of every file, and DEFINITION_NOT_FOUND. */
export async function makePlan(context: Context, estimates: boolean): Promise<Plan> {
  const { addNotes, checkDefinitions, loadDefinitions, planChanges, resolveSnapshot } = await import('@granary/registry');
  const definitions = await loadDefinitions(context.environment.defs);
  const snapshot = resolveSnapshot(definitions);
  const registry = await context.registry();
  const head = (await registry.head())?.snapshotId ?? null;
  const changes = planChanges(head === null ? null : await registry.snapshot(head), snapshot);
  const costs = estimates ? await estimate(context, snapshot, changes) : new Map<string, ViewEstimate>();
  const costOf = ({ kind, name }: Change): ViewEstimate | undefined => (kind === 'featureView' ? costs.get(name) : undefined);
  const online = keptOnline(snapshot);
  const noted = addNotes(changes, (change) => {
    if (change.kind !== 'featureView' || !isRenewed(change)) return [];
    const cost = costOf(change);
    const costs = cost === undefined ? [] : costNotes(cost, named(snapshot.views, change.name).entity);
    return [...costs, online.find(({ view }) => view === change.name)!.summary];
  });
  const costed = noted.map((change): CostedChange => {
    const cost = costOf(change);
    return cost === undefined ? change : { ...change, estimate: cost };
  });
  return { head, snapshot, changes: costed, checks: checkDefinitions(definitions) };
}

/** The changes, then what the checks found. */
export async function renderChanges(context: Context, { changes, checks }: Pick<Plan, 'changes' | 'checks'>): Promise<string> {
  const { renderChecks, renderPlan } = await import('@granary/registry');
  const style = { color: context.voice.style.colours };
  return [renderPlan(changes, style), renderChecks(checks, style)].filter((part) => part !== '').join('\n');
}

/** `scans 12.4M rows`, `~1.2 kB per user online (60 events of 17 B, the most 9,000), 1.2 MB in all`. */
function costNotes({ rows, rowsInWindows, bytesPerEntity, entities, eventsPerEntity, mostEventsPerEntity, bytesPerEvent, hop }: ViewEstimate, entity: string): readonly string[] {
  const within = rows === rowsInWindows || rowsInWindows === null ? '' : `, ${formatRoughly(rowsInWindows)} in its windows`;
  const all = entities === null ? '' : `, ${formatBytes(entities * bytesPerEntity)} in all`;
  const most = eventsPerEntity !== null && mostEventsPerEntity !== null && mostEventsPerEntity >= UNEVEN * eventsPerEntity ? `, the most ${formatRoughly(mostEventsPerEntity)}` : '';
  const events = bytesPerEvent === 0 ? '' : eventsPerEntity === null ? ` and ${bytesPerEvent} B an event` : ` (${formatRoughly(Math.round(eventsPerEntity))} events of ${bytesPerEvent} B${most})`;
  return [...(rows === null ? [] : [`scans ${formatRoughly(rows)} ${rows === 1 ? 'row' : 'rows'}${within}`]), `~${formatBytes(bytesPerEntity)} per ${entity} online${events}${all}`, ...(hop === null ? [] : [hopNote(hop)])];
}

function hopNote({ features, approximate, sizeMs, hopMs, hops, valueBytes }: NonNullable<ViewEstimate['hop']>): string {
  const [size, each] = [formatDuration(sizeMs), formatDuration(hopMs)];
  const rounded = approximate.length === 0 ? '' : ` ${approximate.join(', ')} by approxPercentile, off by at most 0.4 %;`;
  const values = valueBytes === 0 ? '' : `, with ~${formatBytes(valueBytes)} of values at most,`;
  return `${features.join(', ')}: over('${size}', { hop: '${each}' }) keeps at most ${hops} totals of an entity${values} instead;${rounded} its far end is then up to ${each} earlier, in training sets too`;
}

/** An entity with so many times the events of others is worth a word. */
const UNEVEN = 10;

/** Whether its values must be computed anew. */
function isRenewed({ version }: Change): boolean {
  return version != null && version.after !== null && version.after !== version.before;
}

/** By view that must be backfilled anew. Empty when the store isn't there, is in use, or can't be asked: a plan never fails for it. */
async function estimate(context: Context, snapshot: Snapshot, changes: readonly Change[]): Promise<ReadonlyMap<string, ViewEstimate>> {
  const costs = new Map<string, ViewEstimate>();
  const { offline } = context.environment;
  const renewed = changes.filter(isRenewed);
  if (renewed.length === 0 || (offline.kind === 'embedded' && !existsSync(offline.path))) return costs;
  try {
    const { estimateView } = await import('@granary/jobs');
    const store = await context.offline();
    for (const { name } of renewed) costs.set(name, await estimateView(store, snapshot, named(snapshot.views, name)));
  } catch (error) {
    context.voice.note(`no estimates: ${(error as Error).message}`);
  }
  return costs;
}
