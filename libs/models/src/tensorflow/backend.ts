import { fixTransposedMatMul } from './batch-mat-mul.js';
import { loadBackends, tensorflow } from './library.js';

/** `native` is tfjs-node, if the user has installed it and its library loads; `wasm` is one thread; `cpu` is plain JavaScript. */
export type TensorflowBackend = 'native' | 'wasm' | 'cpu';

const NAMES = { native: 'tensorflow', wasm: 'wasm', cpu: 'cpu' } as const;

/**
 * Makes TF.js ready, the best backend first, without any network. Call once per process before training or loading a
 * model; more calls are cheap. `only` demands one backend (tests, comparisons) and throws when it can't be had.
 */
export async function initTensorflow(only?: TensorflowBackend): Promise<TensorflowBackend> {
  const wanted = only === undefined ? (['native', 'wasm', 'cpu'] as const) : [only];
  for (const backend of wanted) {
    if (tensorflow().getBackend() === NAMES[backend] || (await start(backend))) return backend;
  }
  throw new Error(`TF.js has no ${wanted.join(' or ')} backend here`);
}

async function start(backend: TensorflowBackend): Promise<boolean> {
  if (backend === 'native' && !(await loadNative())) return false;
  if (backend !== 'native') prepareBackends();
  try {
    return await tensorflow().setBackend(NAMES[backend]);
  } catch {
    return false;
  }
}

let nativeLoads: Promise<boolean> | undefined;

/** Its main entry throws without its native library, and the package is no dependency of ours. */
function loadNative(): Promise<boolean> {
  const name: string = '@tensorflow/tfjs-node';
  nativeLoads ??= import(name).then(
    () => true,
    () => false,
  );
  return nativeLoads;
}

let arePrepared = false;

function prepareBackends(): void {
  if (arePrepared) return;
  arePrepared = true;
  loadBackends();
  fixTransposedMatMul();
}
