// Memory is given back: rounds of loading, running and disposing, and conversions that are
// cancelled.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { data, repo } from './support/cases.mjs';
import { zeolite } from './support/package.mjs';

const model = path.join(data, 'models/mobile_net/reference_fp32.tflite');
const sample = path.join(repo, 'demo/sample/resnet18-digits-p80.h5');
const megabyte = 2 ** 20;

async function settled() {
  for (let i = 0; i < 5; i++) {
    globalThis.gc?.();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return process.memoryUsage().rss;
}

for (const options of [{}, { threads: 2 }, { worker: true }]) {
  test(`100 rounds of load, run, dispose leave memory as it was (${JSON.stringify(options)})`, async () => {
    const bytes = new Uint8Array(fs.readFileSync(model));
    let held;
    const round = async () => {
      const loaded = await zeolite.loadModel(bytes, options);
      await loaded.run([new Float32Array(300)]);
      held = loaded.memory;
      await loaded.dispose();
    };
    for (let i = 0; i < 20; i++) await round();
    const before = await settled(),
      heldBefore = held;
    for (let i = 0; i < 100; i++) await round();
    const after = await settled();
    assert.equal(held, heldBefore, 'the instance did not grow');
    assert.ok(
      after - before < 24 * megabyte,
      `${((after - before) / megabyte).toFixed(1)} MB more`,
    );
  });
}

for (const options of [{}, { worker: true }]) {
  test(`20 conversions cancelled half-way leave memory as it was (${JSON.stringify(options)})`, async () => {
    const bytes = new Uint8Array(fs.readFileSync(sample));
    const cancel = async () => {
      const controller = new AbortController();
      let seen = 0;
      const error = await zeolite
        .convert(
          { 'model.h5': bytes },
          {
            ...options,
            signal: controller.signal,
            onProgress: ({ stage }) => {
              if (stage !== 'read' && seen++ === 3) controller.abort();
            },
          },
        )
        .then(
          () => undefined,
          (reason) => reason,
        );
      // In place the work may be over before it hears; then it is no error.
      if (error) assert.equal(error.code, 'aborted', error.message);
      return error;
    };
    for (let i = 0; i < 5; i++) await cancel();
    const before = await settled();
    for (let i = 0; i < 20; i++) await cancel();
    const after = await settled();
    assert.ok(
      after - before < 24 * megabyte,
      `${((after - before) / megabyte).toFixed(1)} MB more`,
    );
    const { tflite } = await zeolite.convert({ 'model.h5': bytes }, options);
    assert.ok(tflite.length > megabyte, 'the next conversion works');
  });
}

test('a conversion whose signal has fired already does not start', async () => {
  const error = await zeolite.convert(sample, { signal: AbortSignal.abort() }).then(
    () => undefined,
    (reason) => reason,
  );
  assert.equal(error?.code, 'aborted');
});
