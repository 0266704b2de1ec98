import type { Redis } from 'ioredis';
import type { MemorySample, SampleLimits } from '../store.js';
import { DEFAULT_SAMPLE } from './sample.js';

const KEYS_PER_SCAN = 500;

/** By SCAN, whose order says nothing about a key: the first ones found are a fair sample. */
export async function sampleServers(servers: readonly Redis[], prefix: string, limits: SampleLimits = {}): Promise<MemorySample> {
  const { rows, budgetMs } = { ...DEFAULT_SAMPLE, ...limits };
  const deadline = performance.now() + budgetMs;
  const most = Math.ceil(rows / servers.length);
  const samples = await Promise.all(servers.map((server) => sampleServer(server, prefix, most, deadline)));
  return { rows: samples.flatMap((sample) => sample.rows), complete: samples.every(({ complete }) => complete) };
}

async function sampleServer(server: Redis, prefix: string, most: number, deadline: number): Promise<MemorySample> {
  const pattern = `${prefix.replace(/[*?[\]\\^]/g, '\\$&')}*`;
  // SCAN may give a key twice.
  const sizes = new Map<string, number>();
  let cursor = '0';
  do {
    const [next, keys] = await server.scan(cursor, 'MATCH', pattern, 'COUNT', KEYS_PER_SCAN);
    cursor = next;
    const pipeline = server.pipeline();
    for (const key of keys) pipeline.memory('USAGE', key);
    const replies = (await pipeline.exec()) ?? [];
    replies.forEach(([error, bytes], i) => {
      // Null: deleted since; an error: moved to another server.
      if (error === null && typeof bytes === 'number') sizes.set(keys[i]!, bytes);
    });
  } while (cursor !== '0' && sizes.size < most && performance.now() < deadline);
  const rows = Array.from(sizes, ([key, bytes]) => ({ key, bytes }));
  return { rows: rows.slice(0, most), complete: cursor === '0' && rows.length <= most };
}
