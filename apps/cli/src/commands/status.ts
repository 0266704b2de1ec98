import { existsSync } from 'node:fs';
import { formatInstant, isGranaryError } from '@granary/contracts';
import type { HistoryEntry } from '@granary/registry';
import type { Command } from 'commander';
import type { Context } from '../context.js';
import { offlineStatus, renderOffline, type OfflineStatus } from '../status/offline-status.js';
import { onlineStatus, renderOnline, type OnlineStatus } from '../status/online-status.js';
import type { Style } from '../terminal/style.js';
import { verb } from '../verb.js';

/** What a part of the system says of itself, or why it can't. */
type Part<T> = { readonly available: true; readonly where: string } & T | { readonly available: false; readonly where: string; readonly code: string; readonly why: string; readonly todo: string | null };

interface Status {
  readonly registry: { readonly where: string; readonly head: HistoryEntry | null };
  readonly offline: Part<OfflineStatus>;
  readonly online: Part<OnlineStatus>;
}

export function registerStatus(program: Command): void {
  const command = program.command('status').description('Show what is applied, ingested, backfilled, online (how far, and how large) and trained, and what can’t be reached');
  verb<object, []>(command, ['clickhouseUrl', 'redisUrl', 'project'], 'granary status', async (context) => {
    const status = await statusOf(context);
    return { json: status, text: renderStatus(status, context.voice.style) };
  });
}

async function statusOf(context: Context): Promise<Status> {
  const registry = await context.registry();
  const head = await registry.head();
  const snapshot = head === null ? null : await registry.snapshot(head.snapshotId);
  const { offline, online, project } = context.environment;
  const places = {
    offline: offline.kind === 'embedded' ? offline.path : offline.url,
    online: online.kind === 'lmdb' ? online.path : (await import('@granary/online-store')).publicAddress(online.url),
  };
  const offlinePart = offline.kind === 'embedded' && !existsSync(offline.path) ? absent(places.offline) : await part(places.offline, async () => offlineStatus(await context.offline(), snapshot));
  const stored = offlinePart.available ? new Map(offlinePart.sources.map(({ source, lastSequence }) => [source, lastSequence])) : null;
  return {
    registry: { where: registry.dir, head },
    offline: offlinePart,
    online: online.kind === 'lmdb' && !existsSync(online.path) ? absent(places.online) : await part(places.online, async () => onlineStatus(await context.online(), snapshot, project, stored)),
  };
}

/** Looking must not make what isn't there. */
function absent(where: string): Part<never> {
  return { available: false, where, code: 'ABSENT', why: 'nothing has been stored yet', todo: null };
}

/** One part that is locked or down must not hide the others. */
async function part<T>(where: string, ask: () => Promise<T>): Promise<Part<T>> {
  try {
    return { available: true, where, ...(await ask()) };
  } catch (error) {
    if (!isGranaryError(error, 'STORE_LOCKED') && !isGranaryError(error, 'STORE_UNAVAILABLE')) throw error;
    return { available: false, where, code: error.code, why: error.message, todo: error.todo ?? null };
  }
}

function renderStatus({ registry, offline, online }: Status, style: Style): string {
  const { head } = registry;
  const applied = head === null ? style.warn('nothing applied yet') : `snapshot ${head.snapshotId.slice(0, 12)}, number ${head.number}, applied ${formatInstant(head.appliedAt)}`;
  const sections = [`${style.heading('registry')} ${style.dim(registry.where)}\n${applied}`];
  const add = (title: string, part: Part<unknown>, body: () => readonly string[]): void => {
    const down = part.available ? null : `${(part.code === 'ABSENT' ? style.dim('–') : style.bad(part.code))} ${part.why}${part.todo === null ? '' : `\n${style.dim('→')} ${part.todo}`}`;
    sections.push([`${style.heading(title)} ${style.dim(part.where)}`, ...(down === null ? body() : [down])].join('\n'));
  };
  add('offline store', offline, () => (offline.available ? renderOffline(offline, style) : []));
  add('online store', online, () => (online.available ? renderOnline(online, style) : []));
  return sections.join('\n\n');
}
