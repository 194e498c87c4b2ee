// What callers give to run() -> the model's inputs in order, checked.
import {
  arrayName,
  describe,
  elementCount,
  isDType,
  isInputData,
  lengthOf,
  packStrings,
  toArray,
  toMemory,
} from './dtypes.js';
import { badInput } from './error.js';
import type { DType, InputData, RunInputs, TensorInfo, TensorInput, TypedArray } from './types.js';

/** One input as the model's memory holds it. */
export interface RawInput {
  shape: number[];
  /** Bytes in the model's own layout; may be a view of the caller's array. */
  bytes: Uint8Array;
}

type TensorLike = { data: InputData; shape: readonly number[]; dtype?: DType };

const shapeText = (shape: readonly number[]): string =>
  `[${shape.map((size) => (size < 0 ? '?' : size)).join(',')}]`;

const isTensorLike = (value: unknown): value is TensorLike =>
  typeof value === 'object' && value !== null && 'data' in value && 'shape' in value &&
  (Array.isArray(value.shape) || ArrayBuffer.isView(value.shape)) && isInputData(value.data);

/** How the inputs were given: named inputs give named outputs. */
export function isNamed(
  inputs: RunInputs,
  infos: readonly TensorInfo[],
): inputs is { readonly [name: string]: TensorInput } {
  if (isInputData(inputs)) return false;
  if (typeof inputs !== 'object' || inputs === null) {
    throw badInput(
      `run() takes inputs by name, a list of them or one typed array, not ${describe(inputs)}`,
    );
  }
  // A model may have inputs called `data` and `shape`.
  return (
    !isTensorLike(inputs) ||
    (infos.some((info) => info.name === 'data') && infos.some((info) => info.name === 'shape'))
  );
}

/** Checks that the inputs are there and brings them into the order of `infos`. */
export function inOrder(
  inputs: RunInputs,
  infos: readonly TensorInfo[],
  aliases: readonly string[],
): TensorInput[] {
  const names = infos.map((info) => `'${info.name}'`).join(', ') || 'none';
  if (!isNamed(inputs, infos)) {
    // A list of numbers is one input's elements; any other list holds one entry an input.
    const list: readonly TensorInput[] =
      Array.isArray(inputs) && !isElements(inputs, infos)
        ? (inputs as TensorInput[])
        : [inputs as TensorInput];
    if (list.length !== infos.length) {
      throw badInput(
        `the model takes ${count(infos.length, 'input')} (${names}), got ${list.length}`,
      );
    }
    return [...list];
  }
  const found = new Set<string>();
  const ordered = infos.map((info, i) => {
    const alias = aliases[i];
    const name = Object.hasOwn(inputs, info.name)
      ? info.name
      : alias !== undefined && Object.hasOwn(inputs, alias)
        ? alias
        : undefined;
    if (name === undefined) return undefined;
    found.add(name);
    return inputs[name];
  });
  const missing = infos.filter((_, i) => ordered[i] === undefined).map((info) => `'${info.name}'`);
  const unknown = Object.keys(inputs)
    .filter((name) => !found.has(name))
    .map((name) => `'${name}'`);
  if (missing.length || unknown.length) {
    const parts = [];
    if (missing.length) parts.push(`missing: ${missing.join(', ')}`);
    if (unknown.length) parts.push(`unknown: ${unknown.join(', ')}`);
    throw badInput(`inputs do not fit the model: ${parts.join('; ')} (it takes ${names})`);
  }
  return ordered as TensorInput[];
}

/** Whether a list is the elements of a model's only input. */
const isElements = (list: readonly unknown[], infos: readonly TensorInfo[]): boolean =>
  infos.length === 1 &&
  list.length > 0 &&
  (typeof list[0] === 'number' ||
    typeof list[0] === 'bigint' ||
    typeof list[0] === 'boolean' ||
    typeof list[0] === 'string' ||
    (infos[0]!.dtype === 'string' && list[0] instanceof Uint8Array));

const count = (number: number, noun: string): string =>
  `${number} ${noun}${number === 1 ? '' : 's'}`;

/** One input's shape and bytes. */
export function toRaw(info: TensorInfo, value: TensorInput): RawInput {
  const label = `input '${info.name}'`;
  const like = isTensorLike(value) ? value : undefined;
  const data = like ? like.data : value;
  if (!isInputData(data)) {
    throw badInput(
      `${label} takes ${info.dtype} (${arrayName(info.dtype)}), not ${describe(data)}`,
    );
  }
  if (like?.dtype !== undefined && like.dtype !== info.dtype) {
    const known = typeof like.dtype === 'string' && isDType(like.dtype);
    throw badInput(
      `${label} takes ${info.dtype}, not ${known ? like.dtype : describe(like.dtype)}`,
    );
  }
  if (info.dtype === 'string') {
    const bytes = packStrings(data, label);
    return { shape: resolveShape(info, data.length, like?.shape, label), bytes };
  }
  const array = toArray(info.dtype, data, label) as TypedArray;
  return {
    shape: resolveShape(info, lengthOf(info.dtype, array), like?.shape, label),
    bytes: toMemory(info.dtype, array),
  };
}

function resolveShape(
  info: TensorInfo,
  length: number,
  given: readonly number[] | undefined,
  label: string,
): number[] {
  if (given) {
    const shape = Array.from(given);
    if (shape.some((size) => !Number.isInteger(size) || size < 0 || size > 0x7fffffff)) {
      throw badInput(`${label}: the shape ${shapeText(shape)} holds something that is no size`);
    }
    if (elementCount(shape) !== length) {
      throw badInput(
        `${label}: the shape ${shapeText(shape)} has ${elementCount(shape)} elements, the data ${length}`,
      );
    }
    return shape;
  }
  const free = info.shape.filter((size) => size < 0).length;
  const known = elementCount(info.shape.filter((size) => size >= 0));
  if (free === 0 && known === length) return [...info.shape];
  if (free === 1 && known > 0 && length % known === 0) {
    return info.shape.map((size) => (size < 0 ? length / known : size));
  }
  const wanted =
    free === 0
      ? `${known} elements`
      : free === 1
        ? `a multiple of ${known} elements`
        : 'a shape, since several dimensions are free';
  throw badInput(
    `${label} of shape ${shapeText(info.shape)} takes ${wanted}, got ${count(length, 'element')}; another shape is given as { data, shape }`,
  );
}
