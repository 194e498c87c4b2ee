// What lies in which of the package's JavaScript files.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

const dist = path.resolve(import.meta.dirname, '../../dist');
const read = (name) => fs.readFileSync(path.join(dist, name), 'utf8');
const imports = (text) =>
  [...text.matchAll(/\bimport\s*\(\s*["'](\.[^"']+)["']\s*\)|\bfrom\s*["'](\.[^"']+)["']/g)].map(
    (match) => match[1] ?? match[2],
  );

test("the worker's script is one file: bundlers make a classic script of it, which has no parts", () => {
  assert.deepEqual(imports(read('worker.js')), []);
});

test('the entry leaves to files of their own what not every page needs, and they are there', () => {
  const parts = imports(read('index.js'));
  assert.ok(
    parts.some((name) => name.includes('converter')) &&
      parts.some((name) => name.includes('threads')),
    String(parts),
  );
  for (const part of parts) assert.deepEqual(imports(read(part)), [], part);
});
