import { GranaryError } from '@granary/contracts';

export interface RedisOptions {
  /**
   * `redis://[[user]:password@]host[:port][/db]`, or of a Redis Cluster some of its nodes, from which the others are found:
   * `redis+cluster://[[user]:password@]host[:port],host[:port]`. With `rediss` instead of `redis`: by TLS.
   */
  readonly url: string;
  /** How long opening may take, and each attempt to reconnect. Default 2000. */
  readonly connectTimeoutMs?: number;
  /** How long one command may take. Default 2000. */
  readonly commandTimeoutMs?: number;
}

export interface ClusterAddress {
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  readonly tls: boolean;
  readonly username?: string;
  readonly password?: string;
  /** The URL of the first node by itself. */
  readonly first: string;
}

const CLUSTER = /^(rediss?)\+cluster:\/\/(?:([^@/]*)@)?([^@/]+)\/?$/;
const NODE = /^(\[[0-9a-fA-F:.]+\]|[^:[\]]+)(?::(\d{1,5}))?$/;
const DATABASE = /^(\/\d{0,9})?$/;
const DEFAULT_PORT = 6379;

export function isClusterUrl(url: string): boolean {
  return /^rediss?\+cluster:/.test(url);
}

/** Throws CONFIG_INVALID. */
export function clusterAddress(url: string): ClusterAddress {
  const [, scheme, credentials = '', list = ''] = CLUSTER.exec(url) ?? [];
  const nodes = list.split(',').map((text) => NODE.exec(text));
  if (scheme === undefined || nodes.includes(null)) throw invalidUrl();
  const [username, ...password] = credentials.split(':').map(decodeURIComponent);
  return {
    nodes: nodes.map((node) => ({ host: node![1]!.replace(/[[\]]/g, ''), port: Number(node![2] ?? DEFAULT_PORT) })),
    tls: scheme === 'rediss',
    first: `${scheme}://${credentials === '' ? '' : `${credentials}@`}${nodes[0]![0]}`,
    ...(username === undefined || username === '' ? {} : { username }),
    ...(password.length === 0 ? {} : { password: password.join(':') }),
  };
}

/** The address without its password, for messages. Throws CONFIG_INVALID. */
export function publicAddress(url: string): string {
  if (isClusterUrl(url)) {
    const { nodes, tls } = clusterAddress(url);
    return `redis${tls ? 's' : ''}+cluster://${nodes.map(({ host, port }) => `${host}:${port}`).join(',')}`;
  }
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null || !['redis:', 'rediss:'].includes(parsed.protocol) || parsed.hostname === '' || !DATABASE.test(parsed.pathname)) throw invalidUrl();
  return `${parsed.protocol}//${parsed.host}${parsed.pathname}`;
}

export function unavailable(address: string, reason: string, cause: unknown): GranaryError {
  return new GranaryError('STORE_UNAVAILABLE', `Redis at ${address} can't be used: ${reason}`, {
    todo: 'Check that the server runs, that this machine can reach it, and that the URL and its password are right.',
    details: { kind: 'redis', address },
    ...(cause === undefined ? {} : { cause }),
  });
}

/** What a node of a Redis Cluster says to a client that takes it for a single server. */
export function isClusterRefusal(error: Error): boolean {
  return /^(MOVED|ASK|CROSSSLOT) /.test(error.message);
}

export function clusterRefusal(address: string, cause: unknown): GranaryError {
  return new GranaryError('CONFIG_INVALID', `Redis at ${address} is a node of a Redis Cluster`, {
    todo: 'Write redis+cluster://host:port,host:port with some of its nodes.',
    details: { kind: 'redis', address },
    cause,
  });
}

function invalidUrl(): GranaryError {
  return new GranaryError('CONFIG_INVALID', 'The URL of the online store is no Redis URL', {
    todo: 'Write redis://[[user]:password@]host[:port][/db], or redis+cluster://[[user]:password@]host[:port],host[:port] for a Redis Cluster; with rediss for TLS.',
  });
}
