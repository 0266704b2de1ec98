import type { Snapshot } from '@granary/contracts';
import type { DeletedEntity, ErasurePlan } from '@granary/jobs';
import type { Registry } from '@granary/registry';
import type { Command } from 'commander';
import { readPairs } from '../flags.js';
import { formatCount, plural } from '../terminal/format.js';
import type { Style } from '../terminal/style.js';
import { verb } from '../verb.js';
import { valueText } from './explain.js';

export function registerDelete(program: Command): void {
  const command = program
    .command('delete')
    .argument('<entity>', 'the entity, as it is declared')
    .argument('<key=value...>', 'its keys')
    .description(
      'With --yes, erase an entity as if it had never been: its events, its dead letters, the log of what was served of it, its values offline and online. Events that arrive later begin anew. Training sets, models and your own files stay. Run again, it finishes what was stopped. Without --yes it says what would go',
    )
    .option('--yes', 'erase: there is no way back');
  verb<{ readonly yes?: true }, [string, readonly string[]]>(command, ['clickhouseUrl', 'redisUrl', 'project'], 'granary delete user userId=42\ngranary delete user userId=42 --yes', async (context, { yes }, entity, pairs) => {
    const key = readPairs(pairs);
    const head = await context.snapshot();
    const { deleteEntity, planErasure, readEntityKey } = await import('@granary/jobs');
    // Before a store is opened: a mistyped key must not wait for it.
    readEntityKey(head, entity, key);
    const snapshots = [head, ...(await formerSnapshots(await context.registry(), head.id))] as const;
    if (yes !== true) {
      const planned = await planErasure(await context.offline(), snapshots, { entity, key });
      return { json: planned, text: renderPlan(planned, context.voice.style) };
    }
    const options = { project: context.environment.project, entity, key, signal: context.signal, onProgress: context.voice.progress.report };
    const result = await deleteEntity(await context.offline(), await context.online(), snapshots, options);
    return { json: result, text: renderDeleted(result, context.voice.style), exitCode: result.left.length > 0 ? 1 : 0 };
  });
}

function renderPlan({ entity, key, events, views }: ErasurePlan, style: Style): string {
  return [
    `${entity} ${keyText(key)} has ${eventsText(events)}${views.length === 0 ? '' : `; what ${views.join(', ')} hold of them, also for other entities, would be computed anew`}`,
    style.warn('nothing is erased yet: --yes erases it, and there is no way back'),
  ].join('\n');
}

function keyText(key: DeletedEntity['key']): string {
  return Object.entries(key).map(([name, value]) => `${name}=${valueText(value)}`).join(' ');
}

function eventsText(events: DeletedEntity['events']): string {
  const counts = Object.entries(events).map(([source, count]) => `${source} ${formatCount(count)}`);
  return counts.length === 0 ? 'no events' : `events of ${counts.join(', ')}`;
}

function renderDeleted({ entity, key, events, deadLetters, served, backfills, recomputed, left }: DeletedEntity, style: Style): string {
  return [
    `erased ${entity} ${keyText(key)}: ${eventsText(events)}; ${plural(deadLetters, 'dead letter')}, ${plural(served, 'logged read')}`,
    ...(recomputed === 0 ? [] : [`online, ${plural(recomputed, 'row')} of other entities that those events were in too ${recomputed === 1 ? 'is' : 'are'} computed anew`]),
    ...(backfills.length === 0 ? [] : [`backfilled values of ${backfills.join(', ')} are gone: granary backfill computes them anew`]),
    ...left.map((source) => style.warn(`${source}: its SQL still gives events of it, from stored events that no view reads under this key: delete what they belong to`)),
    style.dim('training sets and models that were made before stay, and so do your files: ingested again, they bring it back'),
  ].join('\n');
}

async function formerSnapshots(registry: Registry, head: string): Promise<readonly Snapshot[]> {
  const ids = new Set((await registry.history()).map(({ snapshotId }) => snapshotId));
  ids.delete(head);
  return Promise.all([...ids].map((id) => registry.snapshot(id)));
}
