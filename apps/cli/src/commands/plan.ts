import { existsSync } from 'node:fs';
import { eventsTable, type Snapshot } from '@granary/contracts';
import type { Change } from '@granary/registry';
import type { Command } from 'commander';
import type { Context } from '../context.js';
import { formatCount } from '../terminal/format.js';
import { verb } from '../verb.js';

export function registerPlan(program: Command): void {
  const command = program
    .command('plan')
    .description('Show what applying the definitions would change')
    .option('--no-estimates', 'leave out how many events would be scanned (they are shown when the offline store is there and free)');
  verb<{ readonly estimates: boolean }, []>(command, ['defs', 'clickhouseUrl'], 'granary plan --defs feature-defs/marketplace', async (context, { estimates }) => {
    const plan = await makePlan(context, estimates);
    const { id } = plan.snapshot;
    return {
      json: { head: plan.head, snapshot: id, changes: plan.changes },
      text: `${await renderChanges(context, plan.changes)}\nhead ${plan.head?.slice(0, 12) ?? 'none'} → snapshot ${id.slice(0, 12)}`,
    };
  });
}

export interface Plan {
  /** The id of the snapshot applied last; null: none. */
  readonly head: string | null;
  readonly snapshot: Snapshot;
  readonly changes: readonly Change[];
}

/** Throws DEFINITION_INVALID with every problem of every file, and DEFINITION_NOT_FOUND. */
export async function makePlan(context: Context, estimates: boolean): Promise<Plan> {
  const { addNotes, loadDefinitions, planChanges, resolveSnapshot } = await import('@granary/registry');
  const snapshot = resolveSnapshot(await loadDefinitions(context.environment.defs));
  const registry = await context.registry();
  const head = (await registry.head())?.snapshotId ?? null;
  const before = head === null ? null : await registry.snapshot(head);
  const changes = planChanges(before, snapshot);
  const scans = estimates ? await eventsToScan(context, snapshot, changes) : new Map<string, number>();
  const noted = addNotes(changes, ({ kind, name }) => {
    const events = kind === 'featureView' ? scans.get(name) : undefined;
    return events === undefined ? [] : [`${formatCount(events)} events to scan`];
  });
  return { head, snapshot, changes: noted };
}

export async function renderChanges(context: Context, changes: readonly Change[]): Promise<string> {
  const { renderPlan } = await import('@granary/registry');
  return renderPlan(changes, { color: context.voice.style.colours });
}

/** By view that must be backfilled anew. Empty when the store isn't there, is in use, or lacks the sources: a plan never fails for it. */
async function eventsToScan(context: Context, snapshot: Snapshot, changes: readonly Change[]): Promise<ReadonlyMap<string, number>> {
  const scans = new Map<string, number>();
  const { offline } = context.environment;
  const renewed = changes.filter(({ version }) => version != null && version.after !== null && version.after !== version.before);
  if (renewed.length === 0 || (offline.kind === 'embedded' && !existsSync(offline.path))) return scans;
  try {
    const store = await context.offline();
    for (const { name } of renewed) {
      const source = { name: snapshot.views.find((view) => view.name === name)!.source };
      if (await store.tableExists(eventsTable(source))) scans.set(name, await store.countEvents(source));
    }
  } catch (error) {
    context.voice.note(`no estimates: ${(error as Error).message}`);
  }
  return scans;
}
