// The packed package, installed elsewhere, as its users meet it: Node, TypeScript, plain pages,
// pages of another origin, and Vite's dev server and build in Chromium.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { chromium } from 'playwright-core';

const repo = path.resolve(import.meta.dirname, '../..');
const work = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), 'zeolite-install-')));
const project = path.join(work, 'project');
const installed = path.join(project, 'node_modules/zeolite');
const model = path.join(repo, 'tests/data/models/sequential_keras2');
const npm = (args, cwd) =>
  execFileSync(
    'npm',
    [...args, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'],
    { cwd, encoding: 'utf8' },
  );
const write = (name, text) => {
  fs.mkdirSync(path.dirname(path.join(project, name)), { recursive: true });
  fs.writeFileSync(path.join(project, name), text);
};

let browser;
before(async () => {
  fs.mkdirSync(path.join(project, 'public'), { recursive: true });
  const [{ filename }] = JSON.parse(npm(['pack', '--json', '--pack-destination', work], repo));
  write(
    'package.json',
    JSON.stringify({ name: 'user', version: '1.0.0', private: true, type: 'module' }),
  );
  npm(['install', '--offline', path.join(work, filename)], project);
  fs.copyFileSync(path.join(model, 'model.h5'), path.join(project, 'public/model.h5'));
  browser = await chromium.launch({
    executablePath: process.env.ZEOLITE_CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
});
after(async () => {
  await browser?.close();
  fs.rmSync(work, { recursive: true, force: true });
});

/** What every page does: convert, run in a worker and in place, with threads where they are. */
const app = `
export async function run(zeolite, address) {
  const { convert, loadModel, inspect, features, version } = zeolite;
  const source = new Uint8Array(await (await fetch(address)).arrayBuffer());
  const stages = new Set();
  const onProgress = ({ stage }) => stages.add(stage);
  const { tflite, report } = await convert({ 'model.h5': source }, { onProgress });
  const input = Float32Array.from({ length: 64 }, (_, i) => Math.sin(i));
  const answers = [];
  for (const options of [{}, { worker: false }, { threads: 2 }, { threads: 2, worker: false }]) {
    const model = await loadModel(tflite, options);
    const [{ data }] = await model.run([input]);
    answers.push({ threads: model.threads, data: Array.from(data) });
    await model.dispose();
  }
  const { graphs, dispose } = await inspect(tflite);
  await dispose();
  const refused = await loadModel(new TextEncoder().encode('<html>')).catch((error) => error.code);
  return {
    version, stages: [...stages], bytes: tflite.length, operators: report.operators, answers,
    nodes: graphs[0].nodes.length, refused, features: await features(),
  };
}`;

let golden;
/** Judges what run() gave in a page. */
function check(result, { threads = 1, worker = true } = {}) {
  assert.ok(
    result.bytes > 1000 && result.nodes > 0 && result.stages.length > 2,
    JSON.stringify(result),
  );
  assert.equal(result.refused, 'not-a-model');
  assert.equal(result.features.worker, worker);
  for (const answer of result.answers) {
    assert.equal(answer.data.length, result.answers[0].data.length);
    // Relaxed SIMD rounds once where plain SIMD rounds twice.
    answer.data.forEach((value, i) =>
      assert.ok(Math.abs(value - golden[i]) <= 1e-5, `${value} is not ${golden[i]}`),
    );
  }
  assert.deepEqual(result.answers.map((answer) => answer.threads), [1, 1, threads, threads]);
  assert.equal(result.features.threads, threads > 1);
}

async function visit(address, errors = []) {
  const page = await browser.newPage();
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  try {
    await page.goto(address);
    await page
      .waitForFunction(() => globalThis.outcome, null, { timeout: 60_000 })
      .catch((error) => {
        throw new Error(`${error.message}\n${errors.join('\n')}`);
      });
    const outcome = await page.evaluate(() => globalThis.outcome);
    assert.equal(outcome.error, undefined, `${outcome.error}\n${errors.join('\n')}`);
    return outcome.result;
  } finally {
    await page.close();
  }
}

const types = { '.html': 'text/html', '.js': 'text/javascript', '.wasm': 'application/wasm' };
/** Serves the project. */
async function host(t, headers = {}) {
  const server = http.createServer((request, response) => {
    const name = decodeURIComponent(new URL(request.url, 'http://host').pathname);
    const file = [path.join(project, name), path.join(project, 'public', name)].find((one) =>
      fs.statSync(one, { throwIfNoEntry: false })?.isFile(),
    );
    if (!file) return void response.writeHead(404).end();
    response.writeHead(200, {
      'Content-Type': types[path.extname(file)] ?? 'application/octet-stream',
      ...headers,
    });
    fs.createReadStream(file).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${server.address().port}`;
}

const html = (script, src) =>
  `<!doctype html><title>test</title><link rel="icon" href="data:,"><script type="module"${src ? ` src="${src}"` : ''}>${script}</script>`;
const script = (from) => `
import * as zeolite from ${JSON.stringify(from)};
import { run } from './app.js';
run(zeolite, '/model.h5').then(
  (result) => { globalThis.outcome = { result }; },
  (error) => { globalThis.outcome = { error: error.stack + error.code }; },
);`;
const isolation = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

test('the tarball holds the package with its licences, and no more than it needs', () => {
  for (const name of [
    'LICENSE',
    'README.md',
    'dist/THIRD_PARTY_NOTICES.md',
    'dist/index.js',
    'dist/worker.js',
    'dist/converter.wasm',
    'dist/runtime-relaxed-threads.wasm',
    'dist/demo/index.html',
  ]) {
    assert.ok(fs.existsSync(path.join(installed, name)), name);
  }
  const { dependencies } = JSON.parse(
    fs.readFileSync(path.join(installed, 'package.json'), 'utf8'),
  );
  assert.equal(dependencies, undefined, 'no dependency at run time');
  for (const name of ['core', 'web', 'tests', 'node_modules']) {
    assert.ok(!fs.existsSync(path.join(installed, name)), name);
  }
});

test('Node converts and runs with the installed package', () => {
  write('node.mjs', `
import { readFileSync } from 'node:fs';
import { convert, loadModel } from 'zeolite';
const { tflite } = await convert('public/model.h5');
const answers = [];
for (const options of [{}, { threads: 2 }, { worker: true }]) {
  const model = await loadModel(tflite, options);
  const [{ data }] = await model.run([Float32Array.from({ length: 64 }, (_, i) => Math.sin(i))]);
  answers.push(Array.from(data));
  await model.dispose();
}
console.log(JSON.stringify(answers));`);
  const answers = JSON.parse(
    execFileSync(process.execPath, ['node.mjs'], { cwd: project, encoding: 'utf8' }),
  );
  for (const answer of answers) assert.deepEqual(answer, answers[0]);
  golden = answers[0];
});

test('npx zeolite is the command line', () => {
  const { version } = JSON.parse(fs.readFileSync(path.join(repo, 'package.json'), 'utf8'));
  assert.equal(
    execFileSync(path.join(project, 'node_modules/.bin/zeolite'), ['--version'], {
      encoding: 'utf8',
    }).trim(),
    version,
  );
  const output = execFileSync(
    path.join(project, 'node_modules/.bin/zeolite'),
    ['convert', 'public/model.h5', '-o', 'out.tflite'],
    { cwd: project, encoding: 'utf8' },
  );
  assert.match(output, /operators/);
});

test('its types are right for strict users, with a page\'s library or with Node\'s', () => {
  write(
    'use.ts',
    `
import {
  loadModel, convert, inspect, features, configure, version, ZeoliteError,
  type Model, type Tensor, type ConvertReport,
} from 'zeolite';
export async function use(file: Blob, signal: AbortSignal): Promise<number> {
  configure({ wasmBase: '/files/', threads: 2 });
  const { tflite, report } = await convert(file, {
    sparsify: true,
    inputShapes: { x: [1, 8, 8, -1] },
    signal,
    onProgress: ({ stage, done, total }) => {
      stage satisfies string;
      (done + total) satisfies number;
    },
  });
  const layers: ConvertReport['layers'] = report.layers;
  await using model: Model = await loadModel(tflite, { threads: 'auto', worker: false });
  const listed: Tensor[] = await model.run([new Float32Array(64)]);
  const inputs = { x: new Float32Array(64), y: { data: [1n], shape: [1] } };
  const named = await model.run(inputs, { signature: 'serving_default' });
  const first = named['y'];
  if (first?.dtype === 'int64') first.data satisfies BigInt64Array;
  if (first?.dtype === 'float32') first.data satisfies Float32Array;
  const { stats } = await inspect({ 'model.json': tflite, 'weights.h5': tflite });
  const { min } = await stats(0, 0);
  try {
    await model.run([]);
  } catch (error) {
    if (error instanceof ZeoliteError && error.code === 'bad-input') return error.issues.length;
  }
  // @ts-expect-error Nothing is loaded from a number.
  await loadModel(42);
  // @ts-expect-error There is no such mode.
  await convert(file, { quantize: 'int3' });
  const { reasons } = await features();
  return min + listed.length + layers.length + reasons.length + version.length + model.memory;
}`,
  );
  const options = {
    strict: true,
    noEmit: true,
    skipLibCheck: false,
    target: 'ES2022',
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
  };
  const projects = {
    page: {
      ...options,
      module: 'ESNext',
      moduleResolution: 'bundler',
      lib: ['ES2022', 'DOM', 'ESNext.Disposable'],
      types: [],
    },
    node: {
      ...options,
      module: 'NodeNext',
      moduleResolution: 'NodeNext',
      lib: ['ES2023'],
      types: ['node'],
      typeRoots: [path.join(repo, 'node_modules/@types')],
    },
  };
  for (const [name, compilerOptions] of Object.entries(projects)) {
    write(`tsconfig.${name}.json`, JSON.stringify({ compilerOptions, files: ['use.ts'] }));
    const { status, stdout } = spawnSync(
      path.join(repo, 'node_modules/.bin/tsc'),
      ['-p', `tsconfig.${name}.json`],
      { cwd: project, encoding: 'utf8' },
    );
    assert.equal(status, 0, `${name}: ${stdout}`);
  }
});

test('a plain script of a page uses it', async (t) => {
  write('app.js', app);
  write('plain.html', html(script('/node_modules/zeolite/dist/index.js')));
  const result = await visit(`${await host(t)}/plain.html`);
  check(result);
  assert.match(result.features.reasons.join(' '), /isolated/);
});

test('in an isolated page there are threads', async (t) => {
  write('plain.html', html(script('/node_modules/zeolite/dist/index.js')));
  const result = await visit(`${await host(t, isolation)}/plain.html`);
  check(result, { threads: 2 });
  assert.equal(result.features.crossOriginIsolated, true);
});

test('from another origin the worker starts through a blob, threads included', async (t) => {
  const cdn = await host(t, {
    'Access-Control-Allow-Origin': '*',
    'Cross-Origin-Resource-Policy': 'cross-origin',
  });
  write('cdn.html', html(script(`${cdn}/node_modules/zeolite/dist/index.js`)));
  check(await visit(`${await host(t)}/cdn.html`));
  check(await visit(`${await host(t, isolation)}/cdn.html`), { threads: 2 });
});

test('where workers are forbidden the work runs in place, and features() says so', async (t) => {
  write('plain.html', html('', '/plain.js'));
  write('plain.js', script('/node_modules/zeolite/dist/index.js'));
  const policy =
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; img-src data:; worker-src 'none'";
  const result = await visit(`${await host(t, { 'Content-Security-Policy': policy })}/plain.html`);
  check(result, { worker: false });
  assert.match(result.features.reasons.join(' '), /in place/);
});

test('a strict policy without unsafe-eval and blobs is enough', async (t) => {
  write('plain.html', html('', '/plain.js'));
  write('plain.js', script('/node_modules/zeolite/dist/index.js'));
  const policy =
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'";
  check(
    await visit(`${await host(t, { ...isolation, 'Content-Security-Policy': policy })}/plain.html`),
    { threads: 2 },
  );
});

const viteApp = () => {
  write('vite/index.html', html('', './main.js'));
  write('vite/app.js', app);
  write('vite/main.js', script('zeolite'));
  fs.mkdirSync(path.join(project, 'vite/public'), { recursive: true });
  fs.copyFileSync(path.join(model, 'model.h5'), path.join(project, 'vite/public/model.h5'));
};

for (const headers of [{}, isolation]) {
  const isolated = headers === isolation ? ', isolated' : '';
  const threads = isolated ? 2 : 1;
  test(`a Vite application's build works without configuration${isolated}`, async (t) => {
    viteApp();
    const { build, preview } = await import('vite');
    await build({ root: path.join(project, 'vite'), logLevel: 'error', configFile: false });
    const server = await preview({
      root: path.join(project, 'vite'),
      logLevel: 'error',
      configFile: false,
      preview: { port: 0, host: '127.0.0.1', headers },
    });
    t.after(() => server.close());
    check(await visit(`http://127.0.0.1:${server.httpServer.address().port}/`), { threads });
  });

  for (const optimizeDeps of [{}, { exclude: ['zeolite'] }]) {
    test(`Vite's dev server works with ${JSON.stringify(optimizeDeps)}${isolated}`, async (t) => {
      viteApp();
      const { createServer } = await import('vite');
      const server = await createServer({
        root: path.join(project, 'vite'),
        logLevel: 'error',
        configFile: false,
        optimizeDeps,
        server: { port: 0, host: '127.0.0.1', headers, hmr: false },
      });
      await server.listen();
      t.after(() => server.close());
      check(await visit(`http://127.0.0.1:${server.httpServer.address().port}/`), { threads });
    });
  }
}
