export { basesOf, noteOnline } from './bases.js';
export type { GivenEvent } from './bases.js';
export { startRedisCluster } from './redis-cluster.js';
export type { TestRedisCluster } from './redis-cluster.js';
export { freePort, startRedis, whyNoRedis } from './redis-server.js';
export type { TestRedis } from './redis-server.js';
