import { formatDuration, viewId, type Definition, type FeatureService, type Snapshot, type VersionedView } from '@granary/contracts';
import { freeze } from '../freeze.js';
import { serviceReads } from '../validate/uses.js';
import { changed, derivedNotes, duration, featureNotes, formulaText, generatorTexts, originText, plural, same, sourceNotes, typedNotes, useText, weightText } from './notes.js';

/** One definition that an apply would add, change or remove: plain data. */
export interface Change {
  readonly sign: '+' | '~' | '-';
  readonly kind: Definition['kind'];
  readonly name: string;
  /** What differs, each a short phrase. */
  readonly notes: readonly string[];
  /** Stored events don't fit the new definition: they must be ingested again, under a new name or after a migration. */
  readonly incompatible: boolean;
  /** Feature views: the version whose values are there, and the one to be backfilled. Null: there is none. */
  readonly version?: { readonly before: string | null; readonly after: string | null };
}

type Listed = { readonly name: string };

/** What applying `after` over `before` (null: nothing was applied yet) changes; empty when nothing does. Pure. */
export function planChanges(before: Snapshot | null, after: Snapshot): readonly Change[] {
  const [old, now] = [before ?? EMPTY, after];
  return freeze([
    ...changes('entity', old.entities, now.entities, (each) => typedNotes('keys', [], each.keys).map((text) => text.replace('none → ', '')), (a, b) => typedNotes('keys', a.keys, b.keys)),
    ...sourceChanges(old, now),
    ...viewChanges(old, now),
    ...derivedChanges(old, now),
    ...changes('featureService', old.services, now.services, (each) => [`${plural(featureNames(each).length, 'feature')} of ${[...each.views.map(useText), ...(each.derived ?? []).map((part) => part.derived)].join(', ')}`], serviceNotes),
    ...changes(
      'recommender',
      old.recommenders,
      now.recommenders,
      (each) => [`${each.item} to ${each.user}`, generatorTexts(each.generators), ...(each.ranker === null ? [] : [`ranked by ${each.ranker}`])],
      (a, b) => [
        ...changed('user', a.user, b.user),
        ...changed('item', a.item, b.item),
        ...changed('interactions', a.interactions, b.interactions),
        ...changed('weights', weightText(a.weight), weightText(b.weight)),
        ...changed('generators', generatorTexts(a.generators), generatorTexts(b.generators)),
        ...changed('ranker', a.ranker ?? 'none', b.ranker ?? 'none'),
        ...changed('rules', a.rules.map((rule) => rule.kind).join(', ') || 'none', b.rules.map((rule) => rule.kind).join(', ') || 'none'),
      ],
    ),
    ...changes(
      'scorer',
      old.scorers,
      now.scorers,
      (each) => [`predicts ${each.label} of ${each.events}`, `label delay ${formatDuration(each.labelDelayMs)}`, `reads ${each.service}`],
      (a, b) => [
        ...changed('service', a.service, b.service),
        ...changed('events', a.events, b.events),
        ...changed('label', a.label, b.label),
        ...changed('label delay', formatDuration(a.labelDelayMs), formatDuration(b.labelDelayMs)),
      ],
    ),
  ]);
}

/** The changes with notes added by someone who knows more, such as rows to scan or bytes online. */
export function addNotes(changes: readonly Change[], notesFor: (change: Change) => readonly string[]): readonly Change[] {
  return freeze(changes.map((change) => ({ ...change, notes: [...change.notes, ...notesFor(change)] })));
}

type Lists = Pick<Snapshot, 'entities' | 'sources' | 'views' | 'derived' | 'services' | 'recommenders' | 'scorers'>;

const EMPTY: Lists = { entities: [], sources: [], views: [], derived: [], services: [], recommenders: [], scorers: [] };

function changes<T extends Listed>(
  kind: Definition['kind'],
  before: readonly T[],
  after: readonly T[],
  summary: (added: T) => readonly string[],
  difference: (before: T, after: T) => readonly string[],
): readonly Change[] {
  return pairs(before, after).flatMap(([old, now]): Change[] => {
    if (old === undefined) return [{ sign: '+', kind, name: now!.name, notes: summary(now!), incompatible: false }];
    if (now === undefined) return [{ sign: '-', kind, name: old.name, notes: [], incompatible: false }];
    return same(old, now) ? [] : [{ sign: '~', kind, name: now.name, notes: difference(old, now), incompatible: false }];
  });
}

/** Old and new by name, sorted. */
function pairs<T extends Listed>(before: readonly T[], after: readonly T[]): readonly (readonly [T | undefined, T | undefined])[] {
  const names = [...new Set([...before, ...after].map((each) => each.name))].sort();
  return names.map((name) => [before.find((each) => each.name === name), after.find((each) => each.name === name)]);
}

function sourceChanges(old: Lists, now: Snapshot): readonly Change[] {
  const files = new Map(now.sources.map((source) => [source.name, source]));
  return changes('source', old.sources, now.sources, (each) => [plural(each.fields.length, 'field'), originText(each)], (a, b) => sourceNotes(a, b).notes).map((change) => {
    const before = old.sources.find((source) => source.name === change.name);
    const after = files.get(change.name);
    if (change.sign !== '~' || before === undefined || after === undefined) return change;
    const { incompatible } = sourceNotes(before, after);
    return { ...change, notes: [...incompatible.map((text) => `incompatible: ${text}`), ...change.notes], incompatible: incompatible.length > 0 };
  });
}

/** A view may change without a change of its own: its version hashes its entity and source too. */
function viewChanges(old: Lists, now: Snapshot): readonly Change[] {
  return pairs(old.views, now.views).flatMap(([before, after]): Change[] => {
    const version = { before: before?.version ?? null, after: after?.version ?? null };
    const base = { kind: 'featureView' as const, incompatible: false, version };
    if (before === undefined) return [{ ...base, sign: '+', name: after!.name, notes: [plural(after!.features.length, 'feature'), `version ${after!.version}`] }];
    if (after === undefined) return [{ ...base, sign: '-', name: before.name, notes: wasReadBy(old, viewReaders(old, before)) }];
    if (same(before, after)) return [];
    const own = [
      ...changed('entity', before.entity, after.entity),
      ...changed('source', before.source, after.source),
      ...changed('key fields', before.keyFields.join(', '), after.keyFields.join(', ')),
      ...changed('ttl', duration(before.ttlMs), duration(after.ttlMs)),
      ...featureNotes(before.features, after.features),
    ];
    const renewed = before.version === after.version ? [] : [...(own.length === 0 ? [`its source ${after.source}, what that is computed from, its entity ${after.entity}, or what this release of Granary computes changed`] : []), `new version ${after.version} (was ${before.version})`];
    return [{ ...base, sign: '~', name: after.name, notes: [...own, ...renewed, ...(renewed.length > 0 ? affected(old, now, viewReaders(old, before), `keep version ${before.version}`, `keeps version ${before.version}`) : [])] }];
  });
}

function derivedChanges(old: Lists, now: Lists): readonly Change[] {
  return changes('derived', old.derived, now.derived, (each) => each.features.map(formulaText), derivedNotes).map((change) => {
    if (change.sign === '+') return change;
    const services = old.services.filter((service) => derivedOf(old, service).has(change.name)).map((service) => service.name);
    const notes = change.sign === '~' ? affected(old, now, services, 'keep the old one', 'keeps the old one') : wasReadBy(old, services);
    return { ...change, notes: [...change.notes, ...notes] };
  });
}

/** Who reads what changed: trained models keep the old form, services move on. */
function affected(old: Lists, now: Lists, readers: readonly string[], keep: string, keeps: string): readonly string[] {
  const services = readers.filter((name) => now.services.some((service) => service.name === name));
  const models = trainedOn(old, services).filter((name) => [...now.recommenders, ...now.scorers].some((model) => model.name === name));
  return [
    ...(services.length > 0 ? [`${services.join(', ')} ${services.length === 1 ? 'reads' : 'read'} it`] : []),
    ...(models.length > 0 ? [`${models.join(', ')} ${models.length === 1 ? keeps : keep} until retrained`] : []),
  ];
}

function wasReadBy(old: Lists, services: readonly string[]): readonly string[] {
  const readBy = [...services, ...trainedOn(old, services)];
  return readBy.length > 0 ? [`was read by ${readBy.join(', ')}`] : [];
}

/** The services that read a view, directly or in a derived feature. */
function viewReaders(snapshot: Lists, view: VersionedView): readonly string[] {
  const derived = new Map(snapshot.derived.map((each) => [each.name, each]));
  return snapshot.services.filter((service) => serviceReads({ derived }, service).some((use) => use.view === view.name)).map((service) => service.name);
}

/** The derived views that a service serves, and those that they read. */
function derivedOf(snapshot: Lists, service: FeatureService): ReadonlySet<string> {
  const found = new Set<string>();
  const add = (name: string): void => {
    found.add(name);
    for (const input of snapshot.derived.find((each) => each.name === name)?.inputs ?? []) if (input.kind === 'derived') add(input.derived);
  };
  for (const part of service.derived ?? []) add(part.derived);
  return found;
}

function trainedOn(snapshot: Lists, services: readonly string[]): readonly string[] {
  return [
    ...snapshot.recommenders.filter((each) => each.ranker !== null && services.includes(each.ranker)).map((each) => each.name),
    ...snapshot.scorers.filter((each) => services.includes(each.service)).map((each) => each.name),
  ];
}

/** Each with where it comes from: `user_activity.spend30d`, `sender.spend30d`. */
function featureNames(service: FeatureService): readonly string[] {
  return [...service.views.flatMap((use) => use.features.map((feature) => `${viewId(use)}.${feature}`)), ...(service.derived ?? []).flatMap((part) => part.features.map((feature) => `${part.derived}.${feature}`))];
}

function serviceNotes(before: FeatureService, after: FeatureService): readonly string[] {
  const [old, now] = [featureNames(before), featureNames(after)];
  const added = now.filter((name) => !old.includes(name));
  const removed = old.filter((name) => !now.includes(name));
  const reordered = added.length + removed.length === 0 && !same(old, now);
  const reread = after.views.flatMap((use) => {
    const other = before.views.find((each) => viewId(each) === viewId(use));
    return other === undefined ? [] : changed('reads', useText(other), useText(use));
  });
  return [
    ...(removed.length > 0 ? [`without ${removed.join(', ')}`] : []),
    ...(added.length > 0 ? [`with ${added.join(', ')}`] : []),
    ...(reordered ? ['features in another order'] : []),
    ...reread,
    ...typedNotes('request', before.request, after.request),
  ];
}
