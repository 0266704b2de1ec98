import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { GranaryError, isGranaryError } from '@granary/contracts';
import type { Files } from './files.js';

const HASH = /^[0-9a-f]{64}$/;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*(\/[A-Za-z0-9][A-Za-z0-9._-]*)*$/;
const MANIFEST = 'manifest.json';

interface Manifest {
  readonly format: 1;
  /** By name, sorted. */
  readonly files: readonly { readonly name: string; readonly size: number; readonly sha256: string }[];
}

/**
 * Artifacts in a folder, each under the sha-256 of its manifest, which holds the sha-256 of each file: the same content
 * has the same hash anywhere, and what is read is what was written. Many processes may use one folder at once.
 */
export class ArtifactStore {
  constructor(private readonly dir: string) {}

  /** Stores the files and returns their hash (64 hex digits). All or nothing: a reader never sees a part. Idempotent; mends a damaged copy. */
  async put(files: Files): Promise<string> {
    const manifest = describe(files);
    const text = JSON.stringify(manifest);
    const hash = sha256(text);
    if (await this.isIntact(hash)) return hash;
    const target = join(this.dir, hash);
    const temporary = join(this.dir, `.${hash}.${randomUUID()}`);
    try {
      await writeDurably(join(temporary, MANIFEST), text);
      for (const { name } of manifest.files) await writeDurably(join(temporary, 'files', name), files[name]!);
      await this.moveInPlace(temporary, target, hash);
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
    return hash;
  }

  /** The files of an artifact. Throws FILE_NOT_FOUND for a hash never stored here, ARTIFACT_CORRUPT when any byte has changed. */
  async get(hash: string): Promise<Record<string, Uint8Array>> {
    if (!HASH.test(hash)) {
      throw new GranaryError('INVALID_VALUE', `${JSON.stringify(hash)} is no artifact hash`, { todo: 'Give 64 hexadecimal digits.' });
    }
    const text = await this.read(hash, MANIFEST);
    if (sha256(text) !== hash) throw damaged(hash, MANIFEST);
    const manifest = JSON.parse(text.toString('utf8')) as Manifest;
    const files: Record<string, Uint8Array> = {};
    for (const { name, sha256: expected } of manifest.files) {
      const bytes = await this.read(hash, join('files', name));
      if (sha256(bytes) !== expected) throw damaged(hash, name);
      files[name] = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    return files;
  }

  private async read(hash: string, name: string): Promise<Buffer> {
    try {
      return await readFile(join(this.dir, hash, name));
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
      if (name === MANIFEST) {
        throw new GranaryError('FILE_NOT_FOUND', `There is no artifact ${hash}`, { todo: 'Train the model again, or restore the artifacts folder.', cause });
      }
      throw damaged(hash, name, cause);
    }
  }

  private async isIntact(hash: string): Promise<boolean> {
    try {
      await this.get(hash);
      return true;
    } catch (error) {
      if (isGranaryError(error, 'FILE_NOT_FOUND') || isGranaryError(error, 'ARTIFACT_CORRUPT')) return false;
      throw error;
    }
  }

  private async moveInPlace(temporary: string, target: string, hash: string): Promise<void> {
    try {
      await rename(temporary, target);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
      // Another process stored the same content meanwhile, or what is there is damaged: then ours takes its place.
      if (await this.isIntact(hash)) return;
      await rename(target, join(temporary, 'damaged'));
      await rename(temporary, target);
    }
    await syncDirectory(this.dir);
  }
}

function describe(files: Files): Manifest {
  const names = Object.keys(files).sort();
  for (const name of names) if (!NAME.test(name)) throw new Error(`${JSON.stringify(name)} is no name for an artifact's file`);
  return { format: 1, files: names.map((name) => ({ name, size: files[name]!.byteLength, sha256: sha256(files[name]!) })) };
}

async function writeDurably(path: string, content: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, 'wx');
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

function damaged(hash: string, name: string, cause?: unknown): GranaryError {
  return new GranaryError('ARTIFACT_CORRUPT', `Artifact ${hash} is damaged: ${name} is not what was stored`, {
    todo: 'Train the model again, or restore the artifacts folder.',
    details: { hash, name },
    cause,
  });
}
