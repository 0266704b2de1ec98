import { representView, type ViewRepresentation } from '@granary/aggregates';
import { formatDuration, named, type Snapshot } from '@granary/contracts';
import { plural } from './terminal/format.js';
import type { Style } from './terminal/style.js';
import { renderTable } from './terminal/table.js';

/** How the features of a view are kept online. */
export interface ViewOnline {
  readonly view: string;
  /** In short. */
  readonly summary: string;
  readonly features: readonly { readonly feature: string; readonly kept: 'stored' | 'log'; readonly why: string; readonly exactness: string }[];
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

/** `keeps 2 features as values, 3 by the events of 30d`. */
function summary({ features, retention }: ViewRepresentation): string {
  const stored = features.filter(({ kept }) => kept === 'stored').length;
  const events = [...(retention.reachMs < 0 ? [] : [`the events of ${formatDuration(retention.reachMs)}`]), ...retention.ends.map(({ end, n }) => (n === 1 ? `the ${end} event` : `the ${end} ${n} events`))];
  const parts = [
    ...(stored === 0 ? [] : [`${plural(stored, 'feature')} as ${stored === 1 ? 'a value' : 'values'}`]),
    ...(stored === features.length ? [] : [`${stored === 0 ? plural(features.length - stored, 'feature') : features.length - stored} by ${[...new Set(events)].join(' and ')}`]),
  ];
  return `keeps ${parts.join(', ')}`;
}

export function renderOnlineViews(views: readonly ViewOnline[], style: Style): string {
  const columns = [{ title: 'view' }, { title: 'feature' }, { title: 'online' }, { title: 'why' }, { title: '' }] as const;
  const rows = views.flatMap(({ view, features }) => features.map((each, i) => [i === 0 ? view : '', each.feature, each.kept === 'stored' ? 'value' : 'events', each.why, each.exactness]));
  return rows.length === 0 ? '' : renderTable(columns, rows, style);
}
