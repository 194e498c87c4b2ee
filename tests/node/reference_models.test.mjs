// The real converter's own files run and give the source framework's answers.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { cases, difference, runSample, toleranceOf } from './support/cases.mjs';
import { zeolite } from './support/package.mjs';

for (const mode of ['fp32', 'sparse_fp32']) {
  for (const one of cases()) {
    const reference = one.reference(mode);
    if (!reference || reference.runs === false) continue;
    test(`${one.id}: the real converter's ${mode} file gives the source's outputs`, async () => {
      const model = await zeolite.loadModel(reference.file);
      try {
        for (const sample of one.samples()) {
          const outputs = await runSample(model, one, sample, reference.signature);
          assert.equal(difference(outputs, sample.out, toleranceOf(one, reference)), undefined);
        }
      } finally {
        await model.dispose();
      }
    });
  }
}
