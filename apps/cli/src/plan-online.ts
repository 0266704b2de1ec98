import { mostTiles, representView, type FeatureRepresentation, type ViewRepresentation } from '@granary/aggregates';
import { formatDuration, named, type Snapshot } from '@granary/contracts';
import { plural } from './terminal/format.js';
import type { Style } from './terminal/style.js';
import { renderTable } from './terminal/table.js';

/** How the features of a view are kept online. */
export interface ViewOnline {
  readonly view: string;
  /** In short. */
  readonly summary: string;
  readonly features: readonly { readonly feature: string; readonly kept: FeatureRepresentation['kept']; readonly why: string; readonly exactness: string }[];
}

/** Of every view: it follows from the declarations alone. */
export function keptOnline(snapshot: Snapshot): readonly ViewOnline[] {
  return snapshot.views.map((view) => {
    const source = named(snapshot.sources, view.source);
    const representation = representView(view, source);
    const features = representation.features.map(({ feature, kept, why, exactness }) => ({ feature: feature.name, kept, why, exactness }));
    return { view: view.name, summary: `${summary(representation)}${source.computed === undefined ? '' : '; new events by materialise only'}`, features };
  });
}

/** `keeps 2 features as values, 4 by at most 721 totals of 1h, 3 by the events of 30d`. */
function summary({ features, retention, tiles }: ViewRepresentation): string {
  const counted = (kind: FeatureRepresentation['kept']): number => features.filter(({ kept }) => kept === kind).length;
  const ways = [
    { count: counted('stored'), by: `as ${counted('stored') === 1 ? 'a value' : 'values'}` },
    { count: counted('tiles'), by: `by ${[...new Set(tiles.map(({ ages, hopMs }) => `at most ${mostTiles(ages, hopMs)} totals of ${formatDuration(hopMs)}`))].join(' and ')}` },
    { count: counted('log'), by: `by ${[...new Set(eventsKept(retention))].join(' and ')}` },
  ].filter(({ count }) => count > 0);
  return `keeps ${ways.map(({ count, by }, i) => `${i === 0 ? plural(count, 'feature') : count} ${by}`).join(', ')}`;
}

function eventsKept(retention: ViewRepresentation['retention']): readonly string[] {
  return [...(retention.reachMs < 0 ? [] : [`the events of ${formatDuration(retention.reachMs)}`]), ...retention.ends.map(({ end, n }) => (n === 1 ? `the ${end} event` : `the ${end} ${n} events`))];
}

const TITLES: Readonly<Record<FeatureRepresentation['kept'], string>> = { stored: 'value', tiles: 'totals', log: 'events' };

export function renderOnlineViews(views: readonly ViewOnline[], style: Style): string {
  const columns = [{ title: 'view' }, { title: 'feature' }, { title: 'online' }, { title: 'why' }, { title: '' }] as const;
  const rows = views.flatMap(({ view, features }) => features.map((each, i) => [i === 0 ? view : '', each.feature, TITLES[each.kept], each.why, each.exactness]));
  return rows.length === 0 ? '' : renderTable(columns, rows, style);
}
