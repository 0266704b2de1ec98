import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { buildClientSchema, getIntrospectionQuery, printSchema, type IntrospectionQuery } from 'graphql';
import { Pool } from 'undici';
import type { ServerAnswer, ServerRequest } from './graphql-server.js';
import { callRows } from './harness.js';
import type { Bench, Suite } from './suite.js';

const FEATURES = 5;
const ENTITIES = 1_000;
const SELECTION = Array.from({ length: FEATURES }, (_, i) => `f${i} { value state eventTime }`).join(' ');

/** HTTP through the serving API on LMDB against a bare Apollo Server with the same schema that has the answers ready. */
export const graphql: Suite = {
  name: 'graphql',
  about: `a feature row, and batches of items × ${FEATURES} features, over HTTP · floor: bare Apollo, static resolvers`,
  async run(bench) {
    const ours = await startServer(bench, { kind: 'ours', path: bench.folder(), entities: ENTITIES, features: FEATURES });
    const sizes = bench.quick ? [20] : [20, 80, 320];
    const rows = (await ours.ask(batch(Math.max(...sizes)))) as { readonly data: { readonly wideServiceBatch: readonly unknown[] } };
    const introspection = (await ours.ask(JSON.stringify({ query: getIntrospectionQuery() }))) as { readonly data: IntrospectionQuery };
    const sdl = printSchema(buildClientSchema(introspection.data));
    const floor = await startServer(bench, { kind: 'floor', sdl, field: 'wideService', rows: rows.data.wideServiceBatch });

    const questions = [
      { name: `1 row × ${FEATURES}`, body: JSON.stringify({ query: `{ wideService(driverId: "0") { ${SELECTION} } }` }), scale: 1 },
      ...sizes.map((size) => ({ name: `${size} items × ${FEATURES}`, body: batch(size), scale: size / 20 })),
    ];
    for (const { name, body, scale } of questions) {
      const [answer, expected] = [JSON.stringify(await ours.ask(body)), JSON.stringify(await floor.ask(body))];
      if (answer !== expected || answer.includes('"errors"')) throw new Error(`${name}: the two servers answer differently: ${answer.slice(0, 200)} and ${expected.slice(0, 200)}`);
      await ours.tell({ kind: 'resetPeak' });
      const measured = await callRows('graphql', name, { ours: () => ours.send(body), floor: () => floor.send(body) }, { calls: bench.quick ? 20 : Math.round(6_000 / (scale + 2)), rounds: bench.quick ? 1 : 4, scale, signal: bench.signal });
      const peak = await ours.tell({ kind: 'peak' });
      if (!('peakRssMb' in peak)) throw new Error('the server was asked for its memory and told something else');
      bench.add(...measured.map((each) => ({ ...each, peakRssMb: peak.peakRssMb })));
    }
  },
};

function batch(size: number): string {
  return JSON.stringify({
    query: `query ($entities: [WideServiceKey!]!) { wideServiceBatch(entities: $entities) { ${SELECTION} } }`,
    variables: { entities: Array.from({ length: size }, (_, id) => ({ driverId: String(id) })) },
  });
}

interface Server {
  /** POSTs a body; resolves with the text. */
  readonly send: (body: string) => Promise<string>;
  readonly ask: (body: string) => Promise<unknown>;
  readonly tell: (request: ServerRequest) => Promise<ServerAnswer>;
}

/** Each server has a process of its own, and this one is the client. */
async function startServer(bench: Bench, request: ServerRequest): Promise<Server> {
  const child = fork(fileURLToPath(new URL('./graphql-server.js', import.meta.url)));
  bench.defer(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.disconnect();
    await ended;
  });
  const started = await tell(child, request);
  if (!('url' in started)) throw new Error('the server started without an address');
  const { origin, pathname } = new URL(started.url);
  const pool = new Pool(origin, { connections: 16 });
  bench.defer(() => pool.destroy());
  const send = async (body: string): Promise<string> => {
    const response = await pool.request({ method: 'POST', path: pathname, headers: { 'content-type': 'application/json' }, body });
    return response.body.text();
  };
  return { send, ask: async (body) => JSON.parse(await send(body)) as unknown, tell: (next) => tell(child, next) };
}

/** One question at a time. Rejects when the server ends instead of answering. */
function tell(child: ChildProcess, request: ServerRequest): Promise<ServerAnswer> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null): void => reject(new Error(`the server ended with ${code}`));
    child.once('exit', ended);
    child.once('message', (reply) => {
      child.off('exit', ended);
      resolve(reply as ServerAnswer);
    });
    child.send(request);
  });
}
