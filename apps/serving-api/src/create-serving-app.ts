import 'reflect-metadata';
import { ApolloServerPluginCacheControlDisabled } from '@apollo/server/plugin/disabled';
import { NestFactory } from '@nestjs/core';
import type { ApolloDriverConfig } from '@nestjs/apollo';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { GranaryError, type Instant } from '@granary/contracts';
import type { FeatureReader } from '@granary/serving';
import type { GraphQLSchema } from 'graphql';
import { AppModule } from './app.module.js';
import { compiledExecution } from './graphql/compiled-execution.js';
import { errorFormatter, logToStderr, type LogInternalError } from './graphql/errors.js';
import { httpStatusPlugin } from './graphql/http-status.js';
import { DEFAULT_LIMITS, limitRule, operationRule, type Limits } from './graphql/limits.js';
import type { ReadinessCheck } from './health/readiness.js';
import { HttpErrorsFilter } from './http-errors.filter.js';
import { featureServices, type SampleKeys } from './schema/feature-services.js';
import { extendSchema, type BuildSchemaPart, type ExampleQuery } from './schema/schema-part.js';
import { createSchemaTypes } from './schema/schema-types.js';
import { CHECKS, READER, SERVED, type Checks, type Served } from './tokens.js';

export interface ServingAppOptions {
  /** Reads the features of the snapshot that is served. */
  readonly reader: FeatureReader;
  /** When the snapshot was applied. Default: unknown. */
  readonly appliedAt?: Instant;
  /** Further generated root fields: recommendations, scores. Default none. */
  readonly schemaParts?: readonly BuildSchemaPart[];
  /** What must work before requests are sent here, beside the online store. Default none. */
  readonly checks?: readonly ReadinessCheck[];
  /** Default `127.0.0.1`: other machines can't reach it. */
  readonly host?: string;
  /** Default 4000; 0: any free one. */
  readonly port?: number;
  readonly limits?: Partial<Limits>;
  /** Entities that have rows, for the explorer's examples. Default: keys of the right type. */
  readonly sampleKeys?: SampleKeys;
  /** Default: a line of JSON on stderr. */
  readonly log?: LogInternalError;
}

export interface ServingApp {
  /** Without a path: GraphQL is at `/graphql`, the explorer at `/`, health at `/healthz` and `/readyz`. */
  readonly url: string;
  /** The explorer's queries. */
  readonly examples: readonly ExampleQuery[];
  /** Takes no new requests, answers those under way, then ends. The stores stay open: who opened them closes them. */
  close(): Promise<void>;
}

/** Serves one snapshot over HTTP. Throws DEFINITION_INVALID (names that meet in GraphQL) and CONFIG_INVALID (the port is taken). */
export async function createServingApp(options: ServingAppOptions): Promise<ServingApp> {
  const { reader, appliedAt = null, schemaParts = [], checks = [], host = '127.0.0.1', port = 4000, sampleKeys = {}, log = logToStderr } = options;
  const limits: Limits = { ...DEFAULT_LIMITS, ...options.limits };

  // Before Nest starts, for it reports what fails while it starts as its own.
  const types = createSchemaTypes();
  const parts = [featureServices(reader, sampleKeys), ...schemaParts].map((build) => build(types));
  const examples = [...parts.flatMap((part) => part.examples), STATUS_EXAMPLE];
  let failure: unknown;
  let schema: GraphQLSchema | undefined;
  const graphql = graphqlOptions(limits, log, () => schema!, (fixed) => {
    try {
      return (schema = extendSchema(fixed, parts));
    } catch (error) {
      failure = error;
      throw error;
    }
  });

  const served: Served = { appliedAt, examples: () => examples };
  const ready: Checks = [{ name: 'onlineStore', check: () => reader.ping() }, ...checks];
  const adapter = new FastifyAdapter({ bodyLimit: limits.bodyBytes });
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.of(graphql, [{ provide: READER, useValue: reader }, { provide: SERVED, useValue: served }, { provide: CHECKS, useValue: ready }]),
    adapter,
    { logger: false, abortOnError: false },
  );
  let closing: Promise<void> | undefined;
  // A connection that stays open after its last answer would hold up the end for as long as clients keep it.
  adapter.getInstance().addHook('onSend', async (_request, reply) => {
    if (closing !== undefined) reply.header('connection', 'close');
    return Promise.resolve();
  });
  app.useGlobalFilters(new HttpErrorsFilter(log));
  try {
    await app.listen(port, host);
  } catch (error) {
    await app.close();
    throw startError(failure ?? error, host, port);
  }

  return {
    url: await app.getUrl(),
    examples,
    close: () =>
      // The listener first: Apollo must not stop while requests are under way.
      (closing ??= (async () => {
        await app.getHttpAdapter().getInstance().close();
        await app.close();
      })()),
  };
}

const STATUS_EXAMPLE: ExampleQuery = {
  title: 'What is served, and how fresh it is',
  query: '{\n  status {\n    snapshotId\n    appliedAt\n    featureViews { name version asOf rows }\n  }\n  featureServices { name field entities }\n}',
};

function graphqlOptions(limits: Limits, log: LogInternalError, schema: () => GraphQLSchema, extend: (fixed: GraphQLSchema) => GraphQLSchema): ApolloDriverConfig {
  const gateway = compiledExecution(schema);
  return {
    path: '/graphql',
    autoSchemaFile: true,
    transformSchema: extend,
    introspection: true,
    graphiql: false,
    csrfPrevention: true,
    allowBatchedHttpRequests: false,
    includeStacktraceInErrorResponses: false,
    autoTransformHttpErrors: false,
    preserveHttpStatusForExecutionErrors: false,
    parseOptions: { maxTokens: limits.tokens },
    validationRules: [operationRule, limitRule(limits)],
    formatError: errorFormatter(log),
    plugins: [httpStatusPlugin, ApolloServerPluginCacheControlDisabled()],
    // Nest's types know no gateway beside a schema of ours; its driver hands all options on to Apollo.
    ...({ gateway } as object),
  };
}

function startError(error: unknown, host: string, port: number): unknown {
  const code = (error as NodeJS.ErrnoException).code;
  if (code !== 'EADDRINUSE' && code !== 'EACCES' && code !== 'EADDRNOTAVAIL') return error;
  return new GranaryError('CONFIG_INVALID', `The serving API can't listen on ${host}:${port}: ${code}`, {
    todo: 'Choose another port, or end the process that has it.',
    details: { host, port },
    cause: error,
  });
}
