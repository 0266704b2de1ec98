import { describe, expect, it } from '@jest/globals';
import type { Definition } from '@granary/contracts';
import { shop } from '../shop.fixture.js';
import { validateDefinitions } from './validate.js';

type Tree = Record<string, unknown>;
type Change = (definition: any) => unknown; // eslint-disable-line @typescript-eslint/no-explicit-any -- any: tests write wrong data
// Mistakes that the SDK's types refuse: plain JavaScript, and other copies of the SDK, can still make them.
function broken(name: string, change: Change, changeEvents: Change = () => undefined, changeAll: (all: any[]) => unknown = () => undefined): readonly string[] { // eslint-disable-line @typescript-eslint/no-explicit-any -- as above
  const definitions = structuredClone(shop()) as unknown as Tree[];
  change(definitions.find((each) => each['name'] === name));
  changeEvents(definitions.find((each) => each['name'] === 'events'));
  changeAll(definitions);
  return validateDefinitions(definitions as unknown as Definition[]).map((problem) => problem.id);
}
const named = (all: any[], name: string, kind?: string): any => all.find((each) => each.name === name && (kind === undefined || each.kind === kind)); // eslint-disable-line @typescript-eslint/no-explicit-any -- as above
/** The view `risk` has the feature `mood`, the service `risk` the request field `mood`: both are `RiskMood` in GraphQL. */
function twoEnums(values: readonly string[]): readonly string[] {
  return broken('risk', (it) => it.request.push({ name: 'mood', type: { kind: 'enum', values } }), undefined, (all) => {
    named(all, 'stats').features.push({ name: 'mood', type: { kind: 'enum', values: ['view', 'buy'] }, aggregate: { fn: 'latest', column: 'kind', where: null, window: null, default: null } });
    named(all, 'stats').name = 'risk';
    Object.assign(named(all, 'ranking').views[1], { view: 'risk', features: ['price', 'mood'] });
  });
}
function brokenLastOfArray(): readonly string[] {
  const tags = { kind: 'array', of: { kind: 'string' } };
  return broken('activity', (it) => {
    it.features[0].type = tags;
    Object.assign(it.features[0].aggregate, { fn: 'last', column: 'tags' });
  }, (events) => events.fields.push({ name: 'tags', type: tags, nullable: false }));
}
const aggregate = (change: object) => (view: any): void => void Object.assign(view.features[0].aggregate, change); // eslint-disable-line @typescript-eslint/no-explicit-any -- as above
const where = (fn: string, ...args: object[]) => aggregate({ where: { kind: 'call', fn, args } });
const field = (name: string): object => ({ kind: 'field', name });
const number = (value: unknown): object => ({ kind: 'literal', type: { kind: 'float64' }, value });

describe('validation', () => {
  it('finds nothing wrong with a valid set', () => {
    expect(validateDefinitions(shop())).toEqual([]);
  });

  it.each([
    ['an unsafe name', 'DEF-012', broken('user', (it) => (it.keys[0].name = 'constructor'))],
    ['an internal name', 'DEF-012', broken('events', (it) => it.fields.push({ name: '__x', type: { kind: 'bool' }, nullable: true }))],
    ['fields that differ in case', 'NAME-001', broken('events', (it) => it.fields.push({ name: 'PRICE', type: { kind: 'bool' }, nullable: true }))],
    ['an unknown source', 'DEF-011', broken('activity', (it) => (it.source = 'none'))],
    ['a float key', 'DEF-030', broken('user', (it) => (it.keys[0].type = { kind: 'float64' }))],
    ['a key that the source lacks', 'DEF-031', broken('activity', (it) => (it.keyFields = ['nobody']))],
    ['a key of another type', 'KEY-001', broken('activity', (it) => (it.keyFields = ['id']))],
    ['a nullable key', 'DEF-031', broken('events', (it) => (it.fields[1].nullable = true))],
    ['an unknown event id', 'DEF-020', broken('events', (it) => (it.eventId = ['no']))],
    ['a nullable event id', 'DEF-020', broken('events', (it) => (it.fields[0].nullable = true))],
    ['an event time that is none', 'DEF-020', broken('events', (it) => (it.eventTime = 'price'))],
    ['a known-at that is none', 'DEF-020', broken('events', (it) => (it.knownAt = 'id'))],
    ['corrections of no one knows which event', 'DEF-023', broken('events', (it) => ((it.knownAt = 'at'), (it.eventId = [])))],
    ['timeless rows of no one knows what', 'DEF-025', broken('events', (it) => ((it.eventTime = null), (it.eventId = [])))],
    ['a nullable array', 'DEF-024', broken('events', (it) => it.fields.push({ name: 'tags', type: { kind: 'array', of: { kind: 'string' } }, nullable: true }))],
    ['the last of an array', 'DEF-041', brokenLastOfArray()],
    ['a file outside the data folder', 'DEF-022', broken('events', (it) => (it.file = { path: '../x.csv', format: 'csv' }))],
    ['an unknown column', 'DEF-040', broken('activity', aggregate({ fn: 'max', column: 'no' }))],
    ['the sum of a string', 'DEF-041', broken('activity', aggregate({ fn: 'sum', column: 'id' }))],
    ['the avg of a string', 'DEF-041', broken('activity', aggregate({ fn: 'avg', column: 'id' }))],
    ['the min of a bool', 'DEF-041', broken('activity', aggregate({ fn: 'min', column: 'fraud' }))],
    ['a result of another type', 'DEF-042', broken('activity', (it) => (it.features[0].type = { kind: 'int64' }))],
    ['a condition on an unknown field', 'DEF-043', broken('activity', where('eq', field('no'), number(1)))],
    ['a condition with a value of another type', 'DEF-043', broken('activity', where('eq', field('kind'), number(1)))],
    ['an order of enums', 'DEF-043', broken('activity', where('lt', field('kind'), number(1)))],
    ['a condition that is not one', 'DEF-043', broken('activity', aggregate({ where: field('price') }))],
    ['an empty list', 'DEF-043', broken('activity', where('in', field('price')))],
    ['a default of another type', 'DEF-044', broken('activity', aggregate({ default: number(1.5) }))],
    ['a missing window', 'DEF-045', broken('activity', aggregate({ window: null }))],
    ['a window of centuries', 'DEF-045', broken('activity', (it) => (it.features[0].aggregate.window.sizeMs = 4e12))],
    ['a window without time', 'DEF-046', broken('events', (it) => (it.eventTime = null))],
    ['a ttl without time', 'DEF-047', broken('events', (it) => (it.eventTime = null))],
    ['an unknown feature', 'DEF-050', broken('ranking', (it) => (it.views[0].features = ['no']))],
    ['a request field named as a feature', 'NAME-001', broken('risk', (it) => it.request.push({ name: 'spend30d', type: { kind: 'bool' } }))],
    ['a request field named as a key', 'NAME-001', broken('risk', (it) => it.request.push({ name: 'userId', type: { kind: 'int64' } }))],
    ['keys of one name and two types', 'KEY-001', broken('item', (it) => (it.keys = [{ name: 'userId', type: { kind: 'string' } }]))],
    ['a view taken twice', 'DEF-053', broken('ranking', (it) => it.views.push(it.views[0]))],
    ['a request row without its column', 'DEF-054', broken('risk', (it) => (it.request = []))],
    ['a request of a map', 'DEF-059', broken('risk', (it) => it.request.push({ name: 'mood', type: { kind: 'map', of: { kind: 'int32' } } }))],
    ['a request row with another type', 'DEF-054', broken('risk', (it) => (it.request[0].type = { kind: 'int32' }))],
    ['items for themselves', 'DEF-060', broken('for_you', (it) => (it.user = 'item'))],
    ['an unweighted value', 'DEF-061', broken('for_you', (it) => delete it.weight.values.buy)],
    ['a weight that is no number', 'DEF-061', broken('for_you', (it) => (it.weight = { field: 'id', values: null }))],
    ['a ranker of someone else', 'DEF-062', broken('stats', (it) => (it.entity = 'events_of_nobody'))],
    ['a generator out of range', 'DEF-064', broken('for_you', (it) => (it.generators = [{ kind: 'ease', lambda: 0 }]))],
    ['a label that is no bool', 'DEF-070', broken('score_sale', (it) => (it.label = 'price'))],
    ['a request field that events lack', 'DEF-071', broken('risk', (it) => it.request.push({ name: 'mood', type: { kind: 'bool' } }))],
['a root field of ours', 'NAME-001', broken('risk', (it) => (it.name = 'feature_services'))],
    ['a type of ours', 'NAME-001', broken('risk', (it) => (it.name = 'query'))],
    ['a service and a recommender of one name', 'NAME-001', broken('ranking', (it) => (it.name = 'for_you'))],
    ['two names that are one in GraphQL', 'NAME-001', broken('score_sale', (it) => (it.name = 'risk_batch'))],
    ['the similar items of another', 'NAME-001', broken('score_sale', (it) => (it.name = 'for_you_similar'))],
    ['the trending items of another', 'NAME-001', broken('risk', (it) => (it.name = 'for_you_trending'))],
    ['the key type of another', 'NAME-001', broken('score_sale', (it) => (it.name = 'x'), undefined, (all) => (named(all, 'ranking').name = 'x_score'))],
    ['the type of reasons', 'NAME-001', broken('risk', (it) => (it.name = 'recommendation_reason'))],
    ['the type of a feature', 'NAME-001', broken('risk', (it) => (it.name = 'int_feature'))],
    ['a service named as an enum', 'NAME-001', broken('ranking', (it) => (it.request = [{ name: 'mood', type: { kind: 'enum', values: ['a'] } }]), undefined, (all) => (named(all, 'risk').name = 'ranking_mood'))],
    ['enums of one name with other values', 'NAME-001', twoEnums(['a', 'b'])],
    ['a scorer with an argument "at" of its service', 'NAME-001', broken('risk', (it) => it.request.push({ name: 'at', type: { kind: 'string' } }))],
    ['a key named as an argument', 'NAME-001', broken('user', (it) => (it.keys[0].name = 'first'))],
    ['a key named as what is said of an item', 'NAME-001', broken('item', (it) => (it.keys[0].name = 'score'))],
    ['a scorer with the name of a recommender', 'DEF-010', broken('score_sale', (it) => (it.name = 'for_you'))],
  ])('refuses %s (%s)', (_, id, found) => {
    expect(found).toContain(id);
  });

  it('lets a request field be the time of a scored request', () => {
    expect(broken('risk', (it) => it.request.push({ name: 'at', type: { kind: 'timestamp' } }))).toEqual([]);
  });

  it('lets enums of one name and the same values be one type', () => {
    expect(twoEnums(['view', 'buy'])).not.toContain('NAME-001');
  });

  it('says where, whose, what and what to do, for all problems at once', () => {
    const [user, ...rest] = structuredClone(shop()) as Definition[];
    const problems = validateDefinitions([user!, user!, ...rest.filter((each) => each.name !== 'item')]);
    expect(problems[0]).toEqual({
      id: 'DEF-010',
      severity: 'error',
      file: user!.site!.file,
      line: user!.site!.line,
      owner: 'entity user',
      message: expect.stringContaining(`first at ${user!.site!.file}`),
      todo: expect.any(String),
    });
    expect(problems.filter((each) => each.id === 'DEF-011').map((each) => each.owner)).toEqual(['feature view stats', 'recommender for_you']);
  });
});
