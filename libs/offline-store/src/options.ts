import { resolve } from 'node:path';

export interface StatementLimits {
  /** Seconds after which ClickHouse stops a statement; 0: never. Default 600. */
  readonly maxExecutionSeconds?: number | undefined;
  /** Bytes one statement may use; 0: no limit. Default 4 GiB. At a third it goes on in temporary files. */
  readonly maxMemoryBytes?: number | undefined;
}

interface CommonOptions extends StatementLimits {
  /** The database that holds everything of Granary's; created if missing. Default `granary`. */
  readonly database?: string;
}

/** ClickHouse inside this process (chDB); the directory belongs to one process at a time. */
export interface EmbeddedOptions extends CommonOptions {
  readonly kind: 'embedded';
  readonly path: string;
  /** Statements that may run at the same time, 1 to 3. Default 2: each occupies one of Node's four I/O threads. */
  readonly connections?: number;
}

/** A ClickHouse server, or the front of another process's embedded engine. */
export interface ServerOptions extends CommonOptions {
  readonly kind: 'server';
  readonly url: string;
  /** Default `default`. */
  readonly username?: string;
  /** Default empty. */
  readonly password?: string;
}

export type OfflineStoreOptions = EmbeddedOptions | ServerOptions;

interface ResolvedCommon {
  readonly database: string;
  readonly maxExecutionSeconds: number;
  readonly maxMemoryBytes: number;
  /** How messages name the store. */
  readonly where: string;
}
export interface ResolvedEmbedded extends ResolvedCommon {
  readonly kind: 'embedded';
  readonly path: string;
  readonly connections: number;
}
export interface ResolvedServer extends ResolvedCommon {
  readonly kind: 'server';
  readonly url: string;
  readonly username: string;
  readonly password: string;
}
export type ResolvedOptions = ResolvedEmbedded | ResolvedServer;

export function resolveOptions(options: OfflineStoreOptions): ResolvedOptions {
  const common = {
    database: options.database ?? 'granary',
    maxExecutionSeconds: options.maxExecutionSeconds ?? 600,
    maxMemoryBytes: options.maxMemoryBytes ?? 4 * 1024 ** 3,
  };
  switch (options.kind) {
    case 'embedded': {
      const path = resolve(options.path);
      return { ...common, kind: 'embedded', path, where: path, connections: Math.min(3, Math.max(1, options.connections ?? 2)) };
    }
    case 'server':
      return {
        ...common,
        kind: 'server',
        url: options.url,
        where: options.url,
        username: options.username ?? 'default',
        password: options.password ?? '',
      };
  }
}
