// Arrays out of files: NumPy's .npy
// (numpy.org/doc/stable/reference/generated/numpy.lib.format.html) and nested lists in .json.

export interface ArrayFile {
  shape: number[];
  values: Float64Array;
}

export async function readArrayFile(file: File): Promise<ArrayFile> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (bytes[0] === 0x93 && String.fromCharCode(...bytes.subarray(1, 6)) === 'NUMPY') {
    return readNpy(bytes);
  }
  return readJson(new TextDecoder().decode(bytes));
}

function readNpy(bytes: Uint8Array): ArrayFile {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12) throw new Error('the .npy file ends early');
  const major = bytes[6]!;
  const wide = major >= 2;
  const headerLength = wide ? view.getUint32(8, true) : view.getUint16(8, true);
  const begin = (wide ? 12 : 10) + headerLength;
  if (begin > bytes.length) throw new Error('the .npy file ends early');
  const header = new TextDecoder('latin1').decode(bytes.subarray(wide ? 12 : 10, begin));
  const type = /'descr':\s*'([<>|=])?([a-z])(\d+)'/.exec(header);
  const order = /'fortran_order':\s*(True|False)/.exec(header);
  const dimensions = /'shape':\s*\(([^)]*)\)/.exec(header);
  if (!type || !order || !dimensions) {
    throw new Error('the .npy header is not understood: plain numbers only');
  }
  if (order[1] === 'True') {
    throw new Error('the .npy file is in Fortran order: save it with numpy.ascontiguousarray');
  }
  const shape = dimensions[1]!.split(',').map((part) => part.trim()).filter(Boolean).map(Number);
  const count = shape.reduce((product, d) => product * d, 1);
  const size = Number(type[3]);
  if (!Number.isSafeInteger(count) || count * size > bytes.length - begin) {
    throw new Error('the .npy file holds less than its shape says');
  }
  const little = type[1] !== '>';
  const readers: Record<string, (at: number) => number> = {
    f2: (at) => half(view.getUint16(at, little)),
    f4: (at) => view.getFloat32(at, little),
    f8: (at) => view.getFloat64(at, little),
    i1: (at) => view.getInt8(at),
    i2: (at) => view.getInt16(at, little),
    i4: (at) => view.getInt32(at, little),
    i8: (at) => Number(view.getBigInt64(at, little)),
    u1: (at) => view.getUint8(at),
    u2: (at) => view.getUint16(at, little),
    u4: (at) => view.getUint32(at, little),
    u8: (at) => Number(view.getBigUint64(at, little)),
    b1: (at) => view.getUint8(at),
  };
  const read = readers[`${type[2]}${size}`];
  if (!read) {
    throw new Error(`the .npy file holds ${type[2]}${size}: numbers of 1 to 8 bytes are read`);
  }
  const values = new Float64Array(count);
  for (let i = 0; i < count; ++i) values[i] = read(begin + i * size);
  return { shape, values };
}

function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return exponent === 31
    ? fraction
      ? NaN
      : sign * Infinity
    : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function readJson(text: string): ArrayFile {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new Error('the file is neither .npy nor JSON');
  }
  const shape: number[] = [];
  for (let at = parsed; Array.isArray(at) && shape.length < 16; at = at[0]) shape.push(at.length);
  const values: number[] = [];
  const take = (value: unknown, depth: number): void => {
    if (Array.isArray(value) && depth < shape.length && value.length === shape[depth]) {
      value.forEach((one) => take(one, depth + 1));
    } else if (
      depth === shape.length &&
      (typeof value === 'number' || typeof value === 'boolean')
    ) {
      values.push(Number(value));
    } else throw new Error('the JSON is not a list of numbers of one shape');
  };
  take(parsed, 0);
  return { shape, values: Float64Array.from(values) };
}
