import type { SourceEvent } from '@granary/aggregates';
import type { Instant, Snapshot, Source } from '@granary/contracts';
import type { OfflineStore } from '@granary/offline-store';
import type { OnlineStore } from '@granary/online-store';
import { currentHorizon } from '../events/with-events.js';
import type { Publisher, StoredEvent } from '../intake/publisher.js';
import { partsOfView } from '../view-parts.js';
import { ViewPublisher, type PublishLimits } from './view-publisher.js';

export interface PublisherOptions extends Partial<PublishLimits> {
  /** The first part of every online key, as materialise was given it. */
  readonly project: string;
  /** Default: the clock. */
  readonly now?: () => Instant;
}

export interface OnlinePublisher extends Publisher {
  /** Makes visible what is stored and was not published: what a process had no time for, and what was ingested from files. */
  catchUp(): Promise<void>;
  /** Views that nothing is published to: they are computed from other sources, by materialise. */
  readonly left: readonly string[];
}

const LIMITS: PublishLimits = { batchRows: 5_000, materialiseRows: 100_000, tailBytes: 4_096, slackMs: 60_000 };

/**
 * Appends stored events to the online values of every view that reads their source. What it is told of twice, what another
 * one does as well, and what it was stopped in the midst of, counts once (docs/adr/0010).
 */
export function createPublisher(offline: OfflineStore, online: OnlineStore, snapshot: Snapshot, { project, now = Date.now, ...limits }: PublisherOptions): OnlinePublisher {
  const stored = snapshot.views.map((view) => partsOfView(snapshot, view)).filter(({ source }) => source.computed === undefined);
  const bySource = new Map<string, ViewPublisher[]>();
  for (const parts of stored) {
    const publisher = new ViewPublisher(offline, online, snapshot, parts, { project, now, limits: { ...LIMITS, ...limits } });
    bySource.set(parts.source.name, [...(bySource.get(parts.source.name) ?? []), publisher]);
  }
  const publish = async (source: Pick<Source, 'name'>, events: readonly SourceEvent[], last: number): Promise<void> => {
    await Promise.all((bySource.get(source.name) ?? []).map((each) => each.publish(events, last)));
  };
  const settled = async (): Promise<void> => {
    await Promise.all([...bySource.values()].flat().map((each) => each.settled()));
  };
  return {
    left: snapshot.views.filter((view) => !stored.some((parts) => parts.view === view)).map(({ name }) => name),
    published: (source, events, lastSequence) => publish(source, eventsAtHand(source, events), lastSequence),
    async catchUp() {
      const sources = [...new Set(stored.map(({ source }) => source))];
      const horizon = await currentHorizon(offline, snapshot, sources);
      for (const source of sources) await publish(source, [], horizon.get(source.name)!);
      await settled();
    },
    settled,
    ping: () => online.ping(),
  };
}

/**
 * Those that were stored as they are here. None of a source whose events have
 * versions: which of them replace another the table says.
 */
function eventsAtHand({ knownAt, eventTime }: Source, events: readonly StoredEvent[]): readonly SourceEvent[] {
  if (knownAt !== null || eventTime === null) return [];
  return events.filter(({ outcome }) => outcome === 'new' || outcome === 'version');
}
