import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { createContext } from '../context.js';
import { startServing, untilInterrupted } from '../serving.js';
import { verb } from '../verb.js';

export function registerServe(program: Command): void {
  const command = program.command('serve').description('Run only the serving API until Ctrl-C or SIGTERM; an embedded offline store is read for trained models at the start and then let go, so that reads of the past and the log of what is served need a ClickHouse server');
  const places = ['host', 'port', 'clickhouseUrl', 'redisUrl', 'project', 'logSample'] as const;
  const example = 'granary serve --redis-url redis://localhost:6379 --clickhouse-url http://localhost:8123 --host 0.0.0.0';
  verb<object, []>(command, places, example, async (context) => {
    await context.snapshot();
    const { environment, voice, signal } = context;
    const { offline } = environment;
    const starting = createContext(environment, voice, signal);
    let url: string;
    try {
      const stays = offline.kind === 'server';
      const store = stays ? await context.offline() : existsSync(offline.path) ? await starting.offline() : null;
      ({ url } = await startServing(context, store, { stays }));
    } finally {
      await starting.close();
    }
    const { style } = voice;
    const text = `${style.heading('explorer')}  ${url}/\n${style.heading('GraphQL')}   ${url}/graphql\n${style.heading('health')}    ${url}/healthz, ${url}/readyz`;
    return { json: { explorer: `${url}/`, graphql: `${url}/graphql` }, text, until: untilInterrupted(signal) };
  });
}
