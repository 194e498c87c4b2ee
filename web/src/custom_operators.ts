// Custom operators that the user brings along: what the C++ side asks of them and how tensors pass.
import {
  byteLength,
  elementCount,
  fromMemory,
  isDType,
  lengthOf,
  packStrings,
  toArray,
  toMemory,
  unpackStrings,
} from './dtypes.js';
import { badInput, ZeoliteError } from './error.js';
import type { OperatorHandler } from './modules.js';
import type { CustomOperator, DType, LoadOptions, Tensor, TensorInfo } from './types.js';

export type CustomOperators = { readonly [name: string]: CustomOperator };

/** What the caller gave: functions, or the address of a module, made absolute. */
export function checkOperators(
  given: NonNullable<LoadOptions['customOps']>,
): CustomOperators | string {
  if (typeof given === 'string' || given instanceof URL) {
    const { location } = globalThis as { location?: { href: string } };
    try {
      return new URL(given, location?.href).href;
    } catch {
      throw badInput(`customOps is '${String(given)}', which is no address of a module`);
    }
  }
  for (const [name, operator] of Object.entries(given)) checkOperator(name, operator);
  return given;
}

function checkOperator(name: string, operator: unknown): void {
  const { infer, eval: evaluate } = (operator ?? {}) as Partial<CustomOperator>;
  if (typeof infer !== 'function' || typeof evaluate !== 'function') {
    throw badInput(`customOps.${name} has no functions infer and eval`);
  }
}

/** The operators themselves: those of a module are its default export, or all that it exports. */
export async function importOperators(
  operators: CustomOperators | string | undefined,
): Promise<CustomOperators | undefined> {
  if (typeof operators !== 'string') return operators;
  let module: { default?: CustomOperators };
  try {
    module = (await import(/* @vite-ignore */ /* webpackIgnore: true */ operators)) as {
      default?: CustomOperators;
    };
  } catch (error) {
    throw new ZeoliteError(
      'environment',
      `the module of customOps could not be loaded: ${(error as Error).message}`,
      [],
      error,
    );
  }
  const found = module.default ?? (module as CustomOperators);
  for (const [name, operator] of Object.entries(found)) checkOperator(name, operator);
  return found;
}

/** One call, as wasm/runtime/js_operators.cc writes it. */
interface Call {
  name: string;
  options: { offset: number; size: number; parsed?: unknown };
  inputs: ((TensorInfo & { offset: number; size: number }) | null)[];
}

/** Answers the C++ side's questions with the user's functions, whose errors become its errors. */
export function operatorHandler(
  operators: CustomOperators,
  memory: WebAssembly.Memory,
): OperatorHandler {
  let results: Uint8Array[] = [];
  const answer = (
    text: string,
    ask: (operator: CustomOperator, call: Call, options: Uint8Array) => unknown,
  ): string => {
    try {
      const call = JSON.parse(text) as Call;
      const { offset, size } = call.options;
      return JSON.stringify(
        ask(operators[call.name]!, call, new Uint8Array(memory.buffer, offset, size).slice()),
      );
    } catch (error) {
      return JSON.stringify({
        error: `customOps threw: ${error instanceof Error ? error.message : String(error)}`,
      });
    }
  };
  return {
    infer: (text) =>
      answer(text, (operator, call, options) => {
        const infos = call.inputs.map((input) => input && withoutPlace(input)) as TensorInfo[];
        return list(operator.infer(infos, options, call.options.parsed), 'infer').map(
          ({ dtype, shape }) => ({ dtype, shape: [...shape] }),
        );
      }),
    eval: (text) =>
      answer(text, (operator, call, options) => {
        const tensors = call.inputs.map((input) => input && tensorAt(input, memory)) as Tensor[];
        const outputs = list(operator.eval(tensors, options, call.options.parsed), 'eval');
        results = outputs.map((tensor, i) => memoryOf(tensor, `output ${i} of ${call.name}`));
        return outputs.map(({ dtype, shape }, i) => ({
          dtype,
          shape: [...shape],
          bytes: results[i]!.length,
        }));
      }),
    write: (index, offset) => new Uint8Array(memory.buffer).set(results[index]!, offset),
  };
}

function list<T extends { dtype: DType; shape: readonly number[] }>(value: T[], from: string): T[] {
  if (!Array.isArray(value)) throw new TypeError(`${from} gave no list of outputs`);
  for (const { dtype, shape } of value) {
    if (!isDType(dtype) || !Array.isArray(shape)) {
      throw new TypeError(`${from} gave an output without dtype or shape`);
    }
  }
  return value;
}

function withoutPlace({ name, dtype, shape, quantization }: TensorInfo): TensorInfo {
  return { name, dtype, shape, ...(quantization ? { quantization } : {}) };
}

/** The input's own copy: memory may move while the user's function runs. */
function tensorAt(
  { dtype, shape, offset, size }: NonNullable<Call['inputs'][number]>,
  memory: WebAssembly.Memory,
): Tensor {
  if (dtype === 'string') {
    return {
      dtype,
      shape,
      data: unpackStrings(new Uint8Array(memory.buffer, offset, size).slice(), 'bytes'),
    };
  }
  return {
    dtype,
    shape,
    data: fromMemory(dtype, memory.buffer, offset, elementCount(shape)),
  } as Tensor;
}

function memoryOf({ dtype, shape, data }: Tensor, label: string): Uint8Array {
  const count = elementCount(shape);
  if (lengthOf(dtype, data) !== count) {
    throw new TypeError(`${label} has ${lengthOf(dtype, data)} elements, its shape ${count}`);
  }
  if (dtype === 'string') return packStrings(data, label);
  const bytes = toMemory(dtype, toArray(dtype, data, label));
  return bytes.length === byteLength(dtype, count)
    ? bytes
    : bytes.slice(0, byteLength(dtype, count));
}
