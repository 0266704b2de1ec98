import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

export interface Asset {
  readonly type: string;
  readonly etag: string;
  readonly plain: Buffer;
  readonly zipped: Buffer;
}

const PARTS = {
  'explorer.js': ['text/javascript; charset=utf-8', 'js'],
  'explorer.css': ['text/css; charset=utf-8', 'css'],
  'editor-worker.js': ['text/javascript; charset=utf-8', 'editorWorkerService'],
  'json-worker.js': ['text/javascript; charset=utf-8', 'jsonWorker'],
  'graphql-worker.js': ['text/javascript; charset=utf-8', 'graphqlWorker'],
} as const;
type AssetName = keyof typeof PARTS;

const made = new Map<AssetName, Promise<Asset>>();

/** The explorer's files, from the package that bundles GraphiQL whole; loaded (9 MB) when first asked for. */
export async function explorerAsset(name: string): Promise<Asset | null> {
  if (!Object.hasOwn(PARTS, name)) return null;
  const known = name as AssetName;
  if (!made.has(known)) made.set(known, makeAsset(known));
  return made.get(known)!;
}

async function makeAsset(name: AssetName): Promise<Asset> {
  const bundle = await import('@graphql-yoga/render-graphiql/graphiql');
  const [type, part] = PARTS[name];
  const plain = Buffer.from(bundle[part]);
  return { type, etag: `"${createHash('sha256').update(plain).digest('hex').slice(0, 32)}"`, plain, zipped: await promisify(gzip)(plain) };
}
