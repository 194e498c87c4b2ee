#!/usr/bin/env node
// Builds all that the package ships into dist/: the WebAssembly modules, the JavaScript with its
// types, the page. Only what changed is built again.   node tools/build.mjs
import fs from 'node:fs';
import path from 'node:path';

import { cmakeBuild, dist, Failure, filesBelow, inRepo, main, run, setUp } from './common.mjs';
import { bundledPackages, writeNotices } from './notices.mjs';

const wasmFolder = inRepo('build/wasm');
const isNewer = (source, target) =>
  !fs.existsSync(target) || fs.statSync(source).mtimeMs > fs.statSync(target).mtimeMs;

/** Builds the modules and puts them into dist/, their JavaScript made small. */
export async function buildModules() {
  await cmakeBuild(wasmFolder, [], [], { wasm: true });
  const { transform } = await import('esbuild');
  const modules = path.join(wasmFolder, 'modules');
  fs.mkdirSync(dist, { recursive: true });
  for (const file of filesBelow(modules)) {
    const source = path.join(modules, file), target = path.join(dist, file);
    if (!isNewer(source, target)) continue;
    if (file.endsWith('.js')) {
      const { code } = await transform(fs.readFileSync(source, 'utf8'), { minify: true, format: 'esm', target: 'es2022' });
      fs.writeFileSync(target, code);
    } else {
      fs.copyFileSync(source, target);
    }
  }
}

const shared = {
  bundle: true, format: 'esm', target: 'es2022', minify: true, legalComments: 'none', logLevel: 'warning', metafile: true,
  // The modules lie beside the bundles and are loaded when they are needed.
  external: ['node:*', './runtime-*', './converter*'],
};

/** Bundles web/src/{index,worker,cli}.ts into dist/ with the types beside them; gives esbuild's account. */
export async function buildWeb() {
  const { build } = await import('esbuild');
  const { version } = JSON.parse(fs.readFileSync(inRepo('package.json'), 'utf8'));
  const entries = ['index', 'worker', 'cli'].map((name) => inRepo('web/src', `${name}.ts`)).filter((file) => fs.existsSync(file));
  if (entries.length === 0) throw new Failure('web/src has none of index.ts, worker.ts, cli.ts');
  const [{ metafile }] = await Promise.all([
    build({ ...shared, entryPoints: entries, outdir: dist, define: { __ZEOLITE_VERSION__: JSON.stringify(version) } }),
    run(inRepo('node_modules/.bin/tsc'), ['-p', 'web']),
  ]);
  return metafile;
}

/**
 * Builds the page into dist/demo: demo/main.ts and demo/*_worker.ts become bundles, everything else
 * is copied. The package is not bundled in: the page imports the very files that users get.
 */
export async function buildDemo() {
  const { build } = await import('esbuild');
  const source = inRepo('demo'), target = path.join(dist, 'demo');
  const files = filesBelow(source);
  if (files.length === 0) throw new Failure('demo/ is empty');
  const package_ = {
    name: 'package',
    setup: (plugins) => plugins.onResolve({ filter: /^zeolite$/ }, () => ({ path: '../index.js', external: true })),
  };
  const wanted = new Set();
  const entries = files.filter((file) => /^(main|\w+_worker)\.ts$/.test(file));
  for (const file of entries) wanted.add(file.replace(/\.ts$/, '.js'));
  for (const file of files) {
    if (/\.(ts|md)$|^tsconfig\.json$/.test(file)) continue;
    wanted.add(file);
    const to = path.join(target, file);
    if (!isNewer(path.join(source, file), to)) continue;
    fs.mkdirSync(path.dirname(to), { recursive: true });
    fs.copyFileSync(path.join(source, file), to);
  }
  for (const file of filesBelow(target)) if (!wanted.has(file)) fs.rmSync(path.join(target, file));
  const [{ metafile }] = await Promise.all([
    build({ ...shared, entryPoints: entries.map((file) => path.join(source, file)), outdir: target, plugins: [package_] }),
    run(inRepo('node_modules/.bin/tsc'), ['-p', 'demo', '--noEmit']),
  ]);
  return metafile;
}

export async function buildAll() {
  await buildModules();
  writeNotices(bundledPackages([await buildWeb(), await buildDemo()]));
}

if (fs.realpathSync(process.argv[1]) === import.meta.filename) {
  await main(async () => {
    await setUp('build');
    await buildAll();
  });
}
