import { formatInstant } from '@granary/contracts';
import type { Command } from 'commander';
import { renderTable } from '../terminal/table.js';
import { verb } from '../verb.js';

export function registerHistory(program: Command): void {
  const command = program.command('history').description('List the snapshots that were applied, the newest first');
  verb<object, []>(command, [], 'granary history', async ({ registry, voice }) => {
    const entries = [...(await (await registry()).history())].reverse();
    const rows = entries.map((entry) => [String(entry.number), entry.snapshotId.slice(0, 12), formatInstant(entry.appliedAt), entry.message ?? '']);
    const columns = [{ title: 'number', align: 'right' }, { title: 'snapshot' }, { title: 'applied at' }, { title: 'message' }] as const;
    return { json: { history: entries }, text: rows.length === 0 ? 'nothing has been applied yet' : renderTable(columns, rows, voice.style) };
  });
}
