// Files that are no model, or can't be converted: a clear reason each, and the next one works.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';

import { badFiles } from '../data/bad/read_bad.mjs';
import { browse, choose, host, phase, ready, repo } from './support.mjs';

const bad = path.join(repo, 'tests/data/bad');

test('every bad file is refused with its reason, and the next good one converts', async (t) => {
  const server = await host({ isolated: true });
  const { browser, page, faults } = await browse();
  t.after(() => Promise.all([browser.close(), server.close()]));
  await ready(page, server.url);
  for await (const { name, bytes, mentions } of badFiles()) {
    await choose(page, name, bytes);
    await page.waitForFunction(
      (file) => document.querySelector('.bar-file')?.textContent === file,
      name,
    );
    assert.equal(await phase(page, 'refused', 'failed', 'result'), 'refused', name);
    const said = (await page.textContent('.refused')).toLowerCase();
    for (const word of mentions) {
      assert.ok(said.includes(word.toLowerCase()), `${name}: "${word}" in: ${said.slice(0, 400)}`);
    }
    assert.ok(await page.isVisible('.refused .drop'), 'the way back is there');
    await choose(page, 'good.h5', fs.readFileSync(path.join(bad, 'good.h5')));
    assert.equal(await phase(page, 'result', 'failed'), 'result', `a good file after ${name}`);
  }
  assert.deepEqual(faults, []);
});

test('all layers that can\'t be converted are listed and marked in the source graph', async (t) => {
  const server = await host({ isolated: true });
  const { browser, page } = await browse();
  t.after(() => Promise.all([browser.close(), server.close()]));
  await ready(page, server.url);
  await choose(page, 'custom_layers.keras', fs.readFileSync(path.join(bad, 'custom_layers.keras')));
  await phase(page, 'refused');
  const reasons = await page.$$eval('.reason', (all) => all.map((one) => one.textContent));
  assert.equal(reasons.length, 3);
  await page.click('.reason .link');
  await page.waitForSelector('.panel .note.blocks');
});

test('weights alone ask for the architecture and take it as a second file', async (t) => {
  const server = await host({ isolated: true });
  const { browser, page } = await browse();
  t.after(() => Promise.all([browser.close(), server.close()]));
  await ready(page, server.url);
  const folder = path.join(repo, 'tests/data/models/geometry1d');
  await choose(page, 'model_weights.h5', fs.readFileSync(path.join(folder, 'model_weights.h5')));
  await phase(page, 'refused');
  assert.match(await page.textContent('.callout'), /architecture/);
  await choose(page, 'model.json', fs.readFileSync(path.join(folder, 'model.json')));
  assert.equal(await phase(page, 'result', 'failed'), 'result');
  assert.equal(await page.textContent('.bar-file'), 'model_weights.h5');
});
