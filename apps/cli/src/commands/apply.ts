import { GranaryError, formatInstant } from '@granary/contracts';
import type { Command } from 'commander';
import { currentSnapshot, type Context } from '../context.js';
import { verb } from '../verb.js';
import { makePlan, renderChanges, type Plan } from './plan.js';

interface ApplyFlags {
  readonly message?: string;
  readonly expect?: string;
  readonly snapshot?: string;
}

export function registerApply(program: Command): void {
  const command = program
    .command('apply')
    .description('Make the definitions, or an older snapshot, the head of the registry')
    .option('-m, --message <text>', 'why, for the history')
    .option('--expect <head>', 'fail unless this snapshot is the head now: its id or the first 4 digits or more, or none')
    .option('--snapshot <id>', 'apply this older snapshot again instead of the definitions');
  verb<ApplyFlags, []>(command, ['defs'], 'granary apply -m "spend over 30 days"\ngranary apply --snapshot 3f2a9c', async (context, flags) => {
    const plan = flags.snapshot === undefined ? await makePlan(context, false) : await planSnapshot(context, flags.snapshot);
    if (flags.expect !== undefined) checkHead(plan.head, flags.expect);
    const { checksError } = await import('@granary/registry');
    const refused = checksError(plan.checks);
    if (refused !== undefined) throw refused;
    const text = await renderChanges(context, plan);
    const registry = await context.registry();
    const { outcome, entry } = await registry.apply(plan.snapshot, plan.head, flags.message === undefined ? {} : { message: flags.message });
    const said = outcome === 'applied' ? `applied ${entry.snapshotId} as number ${entry.number}` : `${entry.snapshotId} is the head already, since ${formatInstant(entry.appliedAt)}`;
    return { json: { outcome, snapshot: entry.snapshotId, entry, changes: plan.changes, checks: plan.checks }, text: `${text}\n${context.voice.style.good(said)}` };
  });
}

/** Its definitions were checked when it was applied first. */
async function planSnapshot(context: Context, id: string): Promise<Plan> {
  const { planChanges } = await import('@granary/registry');
  const registry = await context.registry();
  const snapshot = await currentSnapshot(registry, id);
  const head = (await registry.head())?.snapshotId ?? null;
  return { head, snapshot, changes: planChanges(head === null ? null : await registry.snapshot(head), snapshot), checks: [] };
}

function checkHead(head: string | null, expected: string): void {
  if (expected === 'none' ? head === null : expected.length >= 4 && head?.startsWith(expected)) return;
  throw new GranaryError('REGISTRY_CONFLICT', `the head is ${head?.slice(0, 12) ?? 'none'}, not ${expected}`, {
    todo: 'Plan again, look at the changes, and apply.',
    details: { expected, actual: head },
  });
}
