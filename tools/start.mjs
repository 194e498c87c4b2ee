#!/usr/bin/env node
// Sets up what is missing, builds, serves the page and builds again whatever changes: npm start
// Arguments go to `zeolite serve`, for instance: npm start -- --port 8080
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

import { buildAll, buildDemo, buildModules, buildWeb } from './build.mjs';
import { dist, Failure, inRepo, main, setUp } from './common.mjs';

// What a change below each folder makes necessary, in this order.
// The modules that the page loads in a current browser come first: the other three take as long
// again.
const buildFirstModules = () => buildModules(['runtime-relaxed-threads', 'converter']);
const builders = [
  [buildFirstModules, ['core', 'schema', 'wasm']],
  [buildWeb, ['core', 'schema', 'wasm', 'web']],
  [buildDemo, ['demo']],
];

function watch() {
  const changed = new Set();
  let timer, busy = false;
  const rebuild = async () => {
    if (busy) return;
    busy = true;
    while (changed.size > 0) {
      const start = Date.now();
      const steps = builders
        .filter(([, folders]) => folders.some((folder) => changed.has(folder)))
        .map(([build]) => build);
      console.log(`changed: ${[...changed].join(', ')}; building ...`);
      changed.clear();
      try {
        for (const build of steps) await build();
        console.log(`built in ${((Date.now() - start) / 1000).toFixed(1)} s: reload the page`);
        if (steps.includes(buildFirstModules) && changed.size === 0) {
          await buildModules().then(buildWeb);
        }
      } catch (error) {  // The page goes on with what it had; the next change tries again.
        console.error(error instanceof Failure ? error.message : error);
      }
    }
    busy = false;
  };
  for (const folder of new Set(builders.flatMap(([, folders]) => folders))) {
    if (!fs.existsSync(inRepo(folder))) continue;
    fs.watch(inRepo(folder), { recursive: true }, () => {
      changed.add(folder);
      clearTimeout(timer);
      timer = setTimeout(rebuild, 200);
    });
  }
}

await main(async () => {
  await setUp('build');
  await buildAll();
  watch();
  const server = spawn(
    process.execPath,
    [path.join(dist, 'cli.js'), 'serve', ...process.argv.slice(2)],
    { stdio: 'inherit' },
  );
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => server.kill(signal));
  server.on('exit', (code) => process.exit(code ?? 0));
});
