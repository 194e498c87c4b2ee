// Large models: what of them is in memory while they are converted, and that the way in makes no
// difference.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';

import { largeH5 } from './support/large_h5.mjs';

// All of WebAssembly's memory: every instance's, from here on.
const memories = [];
const { Memory } = WebAssembly;
WebAssembly.Memory = class extends Memory {
  constructor(descriptor) {
    super(descriptor);
    memories.push(new WeakRef(this));
  }
};
const { zeolite } = await import('./support/package.mjs');
const largestMemory = () =>
  Math.max(0, ...memories.map((memory) => memory.deref()?.buffer.byteLength ?? 0));

const bytes = largeH5(16, 700);
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'zeolite-large-'));
const file = path.join(folder, 'large.h5');
fs.writeFileSync(file, bytes);
after(() => fs.rmSync(folder, { recursive: true }));

test('a conversion holds the weights once, and of the file what it reads just now', async () => {
  let largest = 0;
  const { tflite, report } = await zeolite.convert(file, {
    onProgress: () => (largest = Math.max(largest, largestMemory())),
  });
  assert.equal(report.bytesIn, bytes.length);
  assert.ok(Math.abs(tflite.length - bytes.length) < 0.01 * bytes.length);
  largest = Math.max(largest, largestMemory());
  assert.ok(largest > bytes.length, 'it was measured');
  assert.ok(largest < 1.4 * bytes.length, `${(largest / bytes.length).toFixed(2)} times the file`);
});

test('looking at a model holds one weight at a time', async () => {
  memories.length = 0;
  const inspection = await zeolite.inspect(file);
  const dense = inspection.graphs[0].tensors.findIndex(({ name }) => name === 'dense_7/kernel');
  const { max } = await inspection.stats(0, dense);
  assert.ok(max > 0 && max <= 1 / 700);
  const largest = largestMemory();
  assert.ok(largest > 0, 'it was measured');
  assert.ok(largest < 0.4 * bytes.length, `${(largest / bytes.length).toFixed(2)} times the file`);
  await inspection.dispose();
});

test('a path, bytes, a blob and a worker give the same file, which runs', async () => {
  const { tflite } = await zeolite.convert(file);
  for (const [source, options] of [
    [bytes, {}],
    [new Blob([bytes]), {}],
    [file, { worker: true }],
    [new Blob([bytes]), { worker: true }],
  ]) {
    const other = await zeolite.convert(source, options);
    assert.equal(Buffer.compare(tflite, other.tflite), 0);
  }
  const model = await zeolite.loadModel(tflite);
  const [output] = await model.run([new Float32Array(700).fill(1)]);
  assert.deepEqual(output.shape, [1, 700]);
  assert.ok(output.data.some((value) => value > 0));
  await model.dispose();
});

test('progress comes step by step in every long stage', async () => {
  const seen = {};
  await zeolite.convert(file, { onProgress: ({ stage, done, total }) => {
    (seen[stage] ??= []).push([done, total]);
  } });
  for (const stage of ['lower', 'passes']) {
    assert.ok(seen[stage].length > 3, `${stage} in ${seen[stage].length} steps`);
    for (const [i, [done, total]] of seen[stage].entries()) {
      assert.ok(
        done <= total && (i === 0 || done >= seen[stage][i - 1][0]),
        `${stage}: ${JSON.stringify(seen[stage])}`,
      );
    }
  }
});

test('a file that goes away while it is read is told, and the next one converts', async () => {
  const gone = path.join(folder, 'gone.h5');
  fs.copyFileSync(file, gone);
  let cut = false;
  const error = await zeolite.convert(gone, { onProgress: ({ stage }) => {
    if (stage === 'lower' && !cut) {
      cut = true;
      fs.truncateSync(gone, 100_000);
    }
  } }).then(() => undefined, (reason) => reason);
  assert.equal(error?.code, 'environment', error?.message);
  assert.match(error.message, /became shorter/);
  await zeolite.convert(file);
});
