// A .tflite that keeps weights in files of their own: opened together with them, and alone.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';

import { browse, host, phase, ready, repo } from './support.mjs';

const folder = path.join(repo, 'tests/data/external');

async function open(t, ...names) {
  const server = await host({ isolated: true });
  const { browser, page, faults } = await browse();
  t.after(() => Promise.all([browser.close(), server.close()]));
  await ready(page, server.url);
  await page.setInputFiles('#file-chooser', names.map((name) => (
    { name, mimeType: 'application/octet-stream', buffer: fs.readFileSync(path.join(folder, name)) })));
  assert.equal(await phase(page, 'result', 'refused', 'failed'), 'result');
  await page.click('#tab-run');
  return { page, faults };
}

test('a model that is opened together with its weights\' files runs', async (t) => {
  const { page, faults } = await open(t, 'small parts.bin', 'filter.bin', 'model.tflite');
  await page.locator('.run-inputs input[type=file]').setInputFiles({ name: 'x.json', mimeType: 'application/json', buffer: Buffer.from('[[1, 2]]') });
  await page.waitForFunction(() => document.querySelector('.output .values')?.textContent.includes('100'));
  assert.deepEqual((await page.locator('.output .values').textContent()).split('  ').map(Number), [11, 100, -19]);
  assert.deepEqual(faults, []);
});

test('a model without its weights\' files is shown, and running it says which are missing', async (t) => {
  const { page, faults } = await open(t, 'model.tflite');
  await page.waitForFunction(() => /missing/.test(document.querySelector('#panel-run').textContent));
  const text = await page.textContent('#panel-run');
  for (const name of ['filter.bin', 'small parts.bin']) assert.ok(text.includes(`'${name}'`), text);
  assert.deepEqual(faults, []);
});
