import { z } from 'zod';
import { expressionSchema, literalSchema } from './expression.js';
import { fieldTypeSchema } from './types.js';

/** Lower-case words joined by underscores: a name that is safe as a table, a key, a file and a GraphQL field. */
export const NAME = /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/;
/** Field and feature names: camelCase or snake_case, never starting with an underscore (those columns are ours). */
export const FIELD_NAME = /^[a-zA-Z][a-zA-Z0-9_]*$/;

const name = z.string().regex(NAME);
const fieldName = z.string().regex(FIELD_NAME);
const ms = z.number().int().nonnegative();

/** Where a declaration stands in the user's files; left out of every hash. */
const siteSchema = z.object({ file: z.string(), line: z.number().int() });
export type Site = z.infer<typeof siteSchema>;
const site = siteSchema.optional();

export const keySchema = z.object({ name: fieldName, type: fieldTypeSchema });
export type Key = z.infer<typeof keySchema>;

export const entitySchema = z.object({ kind: z.literal('entity'), name, keys: z.array(keySchema).min(1), site });
/** A thing that features describe, named by one or more typed keys. */
export type Entity = z.infer<typeof entitySchema>;

export const sourceFieldSchema = z.object({
  name: fieldName,
  type: fieldTypeSchema,
  nullable: z.boolean(),
  /** How the value is written in files, where that is not the type's own way. */
  encoding: z.union([z.object({ kind: z.literal('epochSeconds') }), z.object({ kind: z.literal('separated'), by: z.string().min(1) })]).optional(),
});
export type SourceField = z.infer<typeof sourceFieldSchema>;

export const fileFormats = ['csv', 'ndjson', 'parquet'] as const;
export type FileFormat = (typeof fileFormats)[number];

/** A view as a service, a derived view or an enriched source reads it. */
const viewUse = {
  view: name,
  /** Reads the view for another thing than its keys name: its features are then served as `senderSpend` instead of `spend`. */
  alias: fieldName.optional(),
  /** What the asker calls the entity's keys, by the entity's names for them. Left out: the same. */
  keys: z.record(fieldName, fieldName).optional(),
};
const viewFeaturesSchema = z.object({ ...viewUse, features: z.array(fieldName).min(1) });
/** Features of one view, under one alias. */
export type ViewFeatures = z.infer<typeof viewFeaturesSchema>;

export const computedSourceSchema = z.discriminatedUnion('kind', [
  /** A named, typed query: `sql` gives a row an event, with the source's fields; `{{name}}` in it is the events of an input. */
  z.object({ kind: z.literal('sql'), sql: z.string().min(1), inputs: z.array(name).min(1) }),
  /** The events of another source, each with features as of its own time: fields of the features' served names. */
  z.object({ kind: z.literal('enriched'), events: name, views: z.array(viewFeaturesSchema).min(1) }),
]);
export type ComputedSource = z.infer<typeof computedSourceSchema>;

export const sourceSchema = z.object({
  kind: z.literal('source'),
  name,
  fields: z.array(sourceFieldSchema).min(1),
  /**
   * Fields that name an event; empty: the event's whole content is its id. The same id again is the same event. Of a timeless
   * source they name the thing that a row describes, and other content under the same id is a newer version of it.
   */
  eventId: z.array(fieldName),
  /** Null: a timeless source, whose rows hold from the beginning of time (event time 0); of each thing the row that arrived last wins. */
  eventTime: fieldName.nullable(),
  /** When the source says a row became known; null: at its event time. */
  knownAt: fieldName.nullable(),
  /** The file of a `--data` folder that holds this source's rows; null: events are pushed. */
  file: z.object({ path: z.string(), format: z.enum(fileFormats) }).nullable(),
  /** True: the source says the same event again with other content, such as a label that becomes known. */
  corrected: z.boolean().optional(),
  /** Events older than this may be gone. Left out: they are kept for ever. */
  retentionMs: ms.positive().optional(),
  /** Left out: its events are ingested and stored. Otherwise they are computed from others whenever they are read. */
  computed: computedSourceSchema.optional(),
  site,
});
export type Source = z.infer<typeof sourceSchema>;

export const boundsKinds = ['[)', '(]', '[]', '()'] as const;
export type Bounds = (typeof boundsKinds)[number];

export const windowSchema = z.object({
  /** Null: all of history up to the window's end. */
  sizeMs: ms.positive().nullable(),
  delayMs: ms,
  bounds: z.enum(boundsKinds),
  /** The row of the request itself belongs to the window, whatever its bounds. */
  includeRequest: z.boolean(),
  /** The far end is rounded down to a whole multiple of this since the epoch (UTC). Left out: it is as exact as the near end. */
  hopMs: ms.positive().optional(),
});
/**
 * Events with time in `[t − delay − size, t − delay)`, or as `bounds` says, for a read as of t; with a hop in
 * `[⌊(t − delay − size) ÷ hop⌋ · hop, t − delay)`.
 */
export type Window = z.infer<typeof windowSchema>;

export const aggregateFunctions = [
  'latest',
  'count',
  'sum',
  'avg',
  'min',
  'max',
  'varianceSample',
  'variancePopulation',
  'stddevSample',
  'stddevPopulation',
  'countDistinct',
  'approxCountDistinct',
  'first',
  'last',
  'lastN',
  'timeSinceLast',
  'topK',
  'countBy',
  'ratio',
  'rate',
  'percentile',
  'approxPercentile',
  'decayedCount',
  'decayedSum',
] as const;
export type AggregateFunction = (typeof aggregateFunctions)[number];

export const aggregateSchema = z.object({
  fn: z.enum(aggregateFunctions),
  /** The source field it reads; null for those that only count events: count, timeSinceLast, ratio, rate, decayedCount. */
  column: fieldName.nullable(),
  where: expressionSchema.nullable(),
  /** Null only for latest. */
  window: windowSchema.nullable(),
  /** The value of an empty window, where the aggregate's own (0 or null) is not wanted. */
  default: literalSchema.nullable(),
  /** lastN: how many values, newest first. topK: how many, the most frequent first, of equally frequent the smallest. */
  n: z.number().int().positive().optional(),
  /** percentile, approxPercentile: between 0 and 1, by linear interpolation between the two nearest ranks (type 7). */
  fraction: z.number().min(0).max(1).optional(),
  /** rate: events per this many milliseconds of the window. */
  unitMs: ms.positive().optional(),
  /** decayedCount, decayedSum: an event weighs 2^(−age / halfLife), its age counted from t. */
  halfLifeMs: ms.positive().optional(),
  /** ratio: the share of events for which this is true, among those for which it is true or false. */
  predicate: expressionSchema.optional(),
});
export type Aggregate = z.infer<typeof aggregateSchema>;

export const featureSchema = z.object({ name: fieldName, type: fieldTypeSchema, aggregate: aggregateSchema });
export type Feature = z.infer<typeof featureSchema>;

export const featureViewSchema = z.object({
  kind: z.literal('featureView'),
  name,
  entity: name,
  source: name,
  /** The source field that holds each key of the entity, in the order of the entity's keys. */
  keyFields: z.array(fieldName).min(1),
  /** Visible while event time ≥ t − ttl; null: always. */
  ttlMs: ms.positive().nullable(),
  features: z.array(featureSchema).min(1),
  site,
});
export type FeatureView = z.infer<typeof featureViewSchema>;

const requestFieldSchema = z.object({ name: fieldName, type: fieldTypeSchema });
export type RequestField = z.infer<typeof requestFieldSchema>;

export const derivedFeatureSchema = z.object({ name: fieldName, type: fieldTypeSchema, expression: expressionSchema });
export type DerivedFeature = z.infer<typeof derivedFeatureSchema>;

export const derivedSchema = z.object({
  kind: z.literal('derived'),
  name,
  /** A field of an expression names its input in `of`: the alias of a view, else its name, or the name of a derived view; a request field has none. */
  inputs: z.array(
    z.discriminatedUnion('kind', [z.object({ kind: z.literal('view'), ...viewUse }), z.object({ kind: z.literal('derived'), derived: name })]),
  ),
  request: z.array(requestFieldSchema),
  features: z.array(derivedFeatureSchema).min(1),
  site,
});
/** Features computed from other features and the request whenever they are read; nothing of them is stored. */
export type Derived = z.infer<typeof derivedSchema>;

export const featureServiceSchema = z.object({
  kind: z.literal('featureService'),
  name,
  /** Which features of which views, in the order of a row and of the model's input tensor. */
  views: z.array(viewFeaturesSchema),
  /** Which features of which derived views; in the row they follow those of the views. */
  derived: z.array(z.object({ derived: name, features: z.array(fieldName).min(1) })).optional(),
  /** Values that the caller gives with each request, those that its derived views read among them. */
  request: z.array(requestFieldSchema),
  site,
});
export type FeatureService = z.infer<typeof featureServiceSchema>;

export const generatorSchema = z.discriminatedUnion('kind', [
  /** Interactions weighted by 2^(−age / halfLife). */
  z.object({ kind: z.literal('trending'), halfLifeMs: ms.positive() }),
  /** Cosine of the items' users, shrunk by λ towards zero for rare pairs. */
  z.object({ kind: z.literal('itemToItem'), neighbours: z.number().int().positive(), shrinkage: z.number().nonnegative() }),
  /** Steck 2019: closed-form item-item model with ridge λ. */
  z.object({ kind: z.literal('ease'), lambda: z.number().positive() }),
]);
export type Generator = z.infer<typeof generatorSchema>;

export const ruleSchema = z.discriminatedUnion('kind', [z.object({ kind: z.literal('notSeen') })]);
export type Rule = z.infer<typeof ruleSchema>;

export const recommenderSchema = z.object({
  kind: z.literal('recommender'),
  name,
  user: name,
  item: name,
  interactions: name,
  /** The field of `interactions` that says how much an interaction counts: by its value, or through a table of its enum's values. Null: 1. */
  weight: z.object({ field: fieldName, values: z.record(z.string(), z.number().nonnegative()).nullable() }).nullable(),
  generators: z.array(generatorSchema).min(1),
  /** The feature service that the ranker reads; null: candidates are returned by the ranks that the generators give them. */
  ranker: name.nullable(),
  rules: z.array(ruleSchema),
  site,
});
export type Recommender = z.infer<typeof recommenderSchema>;

export const scorerSchema = z.object({
  kind: z.literal('scorer'),
  name,
  /** The feature service whose row is scored. */
  service: name,
  /** The source whose events are the training examples: the spine. */
  events: name,
  /** A bool field of `events`: what the model predicts. */
  label: fieldName,
  /** A label is known this long after its event. */
  labelDelayMs: ms,
  site,
});
export type Scorer = z.infer<typeof scorerSchema>;

export type Definition = Entity | Source | FeatureView | Derived | FeatureService | Recommender | Scorer;

/** A feature view with its version: the hash of all that gives its values their meaning. */
export const versionedViewSchema = featureViewSchema.extend({ version: z.string().regex(/^[0-9a-f]{12}$/) });
export type VersionedView = z.infer<typeof versionedViewSchema>;

/** An immutable, content-addressed set of definitions that refer only to each other. */
export const snapshotSchema = z.object({
  format: z.literal(1),
  /** sha-256 of the rest, hex. */
  id: z.string().regex(/^[0-9a-f]{64}$/),
  entities: z.array(entitySchema),
  sources: z.array(sourceSchema),
  views: z.array(versionedViewSchema),
  derived: z.array(derivedSchema).default([]),
  services: z.array(featureServiceSchema),
  recommenders: z.array(recommenderSchema),
  scorers: z.array(scorerSchema),
});
export type Snapshot = z.infer<typeof snapshotSchema>;
