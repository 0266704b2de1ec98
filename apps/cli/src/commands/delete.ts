import type { Snapshot } from '@granary/contracts';
import type { Registry } from '@granary/registry';
import type { Command } from 'commander';
import { readPairs } from '../flags.js';
import { plural } from '../terminal/format.js';
import { verb } from '../verb.js';
import { valueText } from './explain.js';

export function registerDelete(program: Command): void {
  const command = program
    .command('delete')
    .argument('<entity>', 'the entity, as it is declared')
    .argument('<key=value...>', 'its keys')
    .description('Delete an entity’s rows of all views from the online store. Its events stay in ClickHouse: later ones, and materialise --full, bring it back. To forget a person is more than this');
  verb<object, [string, readonly string[]]>(command, ['redisUrl', 'project'], 'granary delete user userId=42', async (context, _flags, entity, pairs) => {
    const key = readPairs(pairs);
    const head = await context.snapshot();
    const { deleteEntity, readEntityKey } = await import('@granary/jobs');
    // Before the store is opened: a mistyped key must not wait for it.
    readEntityKey(head, entity, key);
    const snapshots = [head, ...(await formerSnapshots(await context.registry(), head.id))] as const;
    const result = await deleteEntity(await context.online(), snapshots, { project: context.environment.project, entity, key });
    const { style } = context.voice;
    const named = Object.entries(result.key).map(([name, value]) => `${name}=${valueText(value)}`).join(' ');
    const text = `deleted ${plural(result.deleted, 'row')} of ${entity} ${named} from the online store\n${style.dim('its events are still stored: later ones bring it back')}`;
    return { json: result, text };
  });
}

async function formerSnapshots(registry: Registry, head: string): Promise<readonly Snapshot[]> {
  const ids = new Set((await registry.history()).map(({ snapshotId }) => snapshotId));
  ids.delete(head);
  return Promise.all([...ids].map((id) => registry.snapshot(id)));
}
