import { GranaryError, formatExpression, formatInstant, formatWindow, resolveService, type Instant, type Value } from '@granary/contracts';
import type { ExplainedFeature, Explanation, JudgedEvent, JudgedRequest } from '@granary/jobs';
import type { Command } from 'commander';
import { INSTANT_HELP, readInstant, readPairs, wholeNumber } from '../flags.js';
import { formatCount, plural } from '../terminal/format.js';
import type { Style } from '../terminal/style.js';
import { renderTable } from '../terminal/table.js';
import { flag, verb } from '../verb.js';

interface ExplainFlags {
  readonly at?: Instant;
  readonly feature?: readonly string[];
  readonly limit: number;
}

const EXAMPLE = 'granary explain feature user_page userId=42\ngranary explain feature fraud_features customerId=7 terminalId=3 amount=20 --at 2026-05-01T12:00:00Z --feature spend1d';

export function registerExplain(program: Command): void {
  const command = program
    .command('explain')
    .argument('<what>', 'feature: the events behind the values of a feature service')
    .argument('<service>', 'the feature service')
    .argument('<key=value...>', 'its keys and request fields')
    .description('Show the events behind a value: those that count, and why the others do not')
    .option('--at <instant>', `as of when: ${INSTANT_HELP}; default now`, flag(readInstant))
    .option('--feature <names...>', 'only these features; default all')
    .option('--limit <number>', 'events to show of each feature; with --json all are listed', flag(wholeNumber(0)), 20);
  verb<ExplainFlags, [string, string, readonly string[]]>(command, ['clickhouseUrl'], EXAMPLE, async (context, { at = Date.now(), feature, limit }, what, service, pairs) => {
    if (what !== 'feature') throw new GranaryError('INVALID_USAGE', `granary explains no ${what}`, { todo: 'Write granary explain feature <service> <key=value…>.' });
    const given = readPairs(pairs);
    const snapshot = await context.snapshot();
    const { explainRow, readAsked } = await import('@granary/jobs');
    const declared = snapshot.services.find(({ name }) => name === service);
    if (declared === undefined) throw new GranaryError('UNKNOWN_SERVICE', `There is no feature service ${service}`, { todo: `Name one of ${snapshot.services.map(({ name }) => name).join(', ')}.` });
    const values = readAsked(resolveService(snapshot, declared), given);
    const explanation = await explainRow(await context.offline(), snapshot, service, { values, at }, { features: feature, signal: context.signal });
    return { json: explanationDocument(explanation), text: describeExplanation(explanation, limit, context.voice.style) };
  });
}

function explanationDocument({ service, at, asked, features, derived }: Explanation): object {
  return {
    service,
    at: formatInstant(at),
    asked,
    features: features.map(({ name, view, source, feature, served, request, events, complete }) => ({
      name,
      view: view.name,
      source: source.name,
      aggregate: feature.aggregate,
      value: served.value,
      state: served.state,
      eventTime: served.eventTime === null ? null : formatInstant(served.eventTime),
      request: request === null ? null : { counts: request.leftOut === null, leftOut: request.leftOut, fields: request.row },
      complete,
      events: events.map(eventDocument),
    })),
    derived: derived.map(({ name, served, reads }) => ({ name, value: served.value, state: served.state, reads })),
  };
}

/** An event as JSON; `counts` says whether it is in the value, `leftOut` why not; `storedId` is its `__event_id`. */
export function eventDocument({ id, sentId, time, knownAt, sequence, row, leftOut }: JudgedEvent): object {
  return { id: sentId, storedId: id, time: formatInstant(time), knownAt: formatInstant(knownAt), sequence, counts: leftOut === null, leftOut, fields: row };
}

function describeExplanation({ features, derived }: Explanation, limit: number, style: Style): string {
  const formulas = derived.map(({ name, served, reads }) => `${style.heading(name)} = ${served.state === 'present' ? valueText(served.value) : served.state}, derived from ${reads.join(', ') || 'the request'}`);
  return [...formulas, ...features.map((feature) => describeEvents(feature, limit, style))].join('\n\n');
}

/** A feature's value, what it is, and its events in a table: the request, where the window includes it, those that count, then the nearest others. */
export function describeEvents({ name, feature, view, source, served, request, events, complete }: ExplainedFeature, limit: number, style: Style): string {
  const { fn, column, where, window } = feature.aggregate;
  const counted = events.filter(({ leftOut }) => leftOut === null);
  const over = window === null ? '' : ` over ${formatWindow(window)}`;
  const head = `${style.heading(name)} = ${served.state === 'present' ? valueText(served.value) : served.state}  ${style.dim(`${fn}${column === null ? '' : ` of ${column}`}${where === null ? '' : ` where ${formatExpression(where)}`}${over}, of ${source.name} (${view.name})`)}`;
  const others = new Map<string, number>();
  for (const { leftOut } of events) if (leftOut !== null) others.set(leftOut, (others.get(leftOut) ?? 0) + 1);
  const shown = [...counted, ...events.filter(({ leftOut }) => leftOut !== null)].slice(0, limit);
  const columns = [{ title: 'event' }, { title: 'time' }, { title: 'known at' }, { title: 'sequence', align: 'right' }, ...(column === null ? [] : [{ title: column, align: 'right' } as const]), { title: '' }] as const;
  const judged = ({ row, leftOut }: JudgedRequest): readonly string[] => [...(column === null ? [] : [valueText(row[column] ?? null)]), leftOut === null ? style.good('counts') : style.dim(leftOut)];
  const rows = [
    ...(request === null ? [] : [['(the request)', '', '', '', ...judged(request)]]),
    ...shown.map((event) => [event.sentId, formatInstant(event.time), event.knownAt === event.time ? '' : formatInstant(event.knownAt), String(event.sequence), ...judged(event)]),
  ];
  const summary = [`${plural(counted.length, 'event')}${request?.leftOut === null ? ' and the request count' : counted.length === 1 ? ' counts' : ' count'}`, ...[...others].map(([reason, number]) => `${formatCount(number)} ${reason}`), ...(complete ? [] : ['older ones are not listed'])].join('; ');
  return [head, ...(rows.length === 0 ? [] : [renderTable(columns, rows, style)]), style.dim(summary)].join('\n');
}

export function valueText(value: Value | null): string {
  if (value === null) return 'null';
  return typeof value === 'object' ? JSON.stringify(value, (_, each: unknown) => (typeof each === 'bigint' ? String(each) : each)) : String(value);
}
