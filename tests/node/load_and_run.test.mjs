// loadModel() and Model, as design and documentation promise them.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';

import { data } from './support/cases.mjs';
import { zeolite } from './support/package.mjs';

const { loadModel, ZeoliteError } = zeolite;
const file = (name) => path.join(data, 'models', name, 'reference_fp32.tflite');
const bytesOf = (name) => new Uint8Array(fs.readFileSync(file(name)));
const simple = 'sequential_keras2';  // One input x [?,8,8,1], one output.
const merges = 'merges';  // a, b [?,3,4] and c [?,1,4]; eight outputs.

const ramp = (length) => Float32Array.from({ length }, (_, i) => Math.sin(i));
const refused = async (promise, code, ...words) => {
  const error = await promise.then(() => undefined, (reason) => reason);
  assert.ok(
    error instanceof ZeoliteError,
    `nothing was refused, or not by a ZeoliteError: ${error?.stack}`,
  );
  assert.equal(error.code, code, error.message);
  assert.equal(error.name, 'ZeoliteError');
  for (const word of words) {
    assert.ok(error.message.includes(word), `'${word}' is not in: ${error.message}`);
  }
  return error;
};
const using = async (source, options, body) => {
  const model = await loadModel(source, options);
  try {
    return await body(model);
  } finally {
    await model.dispose();
  }
};

test('every kind of source gives the same model', async (t) => {
  const bytes = bytesOf(simple);
  const server = http.createServer((_, response) => response.end(bytes)).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  const address = `http://127.0.0.1:${server.address().port}/model.tflite`;
  const shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  const sources = {
    path: file(simple),
    'file URL': pathToFileURL(file(simple)),
    'file URL as text': pathToFileURL(file(simple)).href,
    address,
    URL: new URL(address),
    Response: await fetch(address),
    stream: new Blob([bytes]).stream(),
    Blob: new Blob([bytes]),
    Uint8Array: bytes,
    ArrayBuffer: bytes.slice().buffer,
    'view with an offset': shifted.subarray(3),
    DataView: new DataView(shifted.buffer, 3),
    Buffer: Buffer.from(bytes),
    SharedArrayBuffer: Object.assign(new Uint8Array(new SharedArrayBuffer(bytes.length)), {})
      .buffer,
  };
  new Uint8Array(sources.SharedArrayBuffer).set(bytes);
  let wanted;
  for (const [kind, source] of Object.entries(sources)) {
    await using(source, {}, async (model) => {
      const [{ data: got }] = await model.run([ramp(64)]);
      wanted ??= got;
      assert.deepEqual(got, wanted, kind);
    });
  }
  assert.deepEqual(bytes, bytesOf(simple), 'the caller\'s bytes are as they were');
});

test('inputs and outputs tell name, type and shape, free dimensions as -1', () =>
  using(file(simple), {}, (model) => {
    assert.deepEqual(model.inputs, [{ name: 'x', dtype: 'float32', shape: [-1, 8, 8, 1] }]);
    assert.equal(model.outputs.length, 1);
    assert.equal(model.outputs[0].dtype, 'float32');
    assert.deepEqual(Object.keys(model.signatures), ['serving_default']);
    assert.deepEqual(model.signatures.serving_default.inputs, model.inputs);
    assert.ok(model.memory > 0);
    assert.equal(typeof model.metadata.description, 'string');
  }));

test('named inputs give named outputs, lists give lists, one array counts as a list of one', () =>
  using(file(simple), {}, async (model) => {
    const x = ramp(64),
      name = model.outputs[0].name;
    const [listed] = await model.run([x]);
    const named = await model.run({ x });
    assert.deepEqual(named, { [name]: listed });
    assert.deepEqual(await model.run(x), [listed]);
    assert.deepEqual(await model.run({ data: x, shape: [1, 8, 8, 1] }), [listed]);
    assert.deepEqual(await model.run(Array.from(x)), [listed], 'plain numbers');
    assert.deepEqual(await model.run({ x }, { signature: 'serving_default' }), named);
    assert.deepEqual(await model.run([x], { signature: 'serving_default' }), [listed]);
  }));

test('the number of elements settles one free dimension; another shape resizes', () =>
  using(file(simple), {}, async (model) => {
    const one = (await model.run([ramp(64)]))[0];
    assert.equal(one.shape[0], 1);
    const three = (await model.run([Float32Array.of(...ramp(64), ...ramp(64), ...ramp(64))]))[0];
    assert.equal(three.shape[0], 3);
    assert.deepEqual(three.data.slice(0, one.data.length), one.data);
    assert.deepEqual(three.data.slice(-one.data.length), one.data);
    const again = (await model.run([{ data: ramp(64), shape: [1, 8, 8, 1] }]))[0];
    assert.deepEqual(again, one, 'and back');
  }));

test('with several free dimensions a shape is asked for', () =>
  using(file('free_height_and_width'), {}, async (model) => {
    await refused(model.run([ramp(48)]), 'bad-input', 'image', '{ data, shape }');
    const [{ shape }] = await model.run([{ data: ramp(2 * 9 * 11 * 3), shape: [2, 9, 11, 3] }]);
    assert.equal(shape[0], 2);
  }));

test('inputs that do not fit are refused with the input, what is wanted and what was given', () =>
  using(file(merges), {}, async (model) => {
    const a = ramp(12),
      b = ramp(12),
      c = ramp(4);
    await refused(model.run({ a, b }), 'bad-input', "missing: 'c'");
    await refused(model.run({ a, b, c, d: a }), 'bad-input', "unknown: 'd'");
    await refused(model.run([a, b]), 'bad-input', '3 inputs', 'got 2');
    await refused(model.run({ a: ramp(13), b, c }), 'bad-input', "'a'", '[?,3,4]', '13 elements');
    await refused(
      model.run({ a: Float64Array.from(a), b, c }),
      'bad-input',
      "'a'",
      'float32',
      'Float64Array',
    );
    await refused(model.run({ a: { data: a, shape: [2, 3, 4] }, b, c }), 'bad-input', "'a'", '24');
    await refused(model.run({ a: { data: a, shape: [1, 3, -4] }, b, c }), 'bad-input', "'a'");
    await refused(
      model.run({ a: { data: a, shape: [1, 3, 4], dtype: 'int8' }, b, c }),
      'bad-input',
      "'a'",
      'int8',
    );
    await refused(model.run({ a: 'text', b, c }), 'bad-input', "'a'", '"text"');
    await refused(model.run({ a: null, b, c }), 'bad-input', "'a'", 'null');
    await refused(model.run({ a: ['1'], b, c }), 'bad-input', "'a'", 'number');
    await refused(model.run(7), 'bad-input', '7');
    await refused(
      model.run({ a, b, c }, { signature: 'other' }),
      'bad-input',
      "'other'",
      'serving_default',
    );
    await refused(model.run({ a: { data: ramp(10), shape: [1, 2, 5] }, b, c }), 'bad-input');
    assert.equal(Object.keys(await model.run({ a, b, c })).length, 8, 'and it works afterwards');
  }));

test("outputs are the caller's own: a later run does not change them", () =>
  using(file(simple), {}, async (model) => {
    const [first] = await model.run([ramp(64)]);
    const copy = first.data.slice();
    await model.run([new Float32Array(64)]);
    assert.deepEqual(first.data, copy);
    assert.equal(first.data.byteLength, first.data.buffer.byteLength);
  }));

test('calls queue in order', () => using(file(simple), {}, async (model) => {
  const order = [];
  const inputs = [1, 3, 2, 1];
  await Promise.all(inputs.map(async (batch, i) => {
    const [{ shape }] = await model.run([ramp(64 * batch)]);
    assert.equal(shape[0], batch);
    order.push(i);
  }));
  assert.deepEqual(order, [0, 1, 2, 3]);
}));

test('in a worker and with threads the answers are the same bytes', async () => {
  for (const name of [simple, 'mobile_net', 'u_net']) {
    const bytes = bytesOf(name);
    const answers = [];
    for (const options of [
      { threads: 1 },
      { threads: 2 },
      { threads: 3 },
      { worker: true },
      { worker: true, threads: 2 },
    ]) {
      await using(bytes, options, async (model) => {
        assert.equal(model.threads, options.threads ?? 1);
        const info = model.inputs[0];
        const shape = info.shape.map((size) => (size < 0 ? 2 : size));
        answers.push(await model.run([{ data: ramp(shape.reduce((a, b) => a * b)), shape }]));
      });
    }
    for (const answer of answers) assert.deepEqual(answer, answers[0]);
  }
});

test('a disposed model says so, disposing twice is no error', async () => {
  const model = await loadModel(file(simple));
  await model.dispose();
  await model.dispose();
  assert.equal(model.memory, 0);
  for (const call of [
    () => model.run([ramp(64)]),
    () => model.reset(),
    () => model.profile([ramp(64)]),
  ]) {
    await refused(call(), 'disposed');
  }
  const other = await loadModel(file(simple));
  await other[Symbol.asyncDispose]();
  await refused(other.run([ramp(64)]), 'disposed');
});

test('an AbortSignal ends loading and running; the model works afterwards', async () => {
  await refused(loadModel(file(simple), { signal: AbortSignal.abort() }), 'aborted');
  await refused(loadModel(file(simple), { signal: AbortSignal.abort(), worker: true }), 'aborted');
  await using(file(simple), {}, async (model) => {
    await refused(model.run([ramp(64)], { signal: AbortSignal.abort() }), 'aborted');
    assert.equal((await model.run([ramp(64)])).length, 1);
  });
});

test("profile gives each operator's kernel and time", () =>
  using(file('mobile_net'), {}, async (model) => {
    const shape = model.inputs[0].shape.map((size) => (size < 0 ? 1 : size));
    const profile = await model.profile([ramp(shape.reduce((a, b) => a * b))], { runs: 3 });
    assert.equal(profile.runs, 3);
    assert.ok(profile.operators.length > 3);
    for (const one of profile.operators) {
      assert.ok(one.name && one.kernel, JSON.stringify(one));
      assert.ok(one.time >= 0);
    }
    assert.ok(profile.memory.arena > 0 && profile.memory.file > 0);
    await refused(model.profile([ramp(300)], { runs: 0 }), 'bad-input', 'runs');
  }));

test('reset forgets nothing that a model without state has', () =>
  using(file(simple), {}, async (model) => {
    const before = await model.run([ramp(64)]);
    await model.reset();
    assert.deepEqual(await model.run([ramp(64)]), before);
  }));

test('what is no model is refused with what it is', async () => {
  await refused(loadModel(new Uint8Array(0)), 'not-a-model', 'empty');
  await refused(
    loadModel(new TextEncoder().encode('<!doctype html><title>404</title>')),
    'not-a-model',
    'HTML',
  );
  await refused(loadModel(path.join(data, 'bad/good.h5')), 'not-a-model', 'Keras');
  await refused(loadModel('no/such/file.tflite'), 'environment', 'no such file');
  await refused(loadModel(path.join(data, 'hdf5')), 'not-a-model', 'none of the files');
  await refused(loadModel(42), 'bad-input', '42');
  const error = await refused(loadModel(bytesOf(simple).subarray(0, 1000)), 'corrupt');
  assert.ok(error.message.length > 20);
  await using(file(simple), {}, async (model) =>
    assert.equal((await model.run([ramp(64)])).length, 1),
  );
});

test('options that make no sense are refused', async () => {
  for (const threads of [0, -1, 1.5, 'two', 65]) {
    await refused(loadModel(file(simple), { threads }), 'bad-input', 'threads');
  }
  await refused(loadModel(file(simple), { memoryLimit: 0 }), 'bad-input', 'memoryLimit');
});

test('a model beyond its memory limit is refused with out-of-memory, and the next one loads', async () => {
  await using(file(simple), { memoryLimit: 8 * 2 ** 20 }, async (model) => {
    assert.ok(model.memory <= 8 * 2 ** 20);
    await refused(model.run([new Float32Array(64 * 100_000)]), 'out-of-memory');
    assert.equal((await model.run([ramp(64)])).length, 1, 'and the same model goes on');
  });
  await refused(
    loadModel(new Uint8Array(20 * 2 ** 20), { memoryLimit: 8 * 2 ** 20 }),
    'out-of-memory',
  );
  await using(file(simple), {}, async (model) =>
    assert.equal((await model.run([ramp(64)])).length, 1),
  );
});

test('features tell what is here and why something is missing', async () => {
  const features = await zeolite.features();
  assert.equal(features.simd, true);
  assert.equal(features.threads, true);
  assert.match(features.build, /^(simd|relaxed)(-threads)?$/);
  assert.ok(Array.isArray(features.reasons));
  assert.match(zeolite.version, /^\d+\.\d+\.\d+/);
});
