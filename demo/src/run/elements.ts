// Between the numbers that people see and the elements that tensors hold.
import type { DType, InputData, QuantizationInfo, Tensor, TensorInfo } from 'zeolite';

/** Bits of half-precision numbers, rounded to nearest, ties to even. */
function halfBits(value: number): number {
  const single = new Float32Array([value]);
  const bits = new Uint32Array(single.buffer)[0]!;
  const sign = (bits >>> 16) & 0x8000;
  const exponent = (bits >>> 23) & 0xff;
  const fraction = bits & 0x7fffff;
  if (exponent === 0xff) return sign | 0x7c00 | (fraction ? 0x200 : 0);
  const half = exponent - 112;
  if (half >= 31) return sign | 0x7c00;
  if (half <= 0) {
    if (half < -10) return sign;
    const full = fraction | 0x800000;
    const shift = 14 - half;
    const rounded =
      (full >> shift) +
      ((full >> (shift - 1)) & 1 && (full & ((1 << (shift - 1)) - 1) || (full >> shift) & 1)
        ? 1
        : 0);
    return sign | rounded;
  }
  const kept = (half << 10) | (fraction >> 13);
  const up = fraction & 0x1000 && (fraction & 0xfff || kept & 1) ? 1 : 0;
  return sign | (kept + up);
}

function fromHalfBits(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const kRanges: Partial<Record<DType, readonly [number, number]>> = {
  int2: [-2, 1],
  int4: [-8, 7],
  uint4: [0, 15],
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  uint16: [0, 65535],
  int32: [-2147483648, 2147483647],
  uint32: [0, 4294967295],
};

/** Whether elements of this type can be made from plain numbers. */
export function isNumeric(dtype: DType): boolean {
  return (
    dtype === 'float32' ||
    dtype === 'float64' ||
    dtype === 'float16' ||
    dtype === 'bool' ||
    dtype === 'int64' ||
    dtype === 'uint64' ||
    dtype in kRanges
  );
}

/** Real numbers as the elements that `info` takes; quantized types by their scale. */
export function encode(values: ArrayLike<number>, info: TensorInfo): InputData {
  const { dtype, quantization } = info;
  const count = values.length;
  if (dtype === 'float32') return Float32Array.from(values);
  if (dtype === 'float64') return Float64Array.from(values);
  if (dtype === 'float16') {
    return Uint16Array.from({ length: count }, (_, i) => halfBits(values[i]!));
  }
  if (dtype === 'bool') {
    return Uint8Array.from({ length: count }, (_, i) => (values[i]! > 0.5 ? 1 : 0));
  }
  if (dtype === 'int64' || dtype === 'uint64') {
    const whole = Array.from({ length: count }, (_, i) => BigInt(Math.round(values[i]!)));
    return dtype === 'int64' ? BigInt64Array.from(whole) : BigUint64Array.from(whole);
  }
  const range = kRanges[dtype];
  if (!range) throw new Error(`${dtype} can’t be made from numbers here`);
  const scale = quantization?.scale[0] ?? 1;
  const zero = quantization?.zeroPoint[0] ?? 0;
  const stored = Array.from({ length: count }, (_, i) =>
    Math.min(range[1], Math.max(range[0], Math.round(values[i]! / scale) + zero)),
  );
  if (dtype === 'uint8' || dtype === 'uint4') return Uint8Array.from(stored);
  if (dtype === 'int16') return Int16Array.from(stored);
  if (dtype === 'uint16') return Uint16Array.from(stored);
  if (dtype === 'int32') return Int32Array.from(stored);
  if (dtype === 'uint32') return Uint32Array.from(stored);
  return Int8Array.from(stored);
}

/** A tensor's elements as real numbers; undefined where they are none. */
export function decode(
  tensor: Tensor,
  quantization: QuantizationInfo | undefined,
): Float64Array | undefined {
  const { dtype, data } = tensor;
  if (dtype === 'string' || dtype.startsWith('complex') || dtype.startsWith('float8')) {
    return undefined;
  }
  const raw = data as ArrayLike<number | bigint>;
  const numbers = new Float64Array(raw.length);
  const scale = quantization?.scale.length === 1 ? quantization.scale[0]! : 1;
  const zero = quantization?.scale.length === 1 ? (quantization.zeroPoint[0] ?? 0) : 0;
  const single = new Float32Array(1);
  const bits = new Uint32Array(single.buffer);
  for (let i = 0; i < raw.length; ++i) {
    const value = Number(raw[i]!);
    if (dtype === 'float16') numbers[i] = fromHalfBits(value);
    else if (dtype === 'bfloat16') {
      bits[0] = value << 16;
      numbers[i] = single[0]!;
    } else numbers[i] = (value - zero) * scale;
  }
  return numbers;
}
