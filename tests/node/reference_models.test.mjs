// The real converter's own files, in every mode, run and give the answers of the source framework
// or of the real runtime. What is not supported yet is refused in words, and counted.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { allCases, difference, referenceTolerance, runSample } from './support/cases.mjs';
import { zeolite } from './support/package.mjs';

const totals = { right: 0, refused: 0 };

async function judge(one, mode, reference) {
  let model;
  try {
    model = await zeolite.loadModel(reference.file);
  } catch (error) {
    assert.equal(error.code, 'unsupported', error.message);
    return 'refused';
  }
  try {
    for (const sample of one.referenceSamples(mode)) {
      const only = model.inputs.every(({ shape }) => shape[0] === 1);
      if (
        mode === 'fp32_b1' &&
        only &&
        Object.values(sample.in).some(({ shape }) => shape[0] !== 1)
      ) {
        continue;
      }
      if (!one.about.steps) await model.reset();
      const outputs = await runSample(model, one, sample, reference.signature);
      const tolerance = referenceTolerance(one, mode, sample.out);
      assert.equal(difference(outputs, sample.out, tolerance, sample.alt), undefined);
    }
    return 'right';
  } finally {
    await model.dispose();
  }
}

for (const one of allCases()) {
  for (const mode of one.modes) {
    const reference = one.reference(mode);
    if (!reference || reference.runs === false) continue;
    test(`${one.id}: the real converter's ${mode} file gives the golden outputs`, async () => {
      totals[await judge(one, mode, reference)]++;
    });
  }
}
test('the counts', (t) => t.diagnostic(`${totals.right} right, ${totals.refused} refused`));
