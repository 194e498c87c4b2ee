#!/usr/bin/env node
// Sets up what is missing, builds, and runs every test, or those that are named; exit status 0 when
// all passed.
//   node tools/test.mjs [checks] [native] [wasm] [node] [install] [page]
import fs from 'node:fs';
import path from 'node:path';

import { buildAll, wasmFolder } from './build.mjs';
import { check } from './check.mjs';
import {
  cmakeBuild,
  Failure,
  filesBelow,
  inRepo,
  main,
  repo,
  run,
  setUp,
  toolEnvironment,
} from './common.mjs';

const sum = (text, pattern) =>
  [...text.matchAll(pattern)].reduce((total, match) => total + Number(match[1]), 0);

/** Runs ctest in `folder`; counts GoogleTest's tests, and programs without it as one each. */
async function ctest(folder, note) {
  const results = path.join(folder, 'results.xml');
  fs.rmSync(results, { force: true });
  let failure;
  await run(
    'ctest',
    [
      '--test-dir',
      folder,
      '--output-on-failure',
      '--output-junit',
      results,
      '-j',
      '2',
      '--no-tests=error',
    ],
    { env: { ...process.env, UBSAN_OPTIONS: 'print_stacktrace=1' } },
  ).catch((error) => {
    failure = error;
  });
  const xml = fs.existsSync(results) ? fs.readFileSync(results, 'utf8') : '';
  const failedPrograms = sum(xml, /<testsuite[^>]*\sfailures="(\d+)"/gs);
  const fuzzers = [...xml.matchAll(/\d+ files, \d+ changed inputs/g)].length;
  return {
    passed: sum(xml, /\[ {2}PASSED {2}\] (\d+) test/g) + fuzzers,
    failed: Math.max(failedPrograms, sum(xml, /\[ {2}FAILED {2}\] (\d+) test/g), failure ? 1 : 0),
    note: note(sum(xml, /<testsuite[^>]*\stests="(\d+)"/gs)),
  };
}

/** GoogleTest and the fuzz targets, with addresses and undefined operations checked. */
async function native() {
  const folder = inRepo('build/native-checked');
  await cmakeBuild(folder, ['ZEOLITE_SANITIZE=ON'], []);
  return ctest(folder, (programs) => `${programs} programs under sanitizers`);
}

/** The kernels' tests again, as WebAssembly in Node. */
async function wasm() {
  await cmakeBuild(wasmFolder, [], ['zeolite_schema'], { wasm: true });
  // GoogleTest may have come after the first build.
  await run('cmake', [wasmFolder, '--log-level=WARNING'], { env: toolEnvironment() });
  await cmakeBuild(wasmFolder, [], ['wasm-tests'], { wasm: true });
  return ctest(wasmFolder, (programs) => `${programs} programs as WebAssembly`);
}

/** The tests below tests/`folder` with Node's own test runner. */
async function nodeTests(folder) {
  const files = filesBelow(inRepo('tests', folder)).filter((file) => file.endsWith('.test.mjs'));
  if (files.length === 0) throw new Failure(`tests/${folder} has no *.test.mjs`);
  const tap = inRepo('build', `${folder}.tap`);
  let failure;
  await run(process.execPath, [
    '--test',
    '--test-concurrency=1',
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    '--test-reporter=tap',
    `--test-reporter-destination=${tap}`,
    ...files.map((file) => path.join('tests', folder, file)),
  ]).catch((error) => {
    failure = error;
  });
  const text = fs.readFileSync(tap, 'utf8');
  const skipped = sum(text, /^# (?:skipped|todo) (\d+)/gm);
  return {
    passed: sum(text, /^# pass (\d+)/gm),
    failed: Math.max(sum(text, /^# (?:fail|cancelled) (\d+)/gm), failure ? 1 : 0),
    note: `${files.length} files${skipped ? `, ${skipped} skipped` : ''}`,
  };
}

async function checks() {
  const { passed, problems } = await check();
  for (const problem of problems) console.error(`check: ${problem}`);
  return {
    passed,
    failed: problems.length,
    note: 'layers, sizes, contents, widths, generated files, the tarball',
  };
}

const suites = {
  checks,
  native,
  wasm,
  node: () => nodeTests('node'),
  install: () => nodeTests('install'),
  page: () => nodeTests('page'),
};

await main(async () => {
  const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(suites);
  const unknown = names.filter((name) => !(name in suites));
  if (unknown.length) {
    throw new Failure(
      `no such tests: ${unknown.join(', ')}; there are ${Object.keys(suites).join(', ')}`,
    );
  }
  await setUp('test');
  fs.mkdirSync(path.join(repo, 'build'), { recursive: true });
  if (names.some((name) => !['native', 'wasm'].includes(name))) await buildAll();
  const lines = [];
  let passed = 0, failed = 0;
  for (const name of names) {
    console.log(`\n== ${name}`);
    const start = Date.now();
    let result;
    try {
      result = await suites[name]();
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      result = { passed: 0, failed: 1, note: error.message };
    }
    passed += result.passed;
    failed += result.failed;
    lines.push(
      `${name}: ${result.passed} passed, ${result.failed} failed (${result.note}; ${Math.round((Date.now() - start) / 1000)} s)`,
    );
  }
  console.log(`\n${lines.join('\n')}\n\n${passed} passed, ${failed} failed`);
  if (failed > 0 || passed === 0) process.exitCode = 1;
});
