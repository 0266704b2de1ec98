import { join } from 'node:path';
import { GranaryError, isGranaryError } from '@granary/contracts';
import type { Command } from 'commander';
import { createContext, type Context } from '../context.js';
import { ask, questionsAbout, type Answered } from '../demo/questions.js';
import { checkPort, demoDefinitions, endSoonAfter, openWorkplace } from '../demo/workplace.js';
import { readEnvironment } from '../environment.js';
import { wholeNumber } from '../flags.js';
import { startServing, untilInterrupted } from '../serving.js';
import { formatCount, formatElapsed } from '../terminal/format.js';
import { foldJson } from '../terminal/json.js';
import { flag, verb, type VerbFlags } from '../verb.js';
import { renderReports, unreadFiles } from './ingest.js';
import { renderMaterialised } from './materialise.js';
import { makePlan, renderChanges } from './plan.js';
import { simulate } from './simulate.js';
import { renderModel, train } from './train.js';

interface DemoFlags extends VerbFlags {
  readonly once?: true;
  readonly keep?: true;
  readonly users: number;
  readonly seed: number;
}

export function registerDemo(program: Command): void {
  const command = program
    .command('demo')
    .description(
      'Show everything on made-up data, in a fresh temporary folder with embedded stores: simulate → plan → apply → ingest → materialise → train → serve, then queries with their real answers',
    )
    .option('--once', 'end after the queries instead of serving until Ctrl-C; listens on any free port unless --port is given')
    .option('--keep', 'keep the folder (by default it is removed at the end)')
    .option('--users <number>', 'people of the marketplace', flag(wholeNumber(50)), 400)
    .option('--seed <number>', 'the same seed gives the same data', flag(wholeNumber(0)), 1);
  verb<DemoFlags, []>(command, ['host', 'port'], 'granary demo --once', async (context, flags) => {
    const { host, port } = context.environment;
    const listen = flags.once === true && flags.port === undefined ? 0 : port;
    await checkPort(host, listen);
    const workplace = await openWorkplace(flags.keep === true);
    context.onClose(workplace.leave);
    const callOff = endSoonAfter(context.signal, workplace, flags.keep === true);
    // No variables: whatever stores are configured here, the demo has its own.
    const environment = readEnvironment({ home: workplace.dir, defs: demoDefinitions(), host, port: String(listen) }, {});
    const inner = createContext(environment, context.voice, context.signal);
    context.onClose(async () => {
      await inner.close();
      callOff();
    });
    const shown = await show(inner, flags).catch((error: unknown) => {
      if (!isGranaryError(error, 'CANCELLED')) throw error;
      throw new GranaryError('CANCELLED', `the demo was stopped: ${error.message}`, { todo: 'It begins anew each time.', cause: error });
    });
    const { style } = context.voice;
    if (flags.once === true) return { json: shown, text: `\n${style.good('done')} in ${formatElapsed(shown.ms)}${flags.keep === true ? `; everything is in ${workplace.dir}` : ''}` };
    return {
      json: shown,
      text: `\n${style.good('ready')} after ${formatElapsed(shown.ms)}\n${style.heading('explorer')}  ${shown.url}/\nCtrl-C ends it${flags.keep === true ? `; everything stays in ${workplace.dir}` : ''}`,
      until: untilInterrupted(context.signal),
    };
  });
}

interface Stage {
  readonly stage: string;
  readonly ms: number;
}

interface Shown {
  readonly url: string;
  readonly ms: number;
  readonly stages: readonly Stage[];
  readonly answers: readonly Answered[];
}

async function show(context: Context, { users, seed }: DemoFlags): Promise<Shown> {
  const { environment, signal, voice } = context;
  const { style, say } = voice;
  const jobs = { onProgress: voice.progress.report, signal };
  const started = performance.now();
  const at = Date.now();
  const data = join(environment.home, 'data');
  const stages: Stage[] = [];

  async function stage<T>(name: string, about: string, work: () => Promise<readonly [result: T, text: string]>): Promise<T> {
    signal.throwIfAborted();
    say(`\n${style.heading(name)}  ${style.dim(about)}`);
    const before = performance.now();
    const [result, text] = await work();
    voice.progress.end();
    const ms = Math.round(performance.now() - before);
    stages.push({ stage: name, ms });
    say(`${text.trimEnd()}\n${style.dim(formatElapsed(ms))}`);
    return result;
  }

  say(`${style.heading('granary demo')} in ${environment.home}`);
  await stage('simulate', 'a marketplace and a stream of card payments', async () => {
    const files = [
      ...(await simulate(context, 'marketplace', data, { seed, end: at, users, items: 200 })),
      ...(await simulate(context, 'payments', data, { seed, end: at, customers: 300, days: 100 })),
    ];
    return [files, files.map(({ path, rows }) => `${formatCount(rows)} rows in ${path}`).join('\n')];
  });
  const plan = await stage('plan', 'what applying the definitions would change', async () => {
    const made = await makePlan(context, false);
    return [made, await renderChanges(context, made)];
  });
  await stage('apply', 'an immutable snapshot, by the hash of its content', async () => {
    const { entry } = await (await context.registry()).apply(plan.snapshot, plan.head, { message: 'demo' });
    return [entry, `applied ${entry.snapshotId}`];
  });
  const { ingestFolder, materialise } = await import('@granary/jobs');
  const offline = await context.offline();
  await stage('ingest', 'files into ClickHouse, in this process', async () => {
    const report = await ingestFolder(offline, plan.snapshot, data, jobs);
    const unread = unreadFiles(report);
    if (unread !== undefined) throw unread;
    return [report, renderReports(report, style)];
  });
  await stage('materialise', 'into the online store, for reads from now on', async () => {
    const results = await materialise(offline, await context.online(), plan.snapshot, { ...jobs, at, project: environment.project });
    return [results, renderMaterialised(results, style)];
  });
  await stage('train', 'a recommender and a fraud score, on point-in-time training sets', async () => {
    const models = await train(context, [], seed);
    return [models, models.map((each) => renderModel(each, style)).join('\n')];
  });
  const app = await stage('serve', 'GraphQL, generated from the definitions', async () => {
    const served = await startServing(context, offline, { stays: true });
    return [served, `${served.url}/graphql`];
  });
  const answers = await stage('ask', 'over HTTP, as a backend would', async () => {
    const answered: Answered[] = [];
    for (const question of await questionsAbout(offline, at)) {
      const answer = await ask(`${app.url}/graphql`, question, signal);
      say(`\n${style.heading(answer.title)}\n${style.dim(answer.query)}\n${foldJson(answer.data)}`);
      answered.push(answer);
    }
    return [answered, ''];
  });
  return { url: app.url, ms: Math.round(performance.now() - started), stages, answers };
}
