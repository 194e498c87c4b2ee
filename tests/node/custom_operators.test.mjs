// Custom operators that the user brings along: called with what the file says, and their mistakes
// told.
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';

import { data } from './support/cases.mjs';
import { zeolite } from './support/package.mjs';

const file = (name) => path.join(data, 'custom', `${name}.tflite`);

const Scale = {
  infer: ([x]) => [{ name: 'y', dtype: 'float32', shape: x.shape }],
  eval: ([x], _, { factor, offsets }) => [
    {
      dtype: 'float32',
      shape: x.shape,
      data: x.data.map((value, i) => value * factor + offsets[i % 2]),
    },
  ],
};

/** What loading and running the model with these operators throws. */
async function failure(name, customOps, inputs) {
  try {
    const model = await zeolite.loadModel(file(name), { customOps });
    await model.run(inputs).finally(() => model.dispose());
  } catch (error) {
    assert.ok(error instanceof zeolite.ZeoliteError, String(error));
    return error;
  }
  return assert.fail('it ran');
}

test('an operator computes what its functions say, for every shape, with its options parsed', async () => {
  const seen = [];
  const model = await zeolite.loadModel(file('scale'), {
    customOps: {
      Scale: {
        infer: (...call) => {
          seen.push(call);
          return Scale.infer(...call);
        },
        eval: Scale.eval,
      },
    },
  });
  assert.deepEqual([...(await model.run([new Float32Array([1, 2, 3])]))[0].data], [3.5, 3, 8.5]);
  const [twice] = await model.run([
    { dtype: 'float32', shape: [2, 3], data: new Float32Array([1, 2, 3, 4, 5, 6]) },
  ]);
  assert.deepEqual(twice.shape, [2, 3]);
  assert.deepEqual([...twice.data], [3.5, 3, 8.5, 8, 13.5, 13]);
  const [[input], options, parsed] = seen.at(-1);
  assert.deepEqual(input, { name: 'x', dtype: 'float32', shape: [2, 3] });
  assert.ok(options instanceof Uint8Array && options.length > 0);
  assert.deepEqual(parsed, { factor: 2.5, name: 'scale', offsets: [1, -2] });
  await model.dispose();
});

test('an output whose shape only the data tell, and one of strings', async () => {
  const model = await zeolite.loadModel(file('count'), {
    customOps: {
      Count: {
        infer: () => [
          { name: 'words', dtype: 'string', shape: [-1] },
          { name: 'total', dtype: 'int64', shape: [] },
        ],
        eval: ([n], options) => {
          const words = Array.from({ length: n.data[0] }, (_, i) => `word ${i}`);
          const seven = BigInt(new DataView(options.buffer).getInt32(0, true));
          return [
            { dtype: 'string', shape: [words.length], data: words },
            { dtype: 'int64', shape: [], data: new BigInt64Array([seven]) },
          ];
        },
      },
    },
  });
  for (const count of [2, 0, 3]) {
    const [words, total] = await model.run([new Int32Array([count])]);
    assert.deepEqual(words, {
      dtype: 'string',
      shape: [count],
      data: ['word 0', 'word 1', 'word 2'].slice(0, count),
    });
    assert.equal(total.data[0], 7n);
  }
  await model.dispose();
});

test('without its functions the model is refused by the operator\'s name', async () => {
  const error = await failure('scale', undefined, [new Float32Array(3)]);
  assert.equal(error.code, 'unsupported');
  assert.match(error.message, /Scale/);
});

test('a model that takes a resource is refused: nobody can give one', async () => {
  const error = await failure('handle', { Open: Scale }, [new Int32Array(1)]);
  assert.equal(error.code, 'unsupported');
  assert.match(error.message, /input table is a resource/);
});

test('what the functions do wrong is said, and the next model works', async () => {
  const x = [new Float32Array(3)];
  const wrong = [
    [
      {
        ...Scale,
        eval: () => {
          throw new Error('no luck');
        },
      },
      /customOps threw: no luck/,
    ],
    [{ ...Scale, eval: () => [] }, /gave 0 outputs, expected 1/],
    [{ ...Scale, infer: () => 5 }, /infer gave no list of outputs/],
    [
      { ...Scale, eval: () => [{ dtype: 'int32', shape: [1, 3], data: new Int32Array(3) }] },
      /as int32, the file says float32/,
    ],
    [
      { ...Scale, eval: () => [{ dtype: 'float32', shape: [1, 4], data: new Float32Array(4) }] },
      /but infer said \[1,3\]/,
    ],
    [
      { ...Scale, eval: () => [{ dtype: 'float32', shape: [1, 3], data: new Float32Array(4) }] },
      /has 4 elements, its shape 3/,
    ],
  ];
  for (const [operator, words] of wrong) {
    assert.match((await failure('scale', { Scale: operator }, x)).message, words);
  }
  const notFunctions = await failure('scale', { Scale: {} }, x);
  assert.equal(notFunctions.code, 'bad-input');
  const model = await zeolite.loadModel(file('scale'), { customOps: { Scale } });
  assert.equal((await model.run(x))[0].data.length, 3);
  await model.dispose();
});

test('the address of a module gives the functions to a worker', async () => {
  const source = `export const Scale = {
    infer: ([x]) => [{ name: 'y', dtype: 'float32', shape: x.shape }],
    eval: ([x], options, { factor }) => [
      { dtype: 'float32', shape: x.shape, data: x.data.map((value) => value * factor) },
    ],
  };`;
  const customOps = `data:text/javascript,${encodeURIComponent(source)}`;
  for (const worker of [true, false]) {
    const model = await zeolite.loadModel(file('scale'), { customOps, worker });
    assert.deepEqual([...(await model.run([new Float32Array([1, 2, 4])]))[0].data], [2.5, 5, 10]);
    await model.dispose();
  }
  const error = await failure('scale', 'data:text/javascript,throw 1', [new Float32Array(3)]);
  assert.equal(error.code, 'environment');
});
