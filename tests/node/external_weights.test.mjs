// Models that keep weights in files of their own: found beside the model, or given with it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';

import { data } from './support/cases.mjs';
import { cli, zeolite } from './support/package.mjs';

const folder = path.join(data, 'external');
const file = path.join(folder, 'model.tflite');
const names = ['filter.bin', 'small parts.bin'];
const bytesOf = (name) => new Uint8Array(fs.readFileSync(path.join(folder, name)));
const model = bytesOf('model.tflite');
const wanted = [11, 100, -19];

const runCli = (...args) => spawnSync(process.execPath, [cli, ...args], { encoding: 'utf8' });

/** What the model of this source says to [1, 2]. */
async function answer(source, options = {}) {
  const loaded = await zeolite.loadModel(source, options);
  try {
    const [y] = await loaded.run([new Float32Array([1, 2])]);
    return [...y.data];
  } finally {
    await loaded.dispose();
  }
}

async function failure(promise) {
  const error = await promise.then(() => assert.fail('nothing was refused'), (reason) => reason);
  assert.ok(error instanceof zeolite.ZeoliteError, String(error?.stack));
  return error;
}

const refusedFor = async (source, options, ...missing) => {
  const error = await failure(zeolite.loadModel(source, options));
  assert.equal(error.code, 'environment', error.message);
  for (const name of missing) assert.ok(error.message.includes(`'${name}'`), error.message);
  assert.deepEqual(error.issues.map(({ name }) => name), missing);
  return error;
};

/** A folder with these of the model's files. */
function folderWith(...kept) {
  const made = fs.mkdtempSync(path.join(os.tmpdir(), 'zeolite-external-'));
  after(() => fs.rmSync(made, { recursive: true }));
  for (const name of kept) fs.copyFileSync(path.join(folder, name), path.join(made, name));
  return made;
}

/** An address under which the folder's files lie; `seen` hears what is asked for. */
async function serve(t, root, seen = []) {
  const server = http.createServer((request, response) => {
    const name = decodeURIComponent(new URL(request.url, 'http://host').pathname).replace(
      '/models/',
      '',
    );
    seen.push(name);
    const found = path.join(root, name);
    if (fs.existsSync(found)) response.end(fs.readFileSync(found));
    else response.writeHead(404).end();
  }).listen(0, '127.0.0.1');
  t.after(() => server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  return `http://127.0.0.1:${server.address().port}/models/model.tflite`;
}

/** The model with another name in place of filter.bin's, of the same length. */
function renamed(name) {
  const changed = Buffer.from(model);
  assert.equal(name.length, 'filter.bin'.length);
  const at = changed.indexOf('filter.bin');
  assert.ok(at > 0);
  changed.write(name, at, 'latin1');
  return new Uint8Array(changed);
}

for (const worker of [false, true]) {
  const where = worker ? 'in a worker' : 'in place';
  test(`a path's and an address's files are taken from beside the model, ${where}`, async (t) => {
    const seen = [];
    const address = await serve(t, folder, seen);
    assert.deepEqual(await answer(file, { worker }), wanted);
    assert.deepEqual(await answer(pathToFileURL(file), { worker }), wanted);
    assert.deepEqual(await answer(`${address}?a=b#c`, { worker }), wanted);
    assert.deepEqual(seen, ['model.tflite', ...names]);
    assert.deepEqual(await answer(await fetch(address), { worker }), wanted);
  });

  test(`several files are given as convert() takes them, ${where}`, async () => {
    const all = {
      'a/weights/filter.bin': bytesOf(names[0]),
      'other.txt': new Uint8Array(3),
      'a/any name': model,
      'small parts.bin': bytesOf(names[1]),
    };
    assert.deepEqual(await answer(all, { worker }), wanted);
    assert.deepEqual(all['a/any name'], model, 'the caller\'s bytes are as they were');
    const list = ['small parts.bin', 'model.tflite', 'filter.bin'].map(
      (name) => new File([bytesOf(name)], name),
    );
    assert.deepEqual(await answer(list, { worker }), wanted);
  });

  test(`missing files are all named, with where they were looked for, ${where}`, async (t) => {
    await refusedFor(model, { worker }, ...names);
    await refusedFor(new Blob([model]), { worker }, ...names);
    const error = await refusedFor(
      { 'model.tflite': model, 'filter.bin': bytesOf('filter.bin') },
      { worker },
      'small parts.bin',
    );
    assert.match(
      error.message,
      /loadModel\(\{ 'model.tflite': bytes, 'small parts.bin': bytes \}\)/,
    );
    const partial = folderWith('model.tflite', 'small parts.bin');
    assert.ok(
      (
        await refusedFor(path.join(partial, 'model.tflite'), { worker }, 'filter.bin')
      ).message.includes(path.join(partial, 'filter.bin')),
    );
    const address = await serve(t, partial);
    assert.match(
      (await refusedFor(address, { worker }, 'filter.bin')).message,
      /models\/filter\.bin .*404/,
    );
  });
}

test('more threads than the model alone is worth come with its files', async (t) => {
  const own = Object.getOwnPropertyDescriptor(globalThis, 'navigator');
  Object.defineProperty(globalThis, 'navigator', {
    value: { hardwareConcurrency: 4 },
    configurable: true,
  });
  t.after(() =>
    Object.defineProperty(globalThis, 'navigator', own ?? { value: undefined, configurable: true }),
  );
  const large = 4 * 2 ** 20;  // Behind the weights, where no slice reaches.
  const filter = new Uint8Array(large);
  filter.set(bytesOf('filter.bin'));
  const source = {
    'model.tflite': model,
    'filter.bin': filter,
    'small parts.bin': bytesOf(names[1]),
  };
  const loaded = await zeolite.loadModel(source);
  assert.equal((await zeolite.features()).maxThreads, 2);
  assert.equal(loaded.threads, 2);
  const [y] = await loaded.run([new Float32Array([1, 2])]);
  assert.deepEqual([...y.data], wanted);
  const { memory } = await loaded.profile([new Float32Array([1, 2])], { runs: 1 });
  assert.equal(memory.file, model.length + large + source['small parts.bin'].length);
  await loaded.dispose();
});

test('names that lead away from beside the model are not looked for, but may be given', async (t) => {
  const root = folderWith('small parts.bin');
  fs.mkdirSync(path.join(root, 'in'));
  fs.copyFileSync(path.join(folder, 'small parts.bin'), path.join(root, 'in', 'small parts.bin'));
  for (const name of [
    '../ter.bin',
    '/etc/passw',
    'a/../r.bin',
    'C:ter1.bin',
    'file:r.bin',
    'a\\lter.bin',
    './lter.bin',
    'a//ter.bin',
  ]) {
    for (const place of [root, path.join(root, 'in')]) {
      fs.writeFileSync(path.join(place, 'ter.bin'), bytesOf('filter.bin'));
    }
    const changed = path.join(root, 'in', 'model.tflite');
    fs.writeFileSync(changed, renamed(name));
    const error = await refusedFor(changed, {}, name);
    assert.match(error.message, /no name of a file beside the model/);
    const address = await serve(t, path.join(root, 'in'));
    await refusedFor(address, {}, name);
    const base = name.split(/[\\/]/).pop();
    assert.deepEqual(
      await answer({
        m: renamed(name),
        [base]: bytesOf('filter.bin'),
        'small parts.bin': bytesOf(names[1]),
      }),
      wanted,
      name,
    );
  }
});

test('a file in a folder beside the model is found there, and before one of the same name elsewhere', async () => {
  const root = folderWith('small parts.bin');
  fs.mkdirSync(path.join(root, 'a'));
  fs.copyFileSync(path.join(folder, 'filter.bin'), path.join(root, 'a', 'lter.bin'));
  // Eight letters: its length stays.
  fs.writeFileSync(path.join(root, 'model.tflite'), renamed('a/lter.bin'));
  assert.deepEqual(await answer(path.join(root, 'model.tflite')), wanted);
  const both = {
    'm/model.tflite': renamed('a/lter.bin'),
    'm/a/lter.bin': bytesOf('filter.bin'),
    'm/b/lter.bin': new Uint8Array(200),
    'small parts.bin': bytesOf(names[1]),
  };
  assert.deepEqual(await answer(both), wanted);
  delete both['m/a/lter.bin'];
  both['m/c/lter.bin'] = bytesOf('filter.bin');
  assert.match((await refusedFor(both, {}, 'a/lter.bin')).message, /both/);
});

for (const worker of [false, true]) {
  test(`a folder is its model with the files of its weights, ${worker ? 'in a worker' : 'in place'}`, async () => {
    assert.deepEqual(await answer(folder, { worker }), wanted);
    const root = folderWith(...names);
    assert.equal((await failure(zeolite.loadModel(root, { worker }))).code, 'not-a-model');
    fs.mkdirSync(path.join(root, 'in'));
    fs.copyFileSync(file, path.join(root, 'in', 'any name'));
    assert.deepEqual(await answer(pathToFileURL(root), { worker }), wanted);
    fs.copyFileSync(file, path.join(root, 'b.tflite'));
    const error = await failure(zeolite.loadModel(root, { worker }));
    assert.equal(error.code, 'bad-input');
    assert.match(error.message, /several models.*'b\.tflite'/);
  });
}

test('of several files exactly one is the model', async () => {
  assert.equal(
    (await failure(zeolite.loadModel({ 'a.bin': bytesOf(names[0]), 'b.bin': new Uint8Array(2) })))
      .code,
    'not-a-model',
  );
  const error = await failure(
    zeolite.loadModel({ 'a.tflite': model, 'b.tflite': model, 'filter.bin': bytesOf(names[0]) }),
  );
  assert.equal(error.code, 'bad-input');
  assert.match(error.message, /'a\.tflite', 'b\.tflite'/);
});

test('a file that is too short is refused with its name', async () => {
  const error = await failure(
    zeolite.loadModel({
      'model.tflite': model,
      'filter.bin': new Uint8Array(87),
      'small parts.bin': bytesOf(names[1]),
    }),
  );
  assert.equal(error.code, 'corrupt');
  assert.match(error.message, /"filter\.bin": 24 bytes from 64 on, of 87/);
});

for (const worker of [false, true]) {
  test(`an inspection shows each tensor's file, there or missing, ${worker ? 'in a worker' : 'in place'}`, async () => {
    for (const [source, there] of [
      [file, true],
      [
        {
          'm.tflite': model,
          'filter.bin': bytesOf(names[0]),
          'small parts.bin': bytesOf(names[1]),
        },
        true,
      ],
      [model, false],
    ]) {
      const found = await zeolite.inspect(source, { worker });
      const tensors = found.graphs[0].tensors;
      assert.deepEqual(
        tensors.map((tensor) => [tensor.name, tensor.constant, tensor.bytes, tensor.file]),
        [
          ['x', false, 0, undefined],
          ['filter', true, 24, 'filter.bin'],
          ['bias', true, 12, 'small parts.bin'],
          ['product', false, 0, undefined],
          ['factors', true, 12, 'small parts.bin'],
          ['y', false, 0, undefined],
        ],
      );
      assert.equal(found.format, 'tflite');
      assert.equal(found.parameters, 12);
      const blocks = found.compatibility.filter(({ severity }) => severity === 'blocks');
      assert.deepEqual(
        blocks.map(({ subject }) => subject.file),
        there ? [] : names,
      );
      if (there) assert.equal((await found.stats(0, 1)).max, 6);
      else {
        assert.match((await failure(found.stats(0, 1))).message, /"filter\.bin", which is missing/);
      }
      await found.dispose();
    }
  });
}

test('the command line runs a model whose files lie beside it, and names those that do not', () => {
  const done = runCli('run', file, '--input', 'x=random');
  assert.equal(done.status, 0, done.stderr);
  const failed = runCli(
    'run',
    path.join(folderWith('model.tflite'), 'model.tflite'),
    '--input',
    'x=random',
  );
  assert.equal(failed.status, 1);
  for (const name of names) assert.ok(failed.stderr.includes(name), failed.stderr);
});
