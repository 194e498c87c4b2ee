// The corners of the real runtime's default kernels (tests/data/operators) as WebAssembly, whose
// C++ library is another one than that of the native tests.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';

import { data } from './support/cases.mjs';
import { zeolite } from './support/package.mjs';

const ARRAYS = {
  float32: Float32Array, float16: Uint16Array, int8: Int8Array, uint8: Uint8Array,
  int16: Int16Array, int32: Int32Array,
};

/** The cases of a pack (tests/data/make_operators.py describes the format). */
function readPack(file) {
  const bytes = gunzipSync(fs.readFileSync(file));
  assert.equal(bytes.toString('latin1', 0, 8), 'ZOPACK1\n');
  const start = 12 + bytes.readUInt32LE(8);
  const slice = ([at, length]) => Uint8Array.from(bytes.subarray(start + at, start + at + length));
  const tensor = ({ dtype, shape, at }) =>
    ({ dtype, shape, data: new ARRAYS[dtype](slice(at).buffer) });
  const { cases } = JSON.parse(bytes.toString('utf8', 12, start));
  return cases.map(({ id, model, steps, tolerance }) => ({
    id,
    model: slice(model),
    tolerance: tolerance[0],
    steps: steps.map(({ inputs, outputs }) => ({
      inputs: inputs.map(tensor),
      outputs: outputs.map(tensor),
    })),
  }));
}

/** float16 as its bits. */
const stored = ({ dtype, data: { buffer, byteOffset, length } }) =>
  new ARRAYS[dtype](buffer, byteOffset, length);

const cases = readPack(path.join(data, 'operators', 'corners.pack.gz'));

for (const { id, model: bytes, steps, tolerance } of cases) {
  test(`${id} gives what the default kernel gives`, async () => {
    const model = await zeolite.loadModel(bytes, { threads: 1 });
    try {
      for (const { inputs, outputs } of steps) {
        const [got] = await model.run(inputs);
        const [wanted] = outputs;
        assert.deepEqual(got.shape, wanted.shape);
        const values = stored(got);
        const isWrong = (i) => !Object.is(values[i], wanted.data[i])
          && !(Math.abs(values[i] - wanted.data[i])
            <= tolerance.abs + tolerance.rel * Math.abs(wanted.data[i]));
        const wrong = [...wanted.data.keys()].filter(isWrong);
        assert.deepEqual(wrong.slice(0, 8).map((i) => [i, values[i], wanted.data[i]]), []);
      }
    } finally {
      await model.dispose();
    }
  });
}
