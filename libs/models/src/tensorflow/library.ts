import { createRequire } from 'node:module';
import { dirname, sep } from 'node:path';
import type * as Core from '@tensorflow/tfjs-core';
import type * as Layers from '@tensorflow/tfjs-layers';

// Loaded at first use, for most processes never use it: to start with TF.js takes half a second of processor time. Required,
// not imported: before an import Node scans these megabytes for the names they export.
const load = createRequire(import.meta.url);
let core: typeof Core | undefined;
let layers: typeof Layers | undefined;

export function tensorflow(): typeof Core {
  return (core ??= load('@tensorflow/tfjs-core') as typeof Core);
}

export function tensorflowLayers(): typeof Layers {
  return (layers ??= load('@tensorflow/tfjs-layers') as typeof Layers);
}

/** Registers the plain and the WASM backend, and tells the latter where its binaries are. */
export function loadBackends(): void {
  load('@tensorflow/tfjs-backend-cpu');
  const { setWasmPaths } = load('@tensorflow/tfjs-backend-wasm') as { setWasmPaths(folder: string): void };
  setWasmPaths(dirname(load.resolve('@tensorflow/tfjs-backend-wasm')) + sep);
}
