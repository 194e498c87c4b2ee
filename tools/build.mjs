#!/usr/bin/env node
// Builds all that the package ships into dist/: the WebAssembly modules, the JavaScript with its
// types, the page. Only what changed is built again.   node tools/build.mjs
import fs from 'node:fs';
import path from 'node:path';

import { cmakeBuild, dist, Failure, filesBelow, inRepo, main, run, setUp } from './common.mjs';
import { adaptGlue } from './glue.mjs';
import { bundledPackages, writeNotices } from './notices.mjs';

export const wasmFolder = inRepo('build/wasm');
const modulesFolder = path.join(wasmFolder, 'modules');
const isNewer = (source, target) =>
  !fs.existsSync(target) || fs.statSync(source).mtimeMs > fs.statSync(target).mtimeMs;

/** Builds the WebAssembly modules, or only those named, and puts them into dist/. */
export async function buildModules(names = []) {
  await cmakeBuild(wasmFolder, [], names, { wasm: true });
  fs.mkdirSync(dist, { recursive: true });
  for (const file of filesBelow(modulesFolder).filter((name) => name.endsWith('.wasm'))) {
    const source = path.join(modulesFolder, file), target = path.join(dist, file);
    if (isNewer(source, target)) fs.copyFileSync(source, target);
  }
}

const shared = {
  bundle: true,
  format: 'esm',
  target: 'es2022',
  minify: true,
  legalComments: 'none',
  logLevel: 'warning',
  metafile: true,
  external: ['node:*'],
};

/**
 * '#modules/NAME' is the JavaScript that Emscripten made for that module. It is the same with and
 * without relaxed SIMD but for the file's name: then it is bundled once.
 */
const modulesPlugin = {
  name: 'modules',
  setup(plugins) {
    const read = (name) =>
      adaptGlue(fs.readFileSync(path.join(modulesFolder, `${name}.js`), 'utf8'), name);
    plugins.onResolve({ filter: /^#modules\// }, ({ path: specifier }) => {
      const name = specifier.slice('#modules/'.length), plain = name.replace('-relaxed', '-simd');
      return { path: read(name) === read(plain) ? plain : name, namespace: 'modules' };
    });
    plugins.onLoad({ filter: /./, namespace: 'modules' }, ({ path: name }) => ({
      contents: read(name),
    }));
  },
};

/** The command line uses the package's own entry, beside it in dist/. */
const entryPlugin = {
  name: 'entry',
  setup: (plugins) =>
    plugins.onResolve({ filter: /^\.\.\/index\.js$/ }, () => ({
      path: './index.js',
      external: true,
    })),
};

/** Puts those declarations into dist/ that the entry's lead to, and no others. */
function copyTypes(source) {
  const wanted = new Set(['index.d.ts']);
  for (const file of wanted) {
    const text = fs.readFileSync(path.join(source, file), 'utf8');
    for (const [, target] of text.matchAll(/(?:from|import\()\s*['"]\.\/([\w/]+)\.js['"]/g)) {
      wanted.add(`${target}.d.ts`);
    }
    fs.writeFileSync(path.join(dist, file), text);
  }
  for (const file of filesBelow(dist)) {
    if (file.endsWith('.d.ts') && !wanted.has(file) && !file.startsWith('demo/')) {
      fs.rmSync(path.join(dist, file));
    }
  }
}

/**
 * Bundles web/src/{index,worker,cli}.ts into dist/, the types beside them; gives esbuild's
 * accounts.
 */
export async function buildWeb() {
  const { build } = await import('esbuild');
  const { version } = JSON.parse(fs.readFileSync(inRepo('package.json'), 'utf8'));
  const bundle = (name, plugins, more = {}) =>
    build({
      ...shared,
      entryPoints: [inRepo('web/src', `${name}.ts`)],
      outdir: dist,
      plugins,
      ...more,
      define: {
        __ZEOLITE_VERSION__: JSON.stringify(version),
        __ZEOLITE_WORKER__: String(name === 'worker'),
      },
    });
  const [index, worker, cli] = await Promise.all([
    bundle('index', [modulesPlugin], { splitting: true, chunkNames: 'glue-[name]' }),
    bundle('worker', [modulesPlugin]),
    bundle('cli', [entryPlugin]),
    run(inRepo('node_modules/.bin/tsc'), ['-p', 'web']),
  ]);
  fs.chmodSync(path.join(dist, 'cli.js'), 0o755);
  copyTypes(inRepo('build/types'));
  return [index.metafile, worker.metafile, cli.metafile];
}

/**
 * Builds the page into dist/demo: demo/main.ts and demo/*_worker.ts become bundles, everything else
 * is copied. The package is not bundled in: the page imports the very files that users get. The
 * service worker lies beside those, since it answers only for what lies below it.
 */
export async function buildDemo() {
  const { build } = await import('esbuild');
  const source = inRepo('demo'), target = path.join(dist, 'demo');
  const files = filesBelow(source);
  if (files.length === 0) throw new Failure('demo/ is empty');
  const package_ = {
    name: 'package',
    setup: (plugins) =>
      plugins.onResolve({ filter: /^zeolite$/ }, () => ({ path: '../index.js', external: true })),
  };
  const { repository } = JSON.parse(fs.readFileSync(inRepo('package.json'), 'utf8'));
  // Where the source is, for the page's link to it; without an address there is no link.
  const define = {
    __SOURCE_URL__: JSON.stringify(
      (repository?.url ?? repository ?? '').replace(/^git\+|\.git$/g, ''),
    ),
  };
  const wanted = new Set();
  const entries = files.filter(
    (file) => /^(main|\w+_worker)\.ts$/.test(file) && file !== 'service_worker.ts',
  );
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
    build({
      ...shared,
      entryPoints: entries.map((file) => path.join(source, file)),
      outdir: target,
      plugins: [package_],
      define,
    }),
    build({ ...shared, entryPoints: [path.join(source, 'service_worker.ts')], outdir: dist }),
    run(inRepo('node_modules/.bin/tsc'), ['-p', 'demo', '--noEmit']),
  ]);
  return [metafile];
}

export async function buildAll() {
  await buildModules();
  writeNotices(bundledPackages([...(await buildWeb()), ...(await buildDemo())]));
}

if (fs.realpathSync(process.argv[1]) === import.meta.filename) {
  await main(async () => {
    await setUp('build');
    await buildAll();
  });
}
