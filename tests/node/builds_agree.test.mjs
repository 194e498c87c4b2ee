// The builds of the runtime against each other: integers come out the same to the bit with plain
// and with relaxed SIMD, and everything comes out the same with one thread and with two. Over the
// models of tests/data, and with ZEOLITE_CORPUS over the whole operator corpus and the int8 models.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import path from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import v8 from 'node:v8';

import { allCases, corpus, runSample } from './support/cases.mjs';
import { dist } from './support/package.mjs';

const { validate } = WebAssembly;
// f32x4.relaxed_madd, which the package's probe consists of.
const relaxedMadd = Buffer.from('fd8502', 'hex');
const isRelaxedProbe = (bytes) => Buffer.from(bytes).includes(relaxedMadd);

/** A copy of the package that has found out that the engine has relaxed SIMD, or has it not. */
async function packageFor(name, isValid) {
  WebAssembly.validate = isValid;
  const copy = await import(`${pathToFileURL(path.join(dist, 'index.js'))}?${name}`);
  assert.equal((await copy.features()).relaxedSimd, name === 'relaxed');
  WebAssembly.validate = validate;
  return copy;
}

const plain = await packageFor('plain', (bytes) => !isRelaxedProbe(bytes) && validate(bytes));
// V8 knew it under a flag before it was a standard.
if (process.versions.v8.startsWith('11.')) {
  v8.setFlagsFromString('--experimental-wasm-relaxed-simd');
}
const relaxed = await packageFor('relaxed', validate);

const ways = [
  ['plain, 1 thread', plain, 1],
  ['plain, 2 threads', plain, 2],
  ['relaxed, 1 thread', relaxed, 1],
  ['relaxed, 2 threads', relaxed, 2],
];

const isInteger = ({ dtype }) => !/float|complex/.test(dtype);

/** The results of `run` as one short text, or what it throws. */
async function fingerprint(zeolite, file, threads, run) {
  let model;
  try {
    model = await zeolite.loadModel(file, { threads, worker: false });
    const hash = createHash('sha1');
    for (const { dtype, shape, data } of await run(model)) {
      hash.update(`${dtype} ${shape} `);
      for (const part of dtype === 'string' ? data : [data]) {
        hash.update(Buffer.from(part.buffer, part.byteOffset, part.byteLength));
      }
    }
    return {
      hash: hash.digest('hex'),
      isInteger: [...model.inputs, ...model.outputs].every(isInteger),
    };
  } catch (error) {
    return { hash: error.message, isInteger: true };
  } finally {
    await model?.dispose();
  }
}

/** How the builds disagree about a model, if they do. */
async function disagreement(id, file, run) {
  const prints = [];
  for (const [name, zeolite, threads] of ways) {
    prints.push({ name, ...(await fingerprint(zeolite, file, threads, run)) });
  }
  const [plain1, plain2, relaxed1, relaxed2] = prints;
  const pairs = [
    [plain1, plain2],
    [relaxed1, relaxed2],
    ...(plain1.isInteger && relaxed1.isInteger ? [[plain1, relaxed1]] : []),
  ];
  return pairs
    .filter(([a, b]) => a.hash !== b.hash)
    .map(([a, b]) => `${id}: ${a.name} gives ${a.hash}, ${b.name} ${b.hash}`);
}

test('the real converter\'s files give the same bits in every build', async (t) => {
  const wrong = [];
  let count = 0;
  for (const one of allCases()) {
    // Of the corpus those whose arithmetic is in integers; floats are many and tell nothing else.
    for (const mode of one.modes.filter((mode) =>
      one.folder.startsWith(corpus ?? '\0') ? mode === 'int8' : true,
    )) {
      const reference = one.reference(mode);
      const sample = reference && reference.runs !== false && one.referenceSamples(mode)[0];
      if (!sample) continue;
      const run = async (model) =>
        Object.values(await runSample(model, one, sample, reference.signature));
      wrong.push(...(await disagreement(`${one.id} ${mode}`, reference.file, run)));
      ++count;
    }
  }
  t.diagnostic(`${count} files`);
  assert.deepEqual(wrong, []);
});

if (corpus) {
  test('the operator corpus gives the same bits in every build', async (t) => {
    const { listCases } = await import(pathToFileURL(path.join(corpus, 'read.mjs')).href);
    const wrong = [];
    let count = 0;
    for (const one of listCases(path.join(corpus, 'operators'))) {
      if (one.kind !== 'ok') continue;
      const run = async (model) => {
        const outputs = [];
        for (const { inputs } of one.steps) {
          outputs.push(
            ...(await model.run(
              inputs.map(({ dtype, shape, data }) => ({ dtype, shape, data })),
              { strings: 'bytes' },
            )),
          );
        }
        return outputs;
      };
      wrong.push(...await disagreement(one.id, one.model, run));
      ++count;
    }
    t.diagnostic(`${count} cases`);
    assert.deepEqual(wrong, []);
  });
}
