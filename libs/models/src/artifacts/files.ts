import { GranaryError, isGranaryError } from '@granary/contracts';

/** An artifact's content: file names to bytes. Names are relative, with `/` between folders. */
export type Files = Readonly<Record<string, Uint8Array>>;

const ARRAYS = { f32: Float32Array, f64: Float64Array, i32: Int32Array, u8: Uint8Array } as const;
type ArrayKind = keyof typeof ARRAYS;
type NumericArray = Float32Array | Float64Array | Int32Array | Uint8Array;

interface Saved {
  readonly header: unknown;
  readonly arrays: Readonly<Record<string, { readonly kind: ArrayKind; readonly length: number }>>;
}

/** `model.json` holds the header and what the arrays are; each array is a file of its raw little-endian values. */
export function packFiles(header: object, arrays: Readonly<Record<string, NumericArray>> = {}): Record<string, Uint8Array> {
  const files: Record<string, Uint8Array> = {};
  const described: Record<string, { kind: ArrayKind; length: number }> = {};
  for (const [name, array] of Object.entries(arrays)) {
    described[name] = { kind: kindOf(array), length: array.length };
    files[`${name}.bin`] = new Uint8Array(array.buffer, array.byteOffset, array.byteLength).slice();
  }
  files['model.json'] = new TextEncoder().encode(`${JSON.stringify({ header, arrays: described })}\n`);
  return files;
}

export interface Unpacked {
  readonly header: Readonly<Record<string, unknown>>;
  f32(name: string): Float32Array;
  i32(name: string): Int32Array;
}

/** Reads what `packFiles` wrote for a model of this kind. Throws ARTIFACT_CORRUPT when anything is absent or of another kind. */
export function unpackFiles(files: Files, kind: string): Unpacked {
  const json = files['model.json'];
  if (json === undefined) throw corrupt(kind, 'model.json is missing');
  let saved: Saved;
  try {
    saved = JSON.parse(new TextDecoder().decode(json)) as Saved;
  } catch (cause) {
    throw corrupt(kind, 'model.json is not JSON', cause);
  }
  const header = saved.header as Readonly<Record<string, unknown>> | null | undefined;
  if (header?.['kind'] !== kind) throw corrupt(kind, `model.json describes ${JSON.stringify(header?.['kind'])}`);
  const read = (name: string, expected: ArrayKind): NumericArray => {
    const described = saved.arrays[name];
    const bytes = files[`${name}.bin`];
    const type = ARRAYS[expected];
    if (described?.kind !== expected || bytes?.byteLength !== described.length * type.BYTES_PER_ELEMENT) {
      throw corrupt(kind, `${name}.bin is missing or of the wrong length`);
    }
    // A copy is aligned; the bytes given may be a view of anything.
    return new type(Uint8Array.from(bytes).buffer);
  };
  return { header, f32: (name) => read(name, 'f32') as Float32Array, i32: (name) => read(name, 'i32') as Int32Array };
}

/** The files in a folder of that name, so that several models fit into one artifact. */
export function nestFiles(folder: string, files: Files): Record<string, Uint8Array> {
  return Object.fromEntries(Object.entries(files).map(([name, bytes]) => [`${folder}/${name}`, bytes]));
}

/** The files of one folder, with names relative to it; empty when there are none. */
export function filesIn(folder: string, files: Files): Record<string, Uint8Array> {
  const prefix = `${folder}/`;
  return Object.fromEntries(
    Object.entries(files)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, bytes]) => [name.slice(prefix.length), bytes]),
  );
}

export function corrupt(kind: string, reason: string, cause?: unknown): GranaryError {
  return new GranaryError('ARTIFACT_CORRUPT', `A saved ${kind} can't be read: ${reason}`, { todo: 'Train the model again.', cause });
}

/** Runs a reader of saved files; what it throws that names no cause of its own is ARTIFACT_CORRUPT. */
export async function readSaved<T>(kind: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    throw isGranaryError(cause) ? cause : corrupt(kind, (cause as Error).message, cause);
  }
}

/** A header's list of texts. Throws ARTIFACT_CORRUPT. */
export function textsOf({ header }: Unpacked, kind: string, name: string): readonly string[] {
  const value = header[name];
  if (!Array.isArray(value) || !value.every((each) => typeof each === 'string')) throw corrupt(kind, `${name} is ${JSON.stringify(value)}`);
  return value;
}

function kindOf(array: NumericArray): ArrayKind {
  if (array instanceof Float32Array) return 'f32';
  if (array instanceof Float64Array) return 'f64';
  return array instanceof Int32Array ? 'i32' : 'u8';
}
