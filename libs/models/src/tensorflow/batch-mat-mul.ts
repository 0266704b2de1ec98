import type { KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';
import { tensorflow } from './library.js';

interface WasmBackend {
  disposeData(dataId: object, force?: boolean): boolean;
}

/**
 * The WASM kernel reads a transposed operand down its columns, five to seven times slower than along its rows; the
 * gradients of every dense layer do that. This registers it anew: transpose first, then multiply untransposed.
 */
export function fixTransposedMatMul(): void {
  const { getKernel, registerKernel, unregisterKernel } = tensorflow();
  const kernel = getKernel('BatchMatMul', 'wasm');
  const multiply = kernel.kernelFunc;
  const transposed: KernelFunc = ({ inputs, backend, attrs }) => {
    const { a, b } = inputs as { a: TensorInfo; b: TensorInfo };
    const { transposeA, transposeB } = attrs as { transposeA?: boolean; transposeB?: boolean };
    const left = transposeA === true ? transposeLast(a, backend) : a;
    const right = transposeB === true ? transposeLast(b, backend) : b;
    const product = multiply({ inputs: { a: left, b: right }, backend, attrs: { transposeA: false, transposeB: false } });
    // Kernels of a kernel are nobody's tensors: the engine's tidy does not know them.
    for (const [tensor, given] of [[left, a], [right, b]] as const) {
      if (tensor !== given) (backend as WasmBackend).disposeData(tensor.dataId, true);
    }
    return product;
  };
  unregisterKernel('BatchMatMul', 'wasm');
  registerKernel({ ...kernel, kernelFunc: transposed });
}

function transposeLast(x: TensorInfo, backend: unknown): TensorInfo {
  const rank = x.shape.length;
  const perm = x.shape.map((_, axis) => axis);
  perm[rank - 2] = rank - 1;
  perm[rank - 1] = rank - 2;
  return tensorflow().getKernel('Transpose', 'wasm').kernelFunc({ inputs: { x }, backend: backend as object, attrs: { perm } }) as TensorInfo;
}
