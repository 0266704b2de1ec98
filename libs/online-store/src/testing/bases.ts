import { compileCompact, compileTailEvent, representView } from '@granary/aggregates';
import { valueMap, type FieldType, type Instant, type Source, type Value, type VersionedView } from '@granary/contracts';
import { createStateCodec } from '../state/state-codec.js';
import type { OnlineStore } from '../store.js';
import { watermarkName, type ViewWatermark } from '../view-row.js';

/**
 * An event by its source's fields, its times among them. A field that is left out is null, or where it can't be the least
 * value of its type: 0, false, the empty text or list, the first of an enum.
 */
export type GivenEvent = Readonly<Record<string, Value | null>>;

/** Makes, once for a view, what packs the base of an entity that had these events, in the order of their sequence, for reads from `asOf` on. */
export function basesOf(view: VersionedView, source: Source): (events: readonly GivenEvent[], asOf: Instant) => Buffer {
  const { eventTime: timeField, knownAt: knownAtField } = source;
  if (timeField === null) throw new Error(`${source.name} has no event time: its events can't be given`);
  const kept = representView(view, source);
  const codec = createStateCodec(kept, view.version);
  const [tailEvent, compact, empty] = [compileTailEvent(kept.events, source), compileCompact(kept), codec.decode(codec.emptyBase())];
  const least = source.fields.map(({ type, nullable }) => (nullable ? null : leastOf(type)));
  return (events, asOf) => {
    const tail = events.map((event, i) => {
      const eventTime = event[timeField] as Instant;
      const knownAt = knownAtField === null ? eventTime : (event[knownAtField] as Instant);
      return tailEvent({ sequence: i + 1, eventTime, knownAt, values: source.fields.map(({ name }, at) => (Object.hasOwn(event, name) ? event[name]! : least[at]!)) });
    });
    return codec.encodeBase(compact({ ...empty, tail }, { sequence: events.length, asOf }));
  };
}

function leastOf(type: FieldType): Value {
  switch (type.kind) {
    case 'bool':
      return false;
    case 'int64':
      return 0n;
    case 'string':
      return '';
    case 'enum':
      return type.values[0]!;
    case 'array':
      return [];
    case 'map':
      return valueMap([]);
    default:
      return 0;
  }
}

/** Notes that what is stored of these views is all there is, for reads from `asOf` on: without it nothing of them is read. */
export async function noteOnline(store: OnlineStore, project: string, views: readonly VersionedView[], asOf: Instant): Promise<void> {
  await Promise.all(views.map((view) => store.writeMeta(watermarkName(project, view), { asOf, sequence: 1, rows: 1 } satisfies ViewWatermark)));
}
