// A .tflite that keeps weights in files of their own: opened together with them, and alone.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';

import { browse, host, phase, ready, repo } from './support.mjs';

const folder = path.join(repo, 'tests/data/external');
const files = (...names) =>
  names.map((name) => ({
    name,
    mimeType: 'application/octet-stream',
    buffer: fs.readFileSync(path.join(folder, name)),
  }));
const small = { ...files('filter.bin')[0], buffer: Buffer.alloc(3) };

async function open(t, ...names) {
  const server = await host({ isolated: true });
  const { browser, page, faults } = await browse();
  t.after(() => Promise.all([browser.close(), server.close()]));
  await ready(page, server.url);
  await page.setInputFiles('#file-chooser', files(...names));
  assert.equal(await phase(page, 'result', 'refused', 'failed'), 'result');
  return { page, faults };
}

/** Names of the files that the page says are missing. */
const missing = (page) => page.locator('.result > .missing-weights li').allTextContents();

async function runs(page) {
  await page.click('#tab-run');
  await page
    .locator('.run-inputs input[type=file]')
    .setInputFiles({
      name: 'x.json',
      mimeType: 'application/json',
      buffer: Buffer.from('[[1, 2]]'),
    });
  await page.waitForFunction(() =>
    document.querySelector('.output .values')?.textContent.includes('100'),
  );
  assert.deepEqual(
    (await page.locator('.output .values').textContent()).split('  ').map(Number),
    [11, 100, -19],
  );
}

test('a model that is opened together with its weights\' files runs', async (t) => {
  const { page, faults } = await open(t, 'small parts.bin', 'filter.bin', 'model.tflite');
  assert.deepEqual(await missing(page), []);
  await runs(page);
  assert.deepEqual(faults, []);
});

test("a model without its weights' files says which are missing, and runs once they are added one by one", async (t) => {
  const { page, faults } = await open(t, 'model.tflite');
  assert.deepEqual(await missing(page), ['filter.bin', 'small parts.bin']);
  assert.match(await page.textContent('.report-table'), /‘filter\.bin’, which is missing/);
  await page.click('#tab-run');
  assert.match(await page.textContent('#panel-run'), /filter\.bin/);
  await page.locator('.result > .missing-weights input').setInputFiles(files('filter.bin'));
  await page.waitForFunction(
    () => document.querySelectorAll('.result > .missing-weights li').length === 1,
  );
  assert.deepEqual(await missing(page), ['small parts.bin']);
  // Dropped or chosen anywhere, too.
  await page.setInputFiles('#file-chooser', files('small parts.bin'));
  await page.waitForFunction(
    () => document.querySelector('.result') && !document.querySelector('.missing-weights'),
  );
  await runs(page);
  assert.deepEqual(faults, []);
});

test('files of other names are not taken for the missing ones', async (t) => {
  const { page } = await open(t, 'model.tflite');
  await page
    .locator('.result > .missing-weights input')
    .setInputFiles({ ...small, name: 'weights.bin' });
  await page.waitForFunction(() =>
    /None of these is called ‘filter\.bin’/.test(
      document.querySelector('.missing-weights .note')?.textContent ?? '',
    ),
  );
  assert.deepEqual(await missing(page), ['filter.bin', 'small parts.bin']);
});

test('a file of weights that does not fit is refused by its name, and can be replaced', async (t) => {
  const { page } = await open(t, 'model.tflite');
  await page.setInputFiles('#file-chooser', [small, ...files('small parts.bin')]);
  assert.equal(await phase(page, 'refused'), 'refused');
  assert.match(await page.textContent('h1'), /model\.tflite/);
  assert.match(await page.textContent('.reasons'), /filter\.bin/);
  await page.setInputFiles('#file-chooser', files('filter.bin'));
  assert.equal(await phase(page, 'result'), 'result');
  await runs(page);
});

test('another model with weights of the same name is opened as it is', async (t) => {
  const { page } = await open(t, 'model.tflite');
  await page.setInputFiles('#file-chooser', files('model.tflite', 'filter.bin'));
  await page.waitForFunction(
    () => document.querySelectorAll('.result > .missing-weights li').length === 1,
  );
  assert.deepEqual(await missing(page), ['small parts.bin']);
});
