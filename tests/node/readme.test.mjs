// The README's example is code that runs.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';

import { repo } from './support/cases.mjs';
import { dist } from './support/package.mjs';

test("the README's example runs as it stands", async (t) => {
  const [, example] = /```js\n([^]*?)```/.exec(
    fs.readFileSync(path.join(repo, 'README.md'), 'utf8'),
  );
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'zeolite-readme-'));
  t.after(() => fs.rmSync(folder, { recursive: true }));
  const script = path.join(folder, 'example.mjs');
  fs.writeFileSync(
    script,
    `${example.replace("'zeolite'", JSON.stringify(pathToFileURL(path.join(dist, 'index.js')).href))}
export { tflite, report, digit, graphs };`.replace(
      /^/,
      `const file = ${JSON.stringify(path.join(repo, 'demo/sample/resnet18-digits-p80.h5'))}, pixels = new Float32Array(32 * 32 * 3);\nconst console = { log() {} };\n`,
    ),
  );
  const { tflite, report, digit, graphs } = await import(pathToFileURL(script).href);
  assert.equal(report.bytesOut, tflite.length);
  assert.deepEqual(digit.shape, [1, 10]);
  assert.ok(graphs[0].nodes.length > 30);
});
