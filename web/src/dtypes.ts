// Element types: which array holds them, how many bits they take in a model's memory, and how
// values pass between the two.
import { badInput } from './error.js';
import type { DType, InputData, TensorDataMap, TypedArray } from './types.js';

type Constructor<T extends TypedArray = TypedArray> = {
  new (length: number): T;
  new (buffer: ArrayBufferLike, byteOffset?: number, length?: number): T;
  readonly BYTES_PER_ELEMENT: number;
  readonly name: string;
};

interface DTypeFacts {
  /** The array that users see. */
  array: Constructor;
  /** Entries of that array for one element: 2 where real and imaginary parts take turns. */
  entries: 1 | 2;
  /** Bits of one element in the model's memory: below 8, several elements share a byte. */
  bits: number;
  /** The range of plain numbers, for types that hold whole numbers. */
  range?: readonly [number, number];
}

const facts: { readonly [D in Exclude<DType, 'string'>]: DTypeFacts } = {
  float32: { array: Float32Array, entries: 1, bits: 32 },
  float16: { array: Uint16Array, entries: 1, bits: 16 },
  bfloat16: { array: Uint16Array, entries: 1, bits: 16 },
  float64: { array: Float64Array, entries: 1, bits: 64 },
  int2: { array: Int8Array, entries: 1, bits: 2, range: [-2, 1] },
  int4: { array: Int8Array, entries: 1, bits: 4, range: [-8, 7] },
  uint4: { array: Uint8Array, entries: 1, bits: 4, range: [0, 15] },
  int8: { array: Int8Array, entries: 1, bits: 8, range: [-128, 127] },
  uint8: { array: Uint8Array, entries: 1, bits: 8, range: [0, 255] },
  int16: { array: Int16Array, entries: 1, bits: 16, range: [-32768, 32767] },
  uint16: { array: Uint16Array, entries: 1, bits: 16, range: [0, 65535] },
  int32: { array: Int32Array, entries: 1, bits: 32, range: [-2147483648, 2147483647] },
  uint32: { array: Uint32Array, entries: 1, bits: 32, range: [0, 4294967295] },
  int64: { array: BigInt64Array as unknown as Constructor, entries: 1, bits: 64 },
  uint64: { array: BigUint64Array as unknown as Constructor, entries: 1, bits: 64 },
  bool: { array: Uint8Array, entries: 1, bits: 8, range: [0, 1] },
  complex64: { array: Float32Array, entries: 2, bits: 64 },
  complex128: { array: Float64Array, entries: 2, bits: 128 },
  float8_e4m3fn: { array: Uint8Array, entries: 1, bits: 8 },
  float8_e5m2: { array: Uint8Array, entries: 1, bits: 8 },
};

export const isDType = (name: string): name is DType =>
  name === 'string' || Object.hasOwn(facts, name);

/** Elements of a shape without free dimensions. */
export const elementCount = (shape: readonly number[]): number =>
  shape.reduce((product, size) => product * size, 1);

/** Bytes of `count` elements in the model's memory. */
export const byteLength = (dtype: Exclude<DType, 'string'>, count: number): number =>
  Math.ceil((count * facts[dtype].bits) / 8);

/** How many elements `data` holds. */
export function lengthOf(dtype: DType, data: InputData): number {
  return dtype === 'string' ? data.length : data.length / facts[dtype].entries;
}

/** The name of the array that holds `dtype`, for messages. */
export const arrayName = (dtype: DType): string =>
  dtype === 'string' ? 'string[]' : facts[dtype].array.name;

export const isTypedArray = (value: unknown): value is TypedArray =>
  ArrayBuffer.isView(value) && !(value instanceof DataView);

/** `count` elements made by `next`, as the array that belongs to `dtype`. */
export function arrayOf(
  dtype: Exclude<DType, 'string'>,
  count: number,
  next: () => number,
): TypedArray {
  return toArray(
    dtype,
    Array.from({ length: count * facts[dtype].entries }, next),
    dtype,
  ) as TypedArray;
}

/** Whether `value` can be the elements of an input. */
export const isInputData = (value: unknown): value is InputData =>
  isTypedArray(value) || Array.isArray(value);

const float16Scratch = new DataView(new ArrayBuffer(8));

/** The nearest half-precision number's bits, ties to even. */
export function float16Bits(value: number): number {
  // Rounding happens once: straight from the float64 bits, never by way of a float32.
  float16Scratch.setFloat64(0, value);
  const high = float16Scratch.getUint32(0), low = float16Scratch.getUint32(4);
  const sign = (high >>> 16) & 0x8000;
  const exponent = (high >>> 20) & 0x7ff;
  if (exponent === 0x7ff) return sign | ((high & 0xfffff) | low ? 0x7e00 : 0x7c00);
  const magnitude = Math.abs(value);
  if (magnitude >= 65520) return sign | 0x7c00;
  if (magnitude < 2 ** -14) {
    // Subnormal: a multiple of 2^-24.
    return sign | roundToEven(magnitude * 2 ** 24);
  }
  // The carry of rounding the fraction up may pass into the exponent, which is then right as well.
  const power = exponent - 1023;
  return sign | (((power + 15) << 10) + roundToEven((magnitude / 2 ** power - 1) * 1024));
}

function roundToEven(value: number): number {
  const floor = Math.floor(value), rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

/** The upper half of the float32, ties to even; NaN stays NaN. */
function bfloat16Bits(value: number): number {
  float16Scratch.setFloat32(0, value);
  const bits = float16Scratch.getUint32(0);
  if (Number.isNaN(value)) return (bits >>> 16) | 0x40;
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) / 65536) & 0xffff;
}

/** The number that half-precision bits stand for. */
export function float16Value(bits: number): number {
  const exponent = (bits >>> 10) & 31, fraction = bits & 1023, sign = bits & 0x8000 ? -1 : 1;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return (
    sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024))
  );
}

/**
 * The elements as the array that belongs to `dtype`, one value an element; the caller's own array
 * where it fits already. `label` names the input in errors.
 */
export function toArray<D extends Exclude<DType, 'string'>>(
  dtype: D,
  data: InputData,
  label: string,
): TensorDataMap[D] {
  const { array, range } = facts[dtype];
  if (isTypedArray(data)) {
    const name: string = data.constructor.name;
    if (data instanceof array) return checkNarrow(dtype, data, label) as TensorDataMap[D];
    if (dtype === 'uint8' && data instanceof Uint8ClampedArray) {
      return new Uint8Array(data.buffer, data.byteOffset, data.length) as TensorDataMap[D];
    }
    if (dtype === 'float16' && (name as string) === 'Float16Array') {
      return new Uint16Array(
        (data as TypedArray).buffer,
        (data as TypedArray).byteOffset,
        (data as TypedArray).length,
      ) as TensorDataMap[D];
    }
    if (dtype === 'int64' || dtype === 'uint64') {
      if (typeof (data as TypedArray)[0] !== 'bigint') {
        return toBigInts(dtype, data as ArrayLike<number>, label) as TensorDataMap[D];
      }
    }
    throw badInput(
      `${label} takes ${dtype} (${array.name}), not ${Object.getPrototypeOf(data).constructor.name}`,
    );
  }
  const list = data as readonly unknown[];
  if (dtype === 'int64' || dtype === 'uint64') {
    return toBigInts(dtype, list, label) as TensorDataMap[D];
  }
  const result = new array(list.length);
  for (let i = 0; i < list.length; i++) {
    let value = list[i];
    if (typeof value === 'boolean') value = value ? 1 : 0;
    if (typeof value !== 'number') {
      throw badInput(`${label}: element ${i} is ${describe(value)}, wanted a number for ${dtype}`);
    }
    if (range && !(Number.isInteger(value) && value >= range[0] && value <= range[1])) {
      throw badInput(
        `${label}: element ${i} is ${value}, but ${dtype} holds whole numbers from ${range[0]} to ${range[1]}`,
      );
    }
    result[i] =
      dtype === 'float16' ? float16Bits(value) : dtype === 'bfloat16' ? bfloat16Bits(value) : value;
  }
  return result as TensorDataMap[D];
}

/** Types narrower than their array: every value has to be in range. */
function checkNarrow(dtype: Exclude<DType, 'string'>, data: TypedArray, label: string): TypedArray {
  const { bits, range } = facts[dtype];
  if (range && bits < 8) {
    for (let i = 0; i < data.length; i++) {
      const value = data[i] as number;
      if (value < range[0] || value > range[1]) {
        throw badInput(
          `${label}: element ${i} is ${value}, but ${dtype} holds whole numbers from ${range[0]} to ${range[1]}`,
        );
      }
    }
  }
  return data;
}

function toBigInts(
  dtype: 'int64' | 'uint64',
  list: ArrayLike<unknown>,
  label: string,
): BigInt64Array | BigUint64Array {
  const result =
    dtype === 'int64' ? new BigInt64Array(list.length) : new BigUint64Array(list.length);
  for (let i = 0; i < list.length; i++) {
    const value = list[i];
    if (typeof value === 'number' ? !Number.isSafeInteger(value) : typeof value !== 'bigint') {
      throw badInput(
        `${label}: element ${i} is ${describe(value)}, wanted a whole number for ${dtype}`,
      );
    }
    const big = BigInt(value as number | bigint);
    result[i] = big;
    if (result[i] !== big) {
      throw badInput(`${label}: element ${i} is ${big}, which ${dtype} does not hold`);
    }
  }
  return result;
}

/** A value in a few words, for messages. */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') {
    return String(value);
  }
  if (typeof value === 'string') {
    return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  }
  if (typeof value === 'function') return 'a function';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  return `a ${(Object.getPrototypeOf(value) as { constructor?: { name?: string } } | null)?.constructor?.name ?? 'object'}`;
}

/**
 * The bytes that the model's memory holds for `data`: a view of it, or packed where elements share
 * bytes.
 */
export function toMemory(dtype: Exclude<DType, 'string'>, data: TypedArray): Uint8Array {
  const { bits } = facts[dtype];
  if (bits >= 8) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const perByte = 8 / bits, mask = (1 << bits) - 1;
  const packed = new Uint8Array(Math.ceil(data.length / perByte));
  for (let i = 0; i < data.length; i++) {
    packed[Math.floor(i / perByte)]! |= ((data[i] as number) & mask) << ((i % perByte) * bits);
  }
  return packed;
}

/** A copy of `count` elements that lie at `offset` of a model's memory. */
export function fromMemory<D extends Exclude<DType, 'string'>>(
  dtype: D,
  memory: ArrayBufferLike,
  offset: number,
  count: number,
): TensorDataMap[D] {
  const { array, entries, bits, range } = facts[dtype];
  if (bits >= 8) {
    // slice() of a view gives memory of its own that is never shared.
    return new array(memory, offset, count * entries).slice() as TensorDataMap[D];
  }
  const perByte = 8 / bits,
    mask = (1 << bits) - 1,
    signed = range![0] < 0;
  const packed = new Uint8Array(memory, offset, Math.ceil(count / perByte));
  const result = new array(count);
  for (let i = 0; i < count; i++) {
    const value = (packed[Math.floor(i / perByte)]! >> ((i % perByte) * bits)) & mask;
    result[i] = signed && value >= 1 << (bits - 1) ? value - (1 << bits) : value;
  }
  return result as TensorDataMap[D];
}

/**
 * Strings as TFLite stores them: their number, where each begins and the last ends, their bytes.
 */
export function packStrings(data: InputData, label: string): Uint8Array {
  const encoder = new TextEncoder();
  const parts = Array.from(data as ArrayLike<unknown>, (value, i) => {
    if (typeof value === 'string') return encoder.encode(value);
    if (value instanceof Uint8Array) return value;
    throw badInput(`${label}: element ${i} is ${describe(value)}, wanted a string or its bytes`);
  });
  const head = 4 * (parts.length + 2);
  const packed = new Uint8Array(parts.reduce((total, part) => total + part.length, head));
  const view = new DataView(packed.buffer);
  view.setInt32(0, parts.length, true);
  let position = head;
  parts.forEach((part, i) => {
    view.setInt32(4 * (i + 1), position, true);
    packed.set(part, position);
    position += part.length;
  });
  view.setInt32(4 * (parts.length + 1), position, true);
  return packed;
}

/** What packStrings() packed. The runtime has checked the offsets. */
export function unpackStrings(packed: Uint8Array, as: 'text' | 'bytes'): string[] | Uint8Array[] {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const count = packed.length < 4 ? 0 : view.getInt32(0, true);
  const parts = Array.from({ length: count }, (_, i) =>
    packed.slice(view.getInt32(4 * (i + 1), true), view.getInt32(4 * (i + 2), true)));
  if (as === 'bytes') return parts;
  const decoder = new TextDecoder();
  return parts.map((part) => decoder.decode(part));
}
