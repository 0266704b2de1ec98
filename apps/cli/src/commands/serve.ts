import type { Command } from 'commander';
import { startServing, untilInterrupted } from '../serving.js';
import { verb } from '../verb.js';

export function registerServe(program: Command): void {
  const command = program.command('serve').description('Run only the serving API, over the configured online store, until Ctrl-C or SIGTERM');
  verb<object, []>(command, ['host', 'port', 'redisUrl', 'project'], 'granary serve --redis-url redis://localhost:6379 --host 0.0.0.0', async (context) => {
    const { url } = await startServing(context, null);
    const { style } = context.voice;
    const text = `${style.heading('explorer')}  ${url}/\n${style.heading('GraphQL')}   ${url}/graphql\n${style.heading('health')}    ${url}/healthz, ${url}/readyz`;
    return { json: { explorer: `${url}/`, graphql: `${url}/graphql` }, text, until: untilInterrupted(context.signal) };
  });
}
