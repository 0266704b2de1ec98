import type { Redis } from 'ioredis';

/** Of servers that drop rows when memory is short: such an entity then looks as if it had never been seen. */
export async function evictions(servers: readonly Redis[]): Promise<readonly string[]> {
  const each = await Promise.all(servers.map(async (server) => evictionOf(`${server.options.host}:${server.options.port}`, await server.info('memory'))));
  return each.flat();
}

function evictionOf(address: string, memory: string): readonly string[] {
  const [most, policy] = ['maxmemory', 'maxmemory_policy'].map((name) => new RegExp(`^${name}:(\\S+)`, 'm').exec(memory)?.[1]);
  if (most === undefined || most === '0' || policy === undefined || policy === 'noeviction') return [];
  return [`Redis at ${address} drops rows once it has ${most} bytes (maxmemory-policy ${policy}), and their entities are then served as never seen: set maxmemory-policy noeviction`];
}
