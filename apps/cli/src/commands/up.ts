import type { Command } from 'commander';
import { onlinePlace } from '../context.js';
import { announce, startFront, startServing, untilInterrupted } from '../serving.js';
import { openIntake, startIntake } from '../intake.js';
import { verb } from '../verb.js';

export function registerUp(program: Command): void {
  const command = program
    .command('up')
    .description('Run everything in this process until Ctrl-C: the stores, the HTTP front to ClickHouse, the serving API with its explorer, the event intake');
  const places = ['host', 'port', 'intakePort', 'clickhousePort', 'clickhouseUrl', 'redisUrl', 'project', 'logSample'] as const;
  verb<object, []>(command, places, 'granary up --port 4000 --clickhouse-port 8123', async (context) => {
    const { home, offline, online } = context.environment;
    // Before any store is opened: an empty registry has nothing to serve.
    await context.snapshot();
    const store = await context.offline();
    const clickhouse = offline.kind === 'embedded' ? await startFront(context, store) : offline.url;
    const sink = await openIntake(context, store);
    const { url } = await startServing(context, store, { stays: true, sink });
    const intake = await startIntake(context, sink);
    await announce(context, clickhouse, url);
    const { style } = context.voice;
    const through = [
      ...(offline.kind === 'embedded' ? [`--clickhouse-url ${clickhouse}`] : []),
      ...(online.kind === 'redis' ? [`--redis-url ${await onlinePlace(context.environment)}`] : []),
    ];
    const text = [
      `${style.heading('explorer')}    ${url}/`,
      `${style.heading('GraphQL')}     ${url}/graphql`,
      `${style.heading('health')}      ${url}/healthz, ${url}/readyz`,
      `${style.heading('events')}      ${intake.url}/v1/events/<source>`,
      `${style.heading('ClickHouse')}  ${clickhouse}`,
      style.dim(`other commands reach this one's data with ${[`--home ${home}`, ...through].join(' ')}; Ctrl-C ends it`),
    ].join('\n');
    return { json: { explorer: `${url}/`, graphql: `${url}/graphql`, events: `${intake.url}/v1/events`, clickhouse }, text, until: untilInterrupted(context.signal) };
  });
}
