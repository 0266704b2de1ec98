import { SPINE, compileBackfill, compileDataset, compileEventSpine, compileState, compileProbes, compileTouched, type Asking, type Spine, type StateScope, type Touching } from '@granary/compiler';
import type { Statement } from '@granary/contracts';
import { DAY, T, entityOf, snapshots, sourceOf, viewNames } from './world.js';

/** A statement of each kind: the name of its file, and in which world its answer is known. */
export interface GoldenCase {
  readonly name: string;
  readonly world: keyof typeof snapshots;
  readonly statement: Statement;
}

const { small, payments, marketplace } = snapshots;

export const CASES: readonly GoldenCase[] = [
  ...viewNames.map((name): GoldenCase => {
    const view = small.views.find((each) => each.name === name)!;
    return { name: `backfill-${name.replaceAll('_', '-')}`, world: 'small', statement: compileBackfill(view, entityOf(small, view.entity), sourceOf(small, view.source), T) };
  }),
  touched('count', { since: 2, until: 4, instants: [T - 2 * DAY, T - DAY, T, T + DAY, T + 5 * DAY] }),
  touched('known_at', { since: 3, until: 4, instants: [T - DAY, T] }),
  ...(['keys', 'touched'] as const).map((only): GoldenCase => {
    const view = small.views.find((each) => each.name === 'count')!;
    return { name: `probes-${only}`, world: 'small', statement: compileProbes(view, entityOf(small, view.entity), sourceOf(small, view.source), { table: 'probes_count', only }) };
  }),
  ...['latest', 'ends', 'hops', 'known_at'].map((name) => state(name, { at: T })),
  // All has happened by then.
  state('latest', { at: T + 1, settled: true }, 'latest_settled'),
  dataset('small', 'ttl', [SPINE.row]),
  dataset('small', 'default', [SPINE.row]),
  dataset('small', 'include_request', [SPINE.row, 'amount']),
  dataset('small', 'include_request_of_all', [SPINE.row]),
  dataset('small', 'known_at', [SPINE.row]),
  dataset('small', 'derived', [SPINE.row], { events: null }),
  dataset('payments', 'fraud_features', ['transactionId', 'amount'], { events: 'payments' }),
  dataset('marketplace', 'ranking', ['userId', 'itemId'], { events: null }),
  { name: 'event-spine', world: 'payments', statement: compileEventSpine(sourceOf(payments, 'payments')) },
  { name: 'event-spine-range', world: 'small', statement: compileEventSpine(sourceOf(small, 'visits'), { from: T - DAY, to: T + 1 }) },
  { name: 'event-spine-known-at', world: 'small', statement: compileEventSpine(sourceOf(small, 'reports')) },
];

function state(name: string, scope: StateScope, as = name): GoldenCase {
  const view = small.views.find((each) => each.name === name)!;
  return { name: `state-${as.replaceAll('_', '-')}`, world: 'small', statement: compileState(view, entityOf(small, view.entity), sourceOf(small, view.source), scope) };
}

function touched(name: string, touching: Touching): GoldenCase {
  const view = small.views.find((each) => each.name === name)!;
  return { name: `touched-${name.replaceAll('_', '-')}`, world: 'small', statement: compileTouched(view, entityOf(small, view.entity), sourceOf(small, view.source), touching) };
}

function dataset(world: keyof typeof snapshots, service: string, columns: Spine['columns'], asking: Asking = {}): GoldenCase {
  const snapshot = { small, payments, marketplace }[world];
  const statement = compileDataset(snapshot, snapshot.services.find((each) => each.name === service)!, { table: `spine_${service}`, columns, ...asking });
  return { name: `dataset-${service.replaceAll('_', '-')}`, world, statement };
}

/** What a golden file holds: the parameters, then the statement. */
export function goldenText({ statement }: GoldenCase): string {
  return `-- ${JSON.stringify(statement.params)}\n${statement.sql}\n`;
}
