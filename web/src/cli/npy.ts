// NumPy's .npy files, and .npz: zip archives of them.
import { unzipSync, zipSync } from 'fflate';

import type { DType, Tensor } from '../types.js';

type NumpyType = {
  dtype: Exclude<DType, 'string'>;
  array: { new (buffer: ArrayBuffer): unknown; BYTES_PER_ELEMENT: number };
};

const types: { readonly [descr: string]: NumpyType } = {
  f4: { dtype: 'float32', array: Float32Array },
  f8: { dtype: 'float64', array: Float64Array },
  f2: { dtype: 'float16', array: Uint16Array },
  i1: { dtype: 'int8', array: Int8Array },
  i2: { dtype: 'int16', array: Int16Array },
  i4: { dtype: 'int32', array: Int32Array },
  i8: { dtype: 'int64', array: BigInt64Array },
  u1: { dtype: 'uint8', array: Uint8Array },
  u2: { dtype: 'uint16', array: Uint16Array },
  u4: { dtype: 'uint32', array: Uint32Array },
  u8: { dtype: 'uint64', array: BigUint64Array },
  b1: { dtype: 'bool', array: Uint8Array },
  c8: { dtype: 'complex64', array: Float32Array },
  c16: { dtype: 'complex128', array: Float64Array },
};

const magic = '\x93NUMPY';

export const isNpy = (bytes: Uint8Array): boolean =>
  String.fromCharCode(...bytes.subarray(0, 6)) === magic;
export const isZip = (bytes: Uint8Array): boolean => bytes[0] === 0x50 && bytes[1] === 0x4b;

/** One array. `what` names it in errors. */
export function readNpy(bytes: Uint8Array, what: string): Tensor {
  if (!isNpy(bytes) || bytes.length < 12) throw new Error(`${what} is no .npy file`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const wide = bytes[6]! >= 2;
  const begin = wide ? 12 : 10;
  const end = begin + (wide ? view.getUint32(8, true) : view.getUint16(8, true));
  const header = new TextDecoder().decode(bytes.subarray(begin, end));
  const descr = /'descr':\s*'([<>|=])([a-zA-Z]\d+)'/.exec(header);
  const order = /'fortran_order':\s*(True|False)/.exec(header);
  const sizes = /'shape':\s*\(([^)]*)\)/.exec(header);
  const type = descr ? types[descr[2]!] : undefined;
  if (!descr || !order || !sizes) throw new Error(`${what}: its header can't be read`);
  if (!type) throw new Error(`${what}: arrays of NumPy's type ${descr[2]} can't be read`);
  const shape = sizes[1]!.split(',').map((one) => one.trim()).filter(Boolean).map(Number);
  const count = shape.reduce((product, one) => product * one, 1);
  const elementBytes = Number(/\d+/.exec(descr[2]!)![0]);
  if (
    shape.some((one) => !Number.isInteger(one) || one < 0) ||
    end + count * elementBytes > bytes.length
  ) {
    throw new Error(`${what}: it ends early`);
  }
  const raw = bytes.slice(end, end + count * elementBytes);
  const partBytes = type.array.BYTES_PER_ELEMENT;
  if (descr[1] === '>' && partBytes > 1) {
    for (let at = 0; at < raw.length; at += partBytes) raw.subarray(at, at + partBytes).reverse();
  }
  let data = new type.array(raw.buffer) as Float32Array;
  if (order[1] === 'True' && shape.length > 1) {
    data = fromColumns(data, shape, elementBytes / partBytes);
  }
  return { dtype: type.dtype, shape, data } as Tensor;
}

/** Fortran's order, first dimension fastest, into C's. */
function fromColumns<T extends Float32Array>(data: T, shape: number[], parts: number): T {
  const result = data.slice() as T;
  const index = shape.map(() => 0);
  const strides: number[] = [];
  shape.reduce((stride, one) => (strides.push(stride), stride * one), 1);
  for (let to = 0; to < data.length; to += parts) {
    const from = index.reduce((sum, one, i) => sum + one * strides[i]!, 0) * parts;
    for (let part = 0; part < parts; part++) result[to + part] = data[from + part]!;
    for (let i = shape.length - 1; i >= 0 && ++index[i]! === shape[i]; i--) index[i] = 0;
  }
  return result;
}

export function writeNpy(tensor: Tensor): Uint8Array {
  const entry = Object.entries(types).find(([, type]) => type.dtype === tensor.dtype);
  // Types that NumPy lacks are stored as the array that holds them here.
  const descr =
    entry?.[0] ??
    ({ Int8Array: 'i1', Uint8Array: 'u1', Uint16Array: 'u2' } as { [name: string]: string })[
      tensor.data.constructor.name
    ];
  if (!descr || Array.isArray(tensor.data)) {
    throw new Error(`NumPy files can't hold ${tensor.dtype} tensors`);
  }
  const data = tensor.data as Float32Array;
  const shape = `(${tensor.shape.join(', ')}${tensor.shape.length === 1 ? ',' : ''})`;
  let header = `{'descr': '${Number(descr.slice(1)) === 1 ? '|' : '<'}${descr}', 'fortran_order': False, 'shape': ${shape}, }`;
  header = header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11) + '\n';
  const result = new Uint8Array(10 + header.length + data.byteLength);
  result.set(Uint8Array.from(`${magic}\x01\x00`, (letter) => letter.charCodeAt(0)));
  new DataView(result.buffer).setUint16(8, header.length, true);
  result.set(new TextEncoder().encode(header), 10);
  result.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), 10 + header.length);
  return result;
}

/** The arrays of an .npz by name. */
export function readNpz(bytes: Uint8Array, what: string): { [name: string]: Tensor } {
  let members;
  try {
    members = unzipSync(bytes);
  } catch (error) {
    throw new Error(`${what} is a broken .npz file: ${(error as Error).message}`);
  }
  return Object.fromEntries(Object.entries(members).filter(([name]) => name.endsWith('.npy'))
    .map(([name, member]) => [name.slice(0, -4), readNpy(member, `${what}, ${name}`)]));
}

export function writeNpz(tensors: { readonly [name: string]: Tensor }): Uint8Array {
  // Stored, as numpy.savez does.
  return zipSync(
    Object.fromEntries(
      Object.entries(tensors).map(([name, tensor]) => [`${name}.npy`, writeNpy(tensor)]),
    ),
    { level: 0 },
  );
}
