// Numbers, sizes and shapes as people read them: units always, few digits.

const kLocale = 'en';
const kInteger = new Intl.NumberFormat(kLocale, { maximumFractionDigits: 0 });

export function integer(value: number): string {
  return kInteger.format(value);
}

/** Three significant digits, or scientific where that says more. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-3) return value.toExponential(2);
  return String(Number(value.toPrecision(4)));
}

/** A number and its unit apart, so that the unit can be set small. */
export interface Quantity {
  value: string;
  unit: string;
}

export function bytes(count: number): Quantity {
  if (count < 1000) return { value: integer(count), unit: count === 1 ? 'byte' : 'bytes' };
  if (count < 1e6) return { value: fixed(count / 1e3), unit: 'kB' };
  if (count < 1e9) return { value: fixed(count / 1e6), unit: 'MB' };
  return { value: fixed(count / 1e9), unit: 'GB' };
}

export function milliseconds(time: number): Quantity {
  if (time < 1000) return { value: time < 10 ? time.toFixed(2) : fixed(time), unit: 'ms' };
  return { value: (time / 1000).toFixed(time < 10_000 ? 2 : 1), unit: 's' };
}

export function count(value: number): Quantity {
  if (value < 10_000) return { value: integer(value), unit: '' };
  if (value < 1e6) return { value: fixed(value / 1e3), unit: 'k' };
  if (value < 1e9) return { value: (value / 1e6).toFixed(2), unit: 'M' };
  return { value: (value / 1e9).toFixed(2), unit: 'B' };
}

export function text(quantity: Quantity): string {
  return quantity.unit ? `${quantity.value}\u00a0${quantity.unit}` : quantity.value;
}

function fixed(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

export function percent(share: number): string {
  const value = share * 100;
  if (value > 0 && value < 0.1) return '<\u00a00.1\u00a0%';
  return `${value.toFixed(Number.isInteger(value) || Math.abs(value) >= 10 ? 0 : 1)}\u00a0%`;
}

/** Words of the engine as a sentence: a capital where they begin with a word, and a full stop. */
export function sentence(words: string): string {
  const begun = /^[a-z]+(?=[\s,:’'])/.test(words)
    ? words.charAt(0).toUpperCase() + words.slice(1)
    : words;
  return begun === '' || /[.!?…]$/.test(begun) ? begun : `${begun}.`;
}

/** The shape of a tensor of a graph or of an input, which may be unknown. */
export const shapeOf = (tensor: { shape: readonly number[]; unranked?: boolean }): string =>
  tensor.unranked ? 'unknown shape' : shape(tensor.shape);

/** `1×32×32×3`; a free dimension is `?`. */
export function shape(dimensions: readonly number[]): string {
  if (dimensions.length === 0) return 'scalar';
  return dimensions.map((d) => (d < 0 ? '?' : String(d))).join('×');
}

/** `model.h5` becomes `model.tflite`. */
export function tfliteName(name: string): string {
  const base = name
    .replace(/^.*[\\/]/, '')
    .replace(/\.(h5|hdf5|keras|tflite|zip|json|pb|onnx)$/i, '');
  return `${base || 'model'}.tflite`;
}

export function clock(time: number): string {
  return `${(time / 1000).toFixed(1)}\u00a0s`;
}
