import { GranaryError } from '@granary/contracts';
import { Option, type Command } from 'commander';
import type { Context } from '../context.js';
import { openIntake, startIntake } from '../intake.js';
import { untilInterrupted } from '../serving.js';
import { verb, type Answer } from '../verb.js';

const ROLES = ['direct', 'edge', 'worker'] as const;
type Role = (typeof ROLES)[number];

export function registerIntake(program: Command): void {
  const command = program
    .command('intake')
    .description('Run only the event intake until Ctrl-C or SIGTERM')
    .addOption(new Option('--role <role>', 'direct: HTTP into ClickHouse; edge: HTTP onto a Redis Stream; worker: from the streams into ClickHouse').choices(ROLES).default('direct'));
  const places = ['host', 'intakePort', 'streamUrl', 'clickhouseUrl', 'redisUrl', 'project'] as const;
  verb<{ readonly role: Role }, []>(command, places, 'granary intake --role edge --stream-url redis://localhost:6379\ngranary intake --role worker --stream-url redis://localhost:6379 --clickhouse-url http://localhost:8123', async (context, { role }) => {
    // Before any store is opened: an empty registry has no sources.
    await context.snapshot();
    switch (role) {
      case 'direct':
        return listening(context, await startIntake(context, await openIntake(context, await context.offline())));
      case 'edge':
        return edge(context);
      case 'worker':
        return worker(context);
    }
  });
}

async function edge(context: Context): Promise<Answer> {
  const { openStreamSink } = await import('@granary/jobs');
  const sink = await openStreamSink({ ...streams(context), snapshot: await context.snapshot() });
  context.onClose(() => sink.close());
  return listening(context, await startIntake(context, sink));
}

async function worker(context: Context): Promise<Answer> {
  const { startStreamWorker } = await import('@granary/jobs');
  const place = streams(context);
  const snapshot = await context.snapshot();
  const sink = await openIntake(context, await context.offline());
  const running = await startStreamWorker({ ...place, snapshot, sink, onTrouble: (source, error) => context.voice.note(`${source}: ${(error as Error).message}; trying again`) });
  context.onClose(() => running.close());
  return { json: { streams: place.url }, text: `${context.voice.style.heading('streams')}  ${new URL(place.url).host}`, until: untilInterrupted(context.signal) };
}

function streams({ environment: { streamUrl, project } }: Context): { readonly url: string; readonly project: string } {
  if (streamUrl !== undefined) return { url: streamUrl, project };
  throw new GranaryError('INVALID_USAGE', 'which Redis has the streams?', { todo: 'Give --stream-url redis://…' });
}

function listening(context: Context, { url }: { readonly url: string }): Answer {
  const { style } = context.voice;
  const text = `${style.heading('events')}  ${url}/v1/events/<source>\n${style.heading('health')}  ${url}/health/live, ${url}/health/ready`;
  return { json: { events: `${url}/v1/events` }, text, until: untilInterrupted(context.signal) };
}
