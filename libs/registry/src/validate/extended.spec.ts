import { describe, expect, it } from '@jest/globals';
import type { Aggregate, Definition, Derived, FeatureService, FeatureView, Source } from '@granary/contracts';
import type { Problem } from '../problem.js';
import { aggregate, bank, call, DAY, field, value } from '../bank.fixture.js';
import { validateDefinitions } from './validate.js';

type Of<K extends Definition['kind']> = Mutable<Extract<Definition, { kind: K }>>;
type Mutable<T> = T extends object ? { -readonly [K in keyof T]: Mutable<T[K]> } : T;

function problems<K extends Definition['kind']>(kind: K, name: string, change: (definition: Of<K>) => unknown): readonly Problem[] {
  const definitions = bank();
  change(definitions.find((each) => each.kind === kind && each.name === name) as unknown as Of<K>);
  return validateDefinitions(definitions);
}
const ids = (found: readonly Problem[]): readonly string[] => found.map((each) => each.id);

const view = (change: (view: Mutable<FeatureView>) => unknown): readonly string[] => ids(problems('featureView', 'account_transfers', change));
/** The feature `sent7d` with another aggregate. */
const feature = (of: Aggregate, type: FeatureView['features'][number]['type'] = { kind: 'float64' }): readonly string[] => view((it) => (it.features[0] = { name: 'sent7d', type, aggregate: of as never }));
const daily = (change: (source: Mutable<Source>) => unknown): readonly string[] => ids(problems('source', 'daily', change));
const sql = (text: string): readonly string[] => daily((it) => (it.computed = { kind: 'sql', sql: text, inputs: ['transfers'] }));
const enriched = (change: (source: Mutable<Source>) => unknown): readonly string[] => ids(problems('source', 'enriched_transfers', change));
const uses = (it: Mutable<Source>) => (it.computed?.kind === 'enriched' ? it.computed.views : []);
const amounts = (change: (derived: Mutable<Derived>) => unknown): readonly string[] => ids(problems('derived', 'amounts', change));
const service = (change: (service: Mutable<FeatureService>) => unknown): readonly string[] => ids(problems('featureService', 'transfer_risk', change));
const numbers = { kind: 'array', of: { kind: 'float64' } } as const;
const forever = { sizeMs: null, delayMs: 0, bounds: '[)', includeRequest: false } as const;
const text = { kind: 'string' } as const;
/** The feature `nightly` with another time zone. */
const zone = (name: string): readonly string[] => view((it) => (it.features.find((each) => each.name === 'nightly')!.aggregate.where = call('eq', call('hour', field('at'), value(name, text)), value(1)) as never));

describe('validation of all aggregates, derived views, aliases and computed sources', () => {
  it('finds nothing wrong with a valid set', () => {
    expect(validateDefinitions(bank())).toEqual([]);
  });

  it.each([
    ['a count of a column', 'DEF-041', feature(aggregate('count', 'amount'))],
    ['a median of texts', 'DEF-041', feature(aggregate('percentile', 'id', { fraction: 0.5 }))],
    ['counts by number', 'DEF-041', feature(aggregate('countBy', 'amount'), { kind: 'map', of: { kind: 'int32' } })],
    ['a list declared as a number', 'DEF-042', feature(aggregate('lastN', 'amount', { n: 3 }))],
    ['a list of no length', 'DEF-048', feature(aggregate('lastN', 'amount'), numbers)],
    ['a list longer than a row may be', 'SIZE-001', feature(aggregate('lastN', 'amount', { n: 1_001 }), numbers)],
    ['a sum with a parameter', 'DEF-048', feature(aggregate('sum', 'amount', { n: 3 }))],
    ['a percentile of nothing', 'DEF-048', feature(aggregate('percentile', 'amount'))],
    ['a share of nothing', 'DEF-048', feature(aggregate('ratio', null))],
    ['a share of something that is no condition', 'DEF-043', feature(aggregate('ratio', null, { predicate: field('amount') }))],
    ['a decay without half-life', 'DEF-048', feature(aggregate('decayedCount', null))],
    ['a rate without unit', 'DEF-048', feature(aggregate('rate', null))],
    ['a rate over all of history', 'DEF-045', feature(aggregate('rate', null, { unitMs: DAY, window: forever }))],
    ['a default for a list', 'DEF-044', feature(aggregate('lastN', 'amount', { n: 3, default: { kind: 'literal', type: { kind: 'float64' }, value: 0 } }), numbers)],
    ['a condition over a missing field', 'DEF-043', feature(aggregate('sum', 'amount', { where: call('gt', field('nothing'), value(1)) }))],
    ['a condition that adds texts', 'DEF-043', feature(aggregate('sum', 'amount', { where: call('gt', call('add', field('id'), value(1)), value(1)) }))],
    ['a text that the enum has not', 'DEF-043', feature(aggregate('sum', 'amount', { where: call('eq', field('kind'), value('cash', text)) }))],
    ['a time zone that there is not', 'DEF-043', zone('Europe/Berlyn')],
    ['a time zone in the wrong case, which ClickHouse does not know', 'DEF-043', zone('europe/berlin')],
    ['a time zone as an offset', 'DEF-043', zone('+02:00')],
    ['a time zone from a field', 'DEF-043', feature(aggregate('sum', 'amount', { where: call('eq', call('hour', field('at'), field('id')), value(1)) }))],
    ['boundaries that fall', 'DEF-043', feature(aggregate('sum', 'amount', { where: call('gt', call('bucketise', field('amount'), value(5), value(5)), value(1)) }))],
    ['no buckets', 'DEF-043', feature(aggregate('sum', 'amount', { where: call('gt', call('hashBucket', field('id'), value(0, { kind: 'int32' })), value(1)) }))],
    ['a list that is no list of values', 'DEF-043', feature(aggregate('sum', 'amount', { where: call('in', field('amount'), field('amount')) }))],
    ['a nullable list', 'DEF-024', enriched((it) => (it.fields.at(-1)!.nullable = true))],
    ['a field that is a map', 'DEF-024', enriched((it) => (it.fields.at(-1)!.type = { kind: 'map', of: { kind: 'int32' } }))],

    ['an unknown input of a derived view', 'DEF-011', amounts((it) => (it.inputs[0] = { kind: 'derived', derived: 'nothing' }))],
    ['a feature that an input has not', 'DEF-090', amounts((it) => (it.features[0]!.expression = field('nothing', 'sender') as never))],
    ['a field of an input that is not named', 'DEF-090', amounts((it) => (it.features[0]!.expression = field('sent7d', 'account_transfers') as never))],
    ['a request field that is not declared', 'DEF-090', amounts((it) => (it.request = []))],
    ['a formula of another type', 'DEF-091', amounts((it) => (it.features[0]!.type = { kind: 'int64' }))],
    ['two inputs of one name', 'NAME-001', amounts((it) => (it.inputs[1] = { kind: 'view', view: 'account_days', alias: 'sender' }))],
    ['a key that the entity has not', 'DEF-057', amounts((it) => Object.assign(it.inputs[0]!, { keys: { customerId: 'senderId' } }))],
    ['a derived view of itself', 'CYCLE-001', amounts((it) => it.inputs.push({ kind: 'derived', derived: 'alarms' }))],

    ['nothing at all', 'DEF-056', service((it) => ((it.views = []), (it.derived = [])))],
    ['a feature that a derived view has not', 'DEF-050', service((it) => (it.derived![0]!.features = ['no']))],
    ['a derived view taken twice', 'DEF-053', service((it) => it.derived!.push(it.derived![0]!))],
    ['a view twice under one alias', 'DEF-053', service((it) => (it.views[1]!.alias = 'sender'))],
    ['an alias that is another view for a derived feature', 'NAME-001', service((it) => (it.views[0] = { view: 'account_habits', alias: 'sender', features: ['usualSent'] }))],
    ['an alias for other keys than in a derived feature', 'DEF-058', service((it) => (it.views[0]!.keys = { accountId: 'fromId' }))],
    ['a served name that is another one', 'NAME-001', service((it) => it.request.push({ name: 'senderSent7d', type: { kind: 'float64' } }))],
    ['a derived name that is another one, but for its case', 'NAME-001', service((it) => it.request.push({ name: 'ALARM', type: { kind: 'float64' } }))],
    ['a request field that a derived feature reads left out', 'DEF-054', service((it) => (it.request = []))],
    ['a request field of another type than a derived feature reads', 'DEF-054', service((it) => (it.request[0]!.type = { kind: 'int32' }))],
    ['an alias that is no name', 'DEF-012', service((it) => (it.views[0]!.alias = '__x'))],
    ['a key that the scored events have not', 'DEF-071', service((it) => it.views.push({ view: 'account_days', features: ['busiest'], alias: 'x', keys: { accountId: 'nobody' } }))],

    ['a computed source with a file', 'DEF-103', daily((it) => (it.file = { path: 'a.csv', format: 'csv' }))],
    ['a query without its input', 'DEF-100', sql('SELECT 1')],
    ['a query of what is no input', 'DEF-100', sql('SELECT * FROM {{transfers}}, {{others}}')],
    ['a query of a source that there is not', 'DEF-011', daily((it) => (it.computed = { kind: 'sql', sql: 'SELECT * FROM {{gone}}', inputs: ['gone'] }))],
    ['a statement that is no query', 'DEF-101', sql('DROP TABLE {{transfers}}')],
    ['two statements', 'DEF-101', sql("SELECT ';' FROM {{transfers}}; DROP TABLE x")],
    ['half a bracket', 'DEF-101', sql('SELECT 1 FROM {{transfers}})')],
    ['an input in a comment', 'DEF-100', sql('SELECT 1 -- {{transfers}}')],
    ['rows of no one knows which event', 'DEF-102', daily((it) => (it.eventId = []))],
    ['a query parameter', 'DEF-101', sql('SELECT * FROM {{transfers}} WHERE amount > {least:Float64}')],
    ['a query of itself', 'CYCLE-001', daily((it) => (it.computed = { kind: 'sql', sql: 'SELECT * FROM {{daily}}', inputs: ['daily'] }))],
    ['features for a field that events have not', 'DEF-031', enriched((it) => (uses(it)[0]!.keys = { accountId: 'nobody' }))],
    ['features for a field of another type', 'KEY-001', enriched((it) => (uses(it)[0]!.keys = { accountId: 'id' }))],
    ['a feature without its field', 'DEF-102', enriched((it) => it.fields.pop())],
    ['a feature that may be null in a field that may not', 'DEF-102', enriched((it) => (it.fields.at(-2)!.nullable = false))],
    ['a field that comes from nowhere', 'DEF-102', enriched((it) => it.fields.push({ name: 'extra', type: text, nullable: true }))],
    ['another name for an event', 'DEF-102', enriched((it) => (it.eventId = ['id', 'senderId']))],
    ['corrections of things without time', 'DEF-026', ids(problems('source', 'transfers', (it) => ((it.eventTime = null), (it.corrected = true))))],
    ['corrections of no one knows what', 'DEF-023', ids(problems('source', 'transfers', (it) => ((it.eventId = []), (it.corrected = true))))],
    ['a retention of things without time', 'DEF-026', ids(problems('source', 'transfers', (it) => ((it.eventTime = null), (it.retentionMs = DAY))))],
  ])('refuses %s (%s)', (_, id, found) => {
    expect(found).toContain(id);
  });

  it.each(['UTC', 'Europe/Berlin', 'Asia/Kolkata', 'America/Port_of_Spain', 'America/Argentina/Buenos_Aires', 'Etc/GMT+1'])('takes the time zone %s', (name) => {
    expect(zone(name)).toEqual([]);
  });

  it('takes queries that begin with WITH, brackets or comments', () => {
    for (const query of ['WITH x AS (SELECT * FROM {{ transfers }}) SELECT * FROM x', '/* a; b */ (SELECT * FROM {{transfers}})', "select '{a:Int8}' from {{transfers}} -- end;"]) expect([query, sql(query)]).toEqual([query, []]);
  });

  it('shows the path of a cycle from source through view to source, once', () => {
    const found = problems('source', 'daily', (it) => (it.computed = { kind: 'sql', sql: 'SELECT * FROM {{looped}}', inputs: ['looped'] }));
    expect(found.map((each) => each.id)).toEqual(['DEF-011']);
    const definitions = bank().map((each) => (each.name === 'daily' ? { ...each, computed: { kind: 'sql', sql: 'SELECT * FROM {{enriched_transfers}}', inputs: ['enriched_transfers'] } } : each)) as Definition[];
    const looped = definitions.map((each) => (each.name === 'account_transfers' ? { ...each, source: 'daily', keyFields: ['accountId'] } : each)) as Definition[];
    const cycles = validateDefinitions(looped).filter((each) => each.id === 'CYCLE-001');
    expect(cycles.map((each) => each.message)).toEqual(['is computed from itself: source daily → source enriched_transfers → feature view account_transfers → source daily']);
  });

  it('says one mistake once', () => {
    expect(view((it) => (it.keyFields = ['id']))).toEqual(['KEY-001']);
    expect(service((it) => (it.views[1]!.alias = 'sender'))).toEqual(['DEF-053']);
    expect(service((it) => (it.request[0]!.type = { kind: 'int32' }))).toEqual(['DEF-054', 'DEF-071']);
  });
});
