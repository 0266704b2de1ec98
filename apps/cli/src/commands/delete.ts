import type { Snapshot } from '@granary/contracts';
import type { DeletedEntity } from '@granary/jobs';
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
      'Erase an entity as if it had never been: its events, its dead letters, the log of what was served of it, its values offline and online. Events that arrive later begin anew. Training sets, models and your own files stay. Run again, it finishes what was stopped',
    );
  verb<object, [string, readonly string[]]>(command, ['clickhouseUrl', 'redisUrl', 'project'], 'granary delete user userId=42', async (context, _flags, entity, pairs) => {
    const key = readPairs(pairs);
    const head = await context.snapshot();
    const { deleteEntity, readEntityKey } = await import('@granary/jobs');
    // Before a store is opened: a mistyped key must not wait for it.
    readEntityKey(head, entity, key);
    const snapshots = [head, ...(await formerSnapshots(await context.registry(), head.id))] as const;
    const options = { project: context.environment.project, entity, key, signal: context.signal, onProgress: context.voice.progress.report };
    const result = await deleteEntity(await context.offline(), await context.online(), snapshots, options);
    return { json: result, text: renderDeleted(result, context.voice.style), exitCode: result.left.length > 0 ? 1 : 0 };
  });
}

function renderDeleted({ entity, key, events, deadLetters, served, backfills, recomputed, left }: DeletedEntity, style: Style): string {
  const named = Object.entries(key).map(([name, value]) => `${name}=${valueText(value)}`).join(' ');
  const lost = Object.entries(events).map(([source, count]) => `${source} ${formatCount(count)}`);
  return [
    `erased ${entity} ${named}: ${lost.length === 0 ? 'it had no events' : `events of ${lost.join(', ')}`}; ${plural(deadLetters, 'dead letter')}, ${plural(served, 'logged read')}`,
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
