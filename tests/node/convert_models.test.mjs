// Source models convert; the files give the source framework's answers under the source's names,
// and are no larger than the real converter's.
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';

import {
  cases,
  corpus,
  difference,
  readSafetensors,
  runSample,
  toleranceOf,
} from './support/cases.mjs';
import { zeolite } from './support/package.mjs';

const makeshift = /^(output_\d+|keras_tensor(_\d+)?|Identity(_\d+)?)$/;
const total = (operators) => Object.values(operators).reduce((sum, count) => sum + count, 0);

for (const one of cases()) {
  test(`${one.id}: converts to a file that gives the source's outputs`, async () => {
    const { tflite, report } = await zeolite.convert(one.source());
    assert.equal(report.bytesOut, tflite.length);
    const model = await zeolite.loadModel(tflite);
    try {
      assert.deepEqual(
        model.inputs.map(({ dtype }) => dtype),
        one.about.inputs.map(({ dtype }) => dtype),
      );
      assert.ok(Object.keys(model.signatures).length > 0, 'it has no signature');
      for (const side of ['inputs', 'outputs']) {
        const names = one.about[side].map(({ name }) => name);
        if (names.some((name) => makeshift.test(name))) continue;
        assert.deepEqual(
          model[side].map(({ name }) => name).sort(),
          [...names].sort(),
          `its ${side} have the source's names`,
        );
      }
      for (const sample of one.samples()) {
        assert.equal(
          difference(await runSample(model, one, sample), sample.out, toleranceOf(one)),
          undefined,
        );
      }
    } finally {
      await model.dispose();
    }
    const real = one.about.real_converter?.references?.fp32;
    if (!real || real.error) return;
    assert.ok(
      total(report.operators) <= real.operator_total,
      `${total(report.operators)} operators, the real converter needs ${real.operator_total}: ${JSON.stringify(report.operators)} against ${JSON.stringify(real.operators)}`,
    );
    assert.ok(
      tflite.length <= real.bytes * 1.01,
      `${tflite.length} bytes, the real converter's file has ${real.bytes}`,
    );
  });
}

/** The share of images whose largest output is the label. */
async function accuracy(model, images, labels) {
  const count = images.shape[0], size = images.data.length / count;
  let right = 0;
  for (let i = 0; i < count; i++) {
    const [{ data }] = await model.run([images.data.subarray(i * size, (i + 1) * size)]);
    if (data.indexOf(Math.max(...data)) === Number(labels.data[i])) right++;
  }
  return right / count;
}

if (corpus) {
  const headline = cases().filter(({ id }) => id.startsWith('A_headline/'));
  const keras3 = headline.find(({ id }) => id.endsWith('keras3'));
  const evaluation = readSafetensors(path.join(keras3.folder, 'eval.safetensors'));
  const tensors = Object.values(evaluation);
  const pixels = tensors.find(({ shape }) => shape.length === 4),
    labels = tensors.find(({ shape }) => shape.length === 1);
  assert.equal(keras3.about.eval.preprocessing, 'float32(image_uint8) / 128 - 1');
  const images = {
    shape: pixels.shape,
    data: Float32Array.from(pixels.data, (value) => value / 128 - 1),
  };
  for (const one of headline) {
    for (const sparsify of [false, true]) {
      test(`${one.id}: converted${sparsify ? ' with sparsify' : ''} it is as accurate as the source and at most as large as asked`, async () => {
        const { tflite, report } = await zeolite.convert(one.source(), { sparsify });
        const reference = keras3.about.real_converter.references[sparsify ? 'sparse_fp32' : 'fp32'];
        assert.ok(
          tflite.length <=
            (sparsify ? reference.bytes : one.about.real_converter.references.fp32.bytes),
          `${tflite.length} bytes`,
        );
        if (!sparsify) {
          assert.ok(total(report.operators) <= 31, `${total(report.operators)} operators`);
        }
        const model = await zeolite.loadModel(tflite);
        assert.equal(await accuracy(model, images, labels), 0.99);
        for (const sample of one.samples()) {
          assert.equal(
            difference(await runSample(model, one, sample), sample.out, toleranceOf(one)),
            undefined,
          );
        }
        await model.dispose();
      });
    }
  }
}
