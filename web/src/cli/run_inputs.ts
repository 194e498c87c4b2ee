// What `zeolite run --input` gives: files, pictures, numbers or random ones.
import fs from 'node:fs';

import { arrayOf } from '../dtypes.js';
import type { Tensor, TensorInfo, TensorInput } from '../types.js';
import { assignment, UsageError } from './arguments.js';
import { isNpy, isZip, readNpy, readNpz } from './npy.js';
import { decodePicture, isJpeg, isPng, pictureTensor } from './pictures.js';

/** The values of all inputs by name. `texts` are the --input options. */
export function readInputs(
  texts: string[],
  infos: readonly TensorInfo[],
  normalize: [number, number],
): { [name: string]: TensorInput } {
  const inputs: { [name: string]: TensorInput } = {};
  for (const text of texts) {
    let { name, rest } = assignment(text);
    if (name && !infos.some((info) => info.name === name) && fs.existsSync(text)) {
      [name, rest] = ['', text];
    }
    if (rest !== 'random' && /\.npz$/i.test(rest) && !name) {
      Object.assign(inputs, readNpz(readFile(rest), rest));
      continue;
    }
    const info = name
      ? infos.find((one) => one.name === name)
      : infos.length === 1
        ? infos[0]
        : undefined;
    if (!info) {
      const names = infos.map((one) => one.name).join(', ');
      throw new UsageError(
        name
          ? `the model has no input '${name}' (it has ${names})`
          : `--input ${text}: which input? Write NAME=${rest} (the model has ${names})`,
      );
    }
    inputs[info.name] = rest === 'random' ? randomTensor(info) : readValue(rest, info, normalize);
  }
  const missing = infos.filter((info) => !Object.hasOwn(inputs, info.name));
  if (missing.length) {
    throw new UsageError(
      `no value for ${missing.map((info) => `'${info.name}' (${info.dtype}[${info.shape.map((one) => (one < 0 ? '?' : one)).join(',')}])`).join(', ')}: --input NAME=FILE, or NAME=random`,
    );
  }
  return inputs;
}

function readFile(file: string): Uint8Array {
  try {
    return new Uint8Array(fs.readFileSync(file));
  } catch (error) {
    throw new Error(
      `${file} could not be read: ${(error as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file' : (error as Error).message}`,
    );
  }
}

function readValue(file: string, info: TensorInfo, [mean, std]: [number, number]): TensorInput {
  const bytes = readFile(file);
  if (isNpy(bytes)) return readNpy(bytes, file);
  if (isZip(bytes)) {
    const arrays = readNpz(bytes, file);
    const names = Object.keys(arrays);
    const found = arrays[info.name] ?? (names.length === 1 ? arrays[names[0]!] : undefined);
    if (!found) throw new Error(`${file} has no array '${info.name}' (it has ${names.join(', ')})`);
    return found;
  }
  if (isPng(bytes) || isJpeg(bytes)) {
    return pictureTensor(decodePicture(bytes, file), info, mean, std);
  }
  return readJson(new TextDecoder().decode(bytes), file);
}

/** Nested lists of numbers, strings or booleans; their nesting is the shape. */
function readJson(text: string, file: string): TensorInput {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error(`${file} is neither .npy, .npz, a picture (PNG, JPEG) nor JSON`);
  }
  const shape: number[] = [];
  for (let level = value; Array.isArray(level); level = level[0]) shape.push(level.length);
  const data: unknown[] = [];
  const collect = (level: unknown, depth: number): void => {
    if (depth === shape.length) {
      if (!['number', 'string', 'boolean'].includes(typeof level)) {
        throw new Error(`${file} holds something that is no number, text or boolean`);
      }
      data.push(level);
    } else if (Array.isArray(level) && level.length === shape[depth]) {
      for (const entry of level) collect(entry, depth + 1);
    } else {
      throw new Error(`${file} holds lists of different lengths`);
    }
  };
  collect(value, 0);
  return { data: data as number[], shape };
}

/** A small generator with a seed: the same command gives the same numbers. */
function generator(): () => number {
  let state = 0x9e3779b9;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Numbers from -1 to 1, or 0 and 1 for whole numbers; free dimensions are 1. */
export function randomTensor(info: TensorInfo): Tensor {
  const next = generator();
  const shape = info.shape.map((one) => (one < 0 ? 1 : one));
  const count = shape.reduce((product, one) => product * one, 1);
  if (info.dtype === 'string') {
    return {
      dtype: 'string',
      shape,
      data: Array.from({ length: count }, () => next().toString(36).slice(2, 8)),
    };
  }
  const fractional =
    info.dtype === 'float32' || info.dtype === 'float64' || info.dtype.startsWith('complex');
  return {
    dtype: info.dtype,
    shape,
    data: arrayOf(info.dtype, count, () => (fractional ? next() * 2 - 1 : Math.floor(next() * 2))),
  } as Tensor;
}
