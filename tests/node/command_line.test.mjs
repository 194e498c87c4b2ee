// The command line: what it prints, what it writes, its exit status.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';

import { data } from './support/cases.mjs';
import { cli, zeolite } from './support/package.mjs';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'zeolite-cli-'));
after(() => fs.rmSync(folder, { recursive: true }));
const temporary = (name) => path.join(folder, name);
const reference = (name) => path.join(data, 'models', name, 'reference_fp32.tflite');
const simple = reference('sequential_keras2');
const source = path.join(data, 'models/sequential_keras2/model.h5');

function zeoliteCli(...args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], {
    encoding: 'utf8',
    env: { ...process.env, ZEOLITE_DEBUG: '' },
  });
  return { status, stdout, stderr };
}
function succeeds(...args) {
  const result = zeoliteCli(...args);
  assert.equal(result.status, 0, result.stderr);
  assert.equal(result.stderr, '', 'nothing on standard error, which is no terminal');
  return result.stdout;
}
function fails(status, words, ...args) {
  const result = zeoliteCli(...args);
  assert.equal(result.status, status, result.stdout + result.stderr);
  for (const word of words) {
    assert.ok(result.stderr.includes(word), `'${word}' is not in: ${result.stderr}`);
  }
  assert.doesNotMatch(result.stderr, /\n\s+at /, 'no stack trace');
  return result;
}

test('--version and --help, with an example for each command', () => {
  assert.equal(succeeds('--version').trim(), zeolite.version);
  assert.match(succeeds('--help'), /convert[^]*run[^]*inspect[^]*bench[^]*serve/);
  for (const command of ['convert', 'run', 'inspect', 'bench', 'serve']) {
    assert.match(succeeds(command, '--help'), new RegExp(`Example: zeolite ${command}`));
    assert.equal(succeeds('help', command), succeeds(command, '--help'));
  }
});

test('a wrong call has exit status 2 and says what is wrong', () => {
  fails(2, ['which command']);
  fails(2, ["'fly'"], 'fly');
  fails(2, ['which file'], 'convert');
  fails(2, ['--nonsense'], 'convert', source, '--nonsense');
  fails(2, ["'two'"], 'bench', simple, '--threads', 'two');
  fails(2, ['--input-shape'], 'convert', source, '--input-shape', 'x:1,2');
  fails(
    2,
    ['sideways'],
    'convert',
    source,
    '--quantize',
    'sideways',
    '-o',
    temporary('never.tflite'),
  );
  fails(2, ["'x'", 'random'], 'run', simple);
  fails(2, ["'nowhere'"], 'run', simple, '--input', 'nowhere=random');
  fails(
    2,
    ["'other'", 'serving_default'],
    'run',
    simple,
    '--input',
    'x=random',
    '--signature',
    'other',
  );
  fails(2, ['too many'], 'inspect', simple, simple);
});

test('work that fails has exit status 1 and one readable block', () => {
  fails(1, ['no such file'], 'run', 'missing.tflite', '--input', 'random');
  fails(1, ['no such file'], 'convert', 'missing.h5');
  fails(1, ['HTML'], 'convert', path.join(data, 'bad/page.h5'), '-o', temporary('page.tflite'));
  assert.ok(!fs.existsSync(temporary('page.tflite')));
  const { stderr } = fails(
    1,
    ['Swirl', 'first_swirl', 'second_swirl', 'Lambda'],
    'convert',
    path.join(data, 'bad/custom_layers.keras'),
    '-o',
    temporary('never.tflite'),
  );
  assert.ok(stderr.split('\n').length >= 4, 'a line for each reason');
});

test('convert writes the file, a summary and a report, and overwrites only with --force', () => {
  const output = temporary('model.tflite'), report = temporary('report.json');
  const text = succeeds('convert', source, '-o', output, '--report', report);
  assert.match(text, /model\.tflite: .*operators: .*runs since TensorFlow/s);
  const { operators, bytesOut } = JSON.parse(fs.readFileSync(report, 'utf8'));
  assert.equal(bytesOut, fs.statSync(output).size);
  assert.ok(Object.keys(operators).length > 0);
  fails(1, ['--force'], 'convert', source, '-o', output);
  const json = JSON.parse(succeeds('convert', source, '-o', output, '--force', '--json'));
  assert.equal(json.bytesOut, bytesOut);
  assert.equal(json.output, output);
});

test('without -o convert writes beside the source, under its name', () => {
  const copy = temporary('copied.h5');
  fs.copyFileSync(source, copy);
  succeeds('convert', copy);
  assert.ok(fs.existsSync(temporary('copied.tflite')));
});

test('run takes .npy, .npz, .json, random numbers and pictures, and writes .npz', async () => {
  const values = Float32Array.from({ length: 64 }, (_, i) => Math.sin(i));
  const model = await zeolite.loadModel(simple);
  const [{ data: wanted, shape }] = await model.run([values]);
  await model.dispose();
  fs.writeFileSync(
    temporary('x.json'),
    JSON.stringify([
      Array.from({ length: 8 }, (_, y) => Array.from({ length: 8 }, (_, x) => [values[y * 8 + x]])),
    ]),
  );
  const read = (text) => Object.values(JSON.parse(text))[0];
  const fromJson = read(succeeds('run', simple, '--input', `x=${temporary('x.json')}`, '--json'));
  assert.deepEqual(fromJson.shape, shape);
  assert.deepEqual(Float32Array.from(fromJson.data), wanted);

  fs.writeFileSync(temporary('x.npy'), npy('<f4', [1, 8, 8, 1], Buffer.from(values.buffer)));
  assert.deepEqual(
    read(succeeds('run', simple, '-i', temporary('x.npy'), '--json')),
    fromJson,
    'without NAME= where there is one input',
  );

  const output = temporary('out.npz');
  assert.match(
    succeeds('run', simple, '--input', `x=${temporary('x.npy')}`, '-o', output),
    /float32\[1,/,
  );
  fails(1, ['--force'], 'run', simple, '--input', 'x=random', '-o', output);

  const several = reference('merges');
  const arrays = { a: [1, 3, 4], b: [1, 3, 4], c: [1, 1, 4] };
  const random = Object.keys(arrays).flatMap((name) => ['--input', `${name}=random`]);
  assert.equal(
    succeeds('run', several, ...random),
    succeeds('run', several, ...random),
    'random numbers are the same each time',
  );

  const bigEndian = Buffer.from(values.buffer.slice(0));
  bigEndian.swap32();
  fs.writeFileSync(temporary('big.npy'), npy('>f4', [1, 8, 8, 1], bigEndian));
  assert.deepEqual(
    read(succeeds('run', simple, '--input', `x=${temporary('big.npy')}`, '--json')),
    fromJson,
  );
  const transposed = Float32Array.from(
    { length: 64 },
    (_, i) => values[(i % 8) * 8 + Math.floor(i / 8)],
  );
  fs.writeFileSync(
    temporary('fortran.npy'),
    npy('<f4', [1, 8, 8, 1], Buffer.from(transposed.buffer), true),
  );
  assert.deepEqual(
    read(succeeds('run', simple, '--input', `x=${temporary('fortran.npy')}`, '--json')),
    fromJson,
  );

  const png = path.join(data, '../../demo/sample/images');
  const picture = fs.readdirSync(png).find((name) => /\.(png|jpe?g)$/i.test(name));
  const seen = read(succeeds('run', simple, '--input', `x=${path.join(png, picture)}`, '--json'));
  assert.deepEqual(seen.shape, shape);
  assert.ok(seen.data.every(Number.isFinite));
});

function npy(descr, shape, bytes, fortran = false) {
  let header = `{'descr': '${descr}', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': (${shape.join(', ')},), }`;
  header = header.padEnd(117) + '\n';
  const head = Buffer.alloc(10);
  head.write('\x93NUMPY\x01\x00', 'latin1');
  head.writeUInt16LE(header.length, 8);
  return Buffer.concat([head, Buffer.from(header), bytes]);
}

test('inspect shows a .tflite and a source model, and the stages of the converter', () => {
  assert.match(succeeds('inspect', simple), /CONV_2D[^]*serving_default/);
  const parsed = JSON.parse(succeeds('inspect', simple, '--json'));
  assert.equal(parsed.format, 'tflite');
  assert.ok(parsed.graphs[0].nodes.length > 0);
  assert.match(succeeds('inspect', source), /Conv2D/);
  assert.match(succeeds('inspect', source, '--stage', 'lower'), /CONV_2D/);
  assert.match(succeeds('inspect', path.join(data, 'bad/lambda.h5')), /of unknown shape/);
  fails(1, ['lower'], 'inspect', source, '--stage', 'sideways');
});

test('bench prints latency, memory and the table of operators', () => {
  assert.match(
    succeeds('bench', simple, '--runs', '2', '--profile'),
    /median[^]*memory[^]*CONV_2D/,
  );
  const result = JSON.parse(succeeds('bench', simple, '--runs', '2', '--threads', '2', '--json'));
  assert.equal(result.threads, 2);
  assert.ok(result.median > 0 && result.memory > 0);
});

test('serve answers on loopback with the isolation headers and the policy on every file', async (t) => {
  const child = spawn(process.execPath, [cli, 'serve', '--port', '0', '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.after(() => child.kill());
  const { address } = JSON.parse(
    await new Promise((resolve, reject) => {
      child.stdout.once('data', resolve);
      child.once('exit', (status) => reject(new Error(`it ended with status ${status}`)));
    }),
  );
  const base = new URL('/', address);
  for (const [name, type] of [
    ['demo/', 'text/html'],
    ['index.js', 'text/javascript'],
    ['worker.js', 'text/javascript'],
    ['runtime-simd.wasm', 'application/wasm'],
  ]) {
    const response = await fetch(new URL(name, base));
    assert.equal(response.status, 200, name);
    assert.ok(response.headers.get('content-type').startsWith(type), name);
    assert.equal(response.headers.get('cross-origin-opener-policy'), 'same-origin');
    assert.equal(response.headers.get('cross-origin-embedder-policy'), 'require-corp');
    assert.match(response.headers.get('content-security-policy'), /default-src 'none'/);
    await response.arrayBuffer();
  }
  assert.equal((await fetch(base)).url, address, 'the root leads to the studio');
  for (const name of [
    '../package.json',
    '%2e%2e/package.json',
    '..%2fpackage.json',
    'none.js',
    'demo/%00',
  ]) {
    assert.notEqual((await fetch(`${base}${name}`)).status, 200, name);
  }
});
