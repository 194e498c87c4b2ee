// Reads and judges the model cases of tests/data/models, and of the larger corpus of the same
// layout that the variable ZEOLITE_CORPUS names. Nothing of the package is used here.
import fs from 'node:fs';
import path from 'node:path';

export const repo = path.resolve(import.meta.dirname, '../../..');
export const data = path.join(repo, 'tests/data');
/** The larger corpus, or undefined. */
export const corpus = process.env.ZEOLITE_CORPUS;

const arrays = {
  F64: Float64Array,
  F32: Float32Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I64: BigInt64Array,
  U64: BigUint64Array,
  I32: Int32Array,
  U32: Uint32Array,
  I16: Int16Array,
  U16: Uint16Array,
  I8: Int8Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
  C64: Float32Array,
};

/** The tensors of a .safetensors file by name: {dtype, shape, data}. */
export function readSafetensors(file) {
  const bytes = new Uint8Array(fs.readFileSync(file));
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  delete header.__metadata__;
  return Object.fromEntries(
    Object.entries(header).map(
      ([
        name,
        {
          dtype,
          shape,
          data_offsets: [from, to],
        },
      ]) => [
        name,
        {
          dtype,
          shape,
          data: new arrays[dtype](bytes.slice(8 + length + from, 8 + length + to).buffer),
        },
      ],
    ),
  );
}

/**
 * {in: [{name: tensor}], out: [...], alt: [...]}: an entry a sample. Strings are in a file beside
 * it.
 */
function readSamples(file) {
  const sets = { in: [], out: [], alt: [] };
  const texts = file.replace(/\.safetensors$/, '.json');
  const tensors = {
    ...(fs.existsSync(file) ? readSafetensors(file) : {}),
    ...(fs.existsSync(texts) ? JSON.parse(fs.readFileSync(texts, 'utf8')) : {}),
  };
  for (const [key, tensor] of Object.entries(tensors)) {
    const [, side, sample, name] = /^(in|out|alt)\/(\d+)\/(.*)$/s.exec(key);
    (sets[side][Number(sample)] ??= {})[name] = tensor;
  }
  return sets;
}

function readCase(folder, id) {
  const about = JSON.parse(fs.readFileSync(path.join(folder, 'case.json'), 'utf8'));
  return {
    id, folder, about,
    samples: () => {
      const { in: inputs, out } = readSamples(path.join(folder, 'io.safetensors'));
      return inputs.map((given, i) => ({ in: given, out: out[i] }));
    },
    /** The source as convert() takes it: a path, or several files by name. */
    source: () => {
      const files = about.source.files.map((file) => path.join(folder, file));
      if (files.length === 1) return files[0];
      return Object.fromEntries(
        files.map((file) => [path.basename(file), new Uint8Array(fs.readFileSync(file))]),
      );
    },
    modes: Object.keys(about.real_converter?.references ?? {}),
    /**
     * The samples that a reference is judged by: its own outputs where it has them, else the
     * source's.
     */
    referenceSamples: (mode) => {
      const own = readSamples(path.join(folder, 'io.safetensors'));
      const { in: given, out, alt } = readSamples(path.join(folder, `ref_${mode}.safetensors`));
      return own.in
        .map((tensors, i) => ({
          in: { ...tensors, ...given[i] },
          out: out[i] ?? own.out[i],
          alt: alt[i],
        }))
        .filter((sample) => sample.out);
    },
    reference: (mode) => {
      const info = about.real_converter?.references?.[mode];
      if (!info || info.error) return undefined;
      const file = path.join(folder, info.file ?? `reference_${mode}.tflite`);
      return fs.existsSync(file) ? { ...info, file } : undefined;
    },
  };
}

/**
 * All cases that these tests can use: the repository's own, or the corpus' convolutional family.
 */
export function cases() {
  const own = path.join(data, 'models');
  const list = JSON.parse(fs.readFileSync(path.join(own, 'index.json'), 'utf8')).cases
    .map((entry) => readCase(path.join(own, entry.path), entry.path));
  if (!corpus) return list;
  const models = path.join(corpus, 'models');
  const names = fs
    .readFileSync(path.join(models, 'conv_family.txt'), 'utf8')
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);
  return [...list, ...names.map((name) => readCase(path.join(models, name), name))];
}

/** The same with every case of the corpus, whatever its layers and its source. */
export function allCases() {
  if (!corpus) return cases();
  const models = path.join(corpus, 'models');
  const { cases: entries } = JSON.parse(fs.readFileSync(path.join(models, 'index.json'), 'utf8'));
  const own = cases().filter(({ folder }) => !folder.startsWith(models));
  return [...own, ...entries.map((entry) => readCase(path.join(models, entry.path), entry.path))];
}

/** The case's own names and types by position -> what the model calls them. */
const dtypes = {
  F32: 'float32',
  F64: 'float64',
  F16: 'float16',
  BF16: 'bfloat16',
  I64: 'int64',
  U64: 'uint64',
  I32: 'int32',
  U32: 'uint32',
  I16: 'int16',
  U16: 'uint16',
  I8: 'int8',
  U8: 'uint8',
  BOOL: 'bool',
  C64: 'complex64',
  string: 'string',
};

/**
 * Runs `model` on one sample. Names are the case's where the model knows them, else `names` maps
 * them, else they go by position. Gives the outputs under the case's names.
 */
export async function runSample(model, { about }, sample, names = {}) {
  const inputs = {};
  for (const [name, tensor] of Object.entries(sample.in)) {
    inputs[nameIn(model.inputs, name, names.inputs, about.inputs)] = {
      ...tensor,
      dtype: dtypes[tensor.dtype],
    };
  }
  const outputs = await model.run(inputs);
  return Object.fromEntries(
    Object.keys(sample.out).map((name) => [
      name,
      outputs[nameIn(model.outputs, name, names.outputs, about.outputs)],
    ]),
  );
}

function nameIn(infos, name, map, declared) {
  const mapped = map?.[name] ?? name;
  if (infos.some((info) => info.name === mapped)) return mapped;
  const position = declared.findIndex((entry) => entry.name === name);
  return infos[position]?.name ?? name;
}

/**
 * Why `got` is not `want` within the tolerance, nor `alternative` where that differs; undefined
 * when it is.
 */
export function difference(got, want, { abs, rel }, alternative = {}) {
  for (const [name, golden] of Object.entries(want)) {
    const tensor = got[name];
    if (!tensor) return `output '${name}' is missing`;
    if (String(tensor.shape) !== String(golden.shape)) {
      return `output '${name}' has shape [${tensor.shape}], golden [${golden.shape}]`;
    }
    if (tensor.dtype !== dtypes[golden.dtype]) {
      return `output '${name}' is ${tensor.dtype}, golden ${golden.dtype}`;
    }
    for (let i = 0; i < golden.data.length; i++) {
      if (tensor.data[i] === golden.data[i] || tensor.data[i] === alternative[name]?.data[i]) {
        continue;
      }
      const a = Number(tensor.data[i]), b = Number(golden.data[i]);
      if (a === b || (Number.isNaN(a) && Number.isNaN(b))) continue;
      if (!(Math.abs(a - b) <= abs + rel * Math.abs(b))) {
        return `output '${name}'[${i}] is ${a}, golden ${b} (allowed ${abs} + ${rel} of it)`;
      }
    }
  }
  return undefined;
}

/** The case's tolerance, widened by the real runtime's own distance from the source framework. */
export function toleranceOf({ about }, reference) {
  const { abs, rel } = about.tolerance;
  return { abs: abs + 3 * (reference?.max_difference_from_source ?? 0), rel };
}

/** What the real runtime's own kernels differ by, as a share of the largest output. */
const shares = { float16: 1e-3, dynamic: 1e-2, int8_floatio: 2e-2, int16x8: 1e-3 };

/** How near `mode`'s reference has to come to its golden `out`. */
export function referenceTolerance(one, mode, out) {
  if (mode === 'int8') return { abs: 0, rel: 0 };
  if (!(mode in shares)) return toleranceOf(one, one.reference(mode));
  const largest = Math.max(
    0,
    ...Object.values(out).flatMap(({ data }) =>
      Array.from(data, (value) => Math.abs(Number(value)) || 0),
    ),
  );
  return { abs: shares[mode] * largest, rel: 0 };
}
