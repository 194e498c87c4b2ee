// The operator corpus (ZEOLITE_CORPUS): what the runtime takes it computes as the real one does,
// the rest it refuses in words; broken models never do more than fail.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';

import { corpus, data } from './support/cases.mjs';
import { zeolite } from './support/package.mjs';

/** Ids of cases whose goldens are peculiar to the real kernel, with the reason. */
const exceptions = JSON.parse(
  fs.readFileSync(path.join(data, 'corpus_exceptions.json'), 'utf8'),
).cases;

/** 'refused' when the model needs what is not there yet; throws what else went wrong. */
async function outcome(one, judge) {
  let model;
  try {
    model = await zeolite.loadModel(one.model, { threads: 1 });
    for (const [index, step] of one.steps.entries()) {
      const inputs = step.inputs.map(({ dtype, shape, data }) => ({ dtype, shape, data }));
      const outputs = await model.run(inputs, { strings: 'bytes' });
      if (one.kind === 'ok' && !(one.id in exceptions)) {
        const { ok, why } = judge(one, index, outputs);
        assert.ok(ok, `${one.id}, step ${index}: ${why}`);
      }
    }
    if (one.kind === 'invalid') {
      assert.ok(
        one.tags.lenient,
        `${one.id}: it ran, but ${one.tags.note ?? 'it is broken'} (${one.tags.message})`,
      );
    }
    return 'right';
  } catch (error) {
    if (!(error instanceof zeolite.ZeoliteError)) throw error;
    assert.notEqual(error.code, 'environment', `${one.id}: ${error.message}`);
    if (one.kind === 'invalid' || one.id in exceptions) return 'right';
    assert.equal(
      error.code,
      'unsupported',
      `${one.id}: ${error.code}: ${error.message} ${error.issues.map((issue) => issue.reason).join('; ')}`,
    );
    return 'refused';
  } finally {
    await model?.dispose();
  }
}

if (corpus) {
  const { listCases, judge } = await import(pathToFileURL(path.join(corpus, 'read.mjs')).href);
  const packs = new Map();
  for (const one of listCases(path.join(corpus, 'operators'))) {
    packs.set(one.operator, [...(packs.get(one.operator) ?? []), one]);
  }
  const totals = { right: 0, refused: 0 };
  for (const [operator, list] of packs) {
    test(`${operator}: what runs is right, the rest is refused`, async () => {
      const wrong = [];
      for (const one of list) {
        await outcome(one, judge).then(
          (result) => totals[result]++,
          (error) => wrong.push(error.message),
        );
      }
      assert.deepEqual(wrong, []);
    });
  }
  test('the counts', (t) => t.diagnostic(`${totals.right} right, ${totals.refused} refused`));
}
