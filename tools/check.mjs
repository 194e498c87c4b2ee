#!/usr/bin/env node
// Checks of the house: includes point down, lines and modules keep to their size, generated files
// are current, nothing private is in the tree, the tarball holds what it must. After a build:
//   node tools/check.mjs
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import zlib from 'node:zlib';

import { dist, filesBelow, inRepo, main, repo } from './common.mjs';

/** What the files of each layer of core/ may include, beside their own. */
export const layers = {
  base: [],
  formats: ['base'],
  kernels: ['base'],
  graph: ['base', 'formats', 'schema'],
  ops: ['base', 'formats', 'graph', 'kernels', 'schema'],
};
// From here on each layer may use all that lie below it.
for (const layer of ['passes', 'runtime', 'inspect', 'optimize', 'convert']) {
  layers[layer] = ['schema', ...Object.keys(layers)];
}

/**
 * Kilobytes of 1,000 bytes: what a module may weigh, as it is and as servers send it, and the
 * tarball.
 */
const budgets = {
  'runtime-.*\\.wasm': { raw: 1000, brotli: 320 },
  'converter\\.wasm': { raw: 1500, brotli: 480 },
};
const tarballBudget = 5000;

/** The bytes of `file` as `form` says. */
function weight(file, form) {
  const bytes = fs.readFileSync(file);
  if (form === 'raw') return bytes.length;
  const { BROTLI_PARAM_QUALITY, BROTLI_PARAM_SIZE_HINT } = zlib.constants;
  return zlib.brotliCompressSync(bytes, {
    params: { [BROTLI_PARAM_QUALITY]: 11, [BROTLI_PARAM_SIZE_HINT]: bytes.length },
  }).length;
}

/** What is wrong with `line` of the file core/`file`, or null. */
export function includeProblem(file, line) {
  const [layer] = file.split('/');
  if (!(layer in layers)) return `core/ has no layer "${layer}"`;
  const include = /^\s*#\s*include\s*(["<])([^">]+)[">]/.exec(line);
  if (!include) return null;
  const [, quote, target] = include;
  const [top, below] = target.split('/');
  const used = top === 'core' ? below : top === 'schema' ? 'schema' : null;
  if (/emscripten/.test(target)) return "core/ builds without Emscripten's headers";
  if (used && used !== layer && !layers[layer].includes(used)) {
    return `${layer} must not use ${used} (${target})`;
  }
  if (!used && quote === '"' && !target.startsWith('flatbuffers/')) {
    return `write the path from the repository's root (${target})`;
  }
  return null;
}

function* layering() {
  for (const file of filesBelow(inRepo('core'))) {
    const lines = fs.readFileSync(inRepo('core', file), 'utf8').split('\n');
    for (const [index, line] of lines.entries()) {
      const problem = includeProblem(file, line);
      if (problem) yield `core/${file}:${index + 1}: ${problem}`;
    }
  }
  // The page uses the package as any user does.
  for (const file of filesBelow(inRepo('demo')).filter((name) => name.endsWith('.ts'))) {
    const source = fs.readFileSync(inRepo('demo', file), 'utf8');
    for (const [, target] of source.matchAll(/(?:from|import)\s*\(?\s*['"]([^'"]+)['"]/g)) {
      if (/(^|\/)(web|dist|wasm|core)\//.test(target)) {
        yield `demo/${file}: the page uses only 'zeolite', not ${target}`;
      }
    }
  }
}
function* sizes() {
  for (const [pattern, budget] of Object.entries(budgets)) {
    const modules = filesBelow(dist).filter((file) => new RegExp(`^${pattern}$`).test(file));
    if (modules.length === 0) yield `dist/ has no module ${pattern}`;
    for (const file of modules) {
      for (const [form, kilobytes] of Object.entries(budget)) {
        const size = weight(path.join(dist, file), form);
        if (size > kilobytes * 1000) {
          yield `dist/${file}: ${size} bytes (${form}), over its budget of ${kilobytes} KB`;
        }
      }
    }
  }
}

const git = (...args) =>
  execFileSync('git', args, { cwd: repo, encoding: 'utf8', maxBuffer: 1 << 28 });

// A machine's folders and the hosts that packages came from have no place in the tree.
const private_ = [
  [/(?<![\w.])\/(?:work|root|home\/\w+)\/[\w.-]+/, 'a path of a machine'],
  [/https?:\/\/[\w.-]*(?:registry|artifactory|nexus|mirror|proxy)[\w.-]*\//i, 'a registry\'s host'],
  [/https?:\/\/(?!127\.0\.0\.1)(?:\d{1,3}\.){3}\d{1,3}/, 'an address'],
];
function* contents() {
  for (const file of git('ls-files', '-z', '--cached', '--others', '--exclude-standard')
    .split('\0')
    .filter(Boolean)) {
    if (!fs.existsSync(inRepo(file))) continue;
    const bytes = fs.readFileSync(inRepo(file));
    if (bytes.length > 4e6) yield `${file}: over 4 MB`;
    const isText = !bytes.subarray(0, 8000).includes(0);
    for (const [pattern, what] of private_) {
      const match = pattern.exec(bytes.toString(isText ? 'utf8' : 'latin1'));
      if (match) yield `${file}: ${what} (${match[0]})`;
    }
    if (
      isText &&
      /^(core|wasm|web|demo|tools)\//.test(file) &&
      /\b(TODO|FIXME|XXX)\b/.test(bytes.toString()) &&
      file !== 'tools/check.mjs'
    ) {
      yield `${file}: do it or say it in an issue (TODO)`;
    }
  }
}

const kColumns = 100;

/**
 * What is wrong with the width of `line` of `file`, or null. Quoted text may go beyond the margin in
 * scripts, where breaking it would hide it from searches; C++ joins neighbouring literals.
 */
export function widthProblem(file, line) {
  // Characters, not the bytes or UTF-16 units of their encoding.
  const width = [...line].length;
  if (width <= kColumns) return null;
  const unquoted = /\.(ts|mjs|js|sh)$/.test(file)
    ? line.replace(/'[^']*'|"[^"]*"|`.*`/g, '')
    : line;
  return [...unquoted].length > kColumns ? `${width} columns, at most ${kColumns}` : null;
}

function* widths() {
  const patterns = ['cc', 'h', 'ts', 'mjs', 'js', 'sh', 'css', 'cmake'].map(
    (ending) => `*.${ending}`,
  );
  for (const file of git('ls-files', '-z', ...patterns, '*CMakeLists.txt')
    .split('\0')
    .filter(Boolean)) {
    if (!fs.existsSync(inRepo(file))) continue;
    for (const [index, line] of fs.readFileSync(inRepo(file), 'utf8').split('\n').entries()) {
      const problem = widthProblem(file, line);
      if (problem) yield `${file}:${index + 1}: ${problem}`;
    }
  }
}

/** Each script that writes a committed file, with `--check` to compare instead of writing. */
const generators = ['tools/gen_docs.mjs'].filter((script) => fs.existsSync(inRepo(script)));
function* generated() {
  for (const script of generators) {
    try {
      execFileSync(process.execPath, [inRepo(script), '--check'], {
        cwd: repo,
        stdio: ['ignore', 'pipe', 'pipe'],
      });
    } catch (error) {
      yield `${script}: ${String(error.stderr).trim() || error.message}`;
    }
  }
}

function* tarball() {
  const [pack] = JSON.parse(
    execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts', '--loglevel=error'], {
      cwd: repo,
      encoding: 'utf8',
    }),
  );
  if (pack.size > tarballBudget * 1000) {
    yield `the tarball has ${pack.size} bytes, over its budget of ${tarballBudget} KB`;
  }
  const names = new Set(pack.files.map((file) => file.path));
  for (const name of [
    'package.json',
    'LICENSE',
    'README.md',
    'CHANGELOG.md',
    'dist/THIRD_PARTY_NOTICES.md',
    'dist/index.js',
    'dist/index.d.ts',
    'dist/cli.js',
  ]) {
    if (!names.has(name)) yield `the tarball lacks ${name}`;
  }
  for (const name of names) {
    if (!/^dist\//.test(name) && !/^[\w.]+$/.test(name)) yield `the tarball holds ${name}`;
  }
}

/** Runs every check: how many passed, and what is wrong, one line each. */
export async function check() {
  const problems = [];
  let passed = 0;
  for (const one of [layering, sizes, contents, widths, generated, tarball]) {
    const wrong = [...one()];
    problems.push(...wrong);
    if (wrong.length === 0) ++passed;
  }
  return { passed, problems };
}

if (fs.realpathSync(process.argv[1]) === import.meta.filename) {
  await main(async () => {
    const { passed, problems } = await check();
    for (const problem of problems) console.error(problem);
    console.log(`${passed} passed, ${problems.length} failed`);
    process.exitCode = problems.length ? 1 : 0;
  });
}
