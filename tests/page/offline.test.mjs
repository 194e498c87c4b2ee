// The page without a network, and where it may lie.
import assert from 'node:assert/strict';
import test from 'node:test';

import { browse, host, isReady, kVerdict, phase, ready, sampleVerdict } from './support.mjs';

test('after the first visit the page converts and runs with its host gone', async (t) => {
  const server = await host();
  const { browser, page } = await browse();
  t.after(() => browser.close());
  await ready(page, server.url);
  await server.close();
  await page.reload();
  await isReady(page);
  await page.click('.sample');
  assert.equal(await phase(page, 'result', 'refused', 'failed'), 'result');
  await page.click('#tab-run');
  assert.equal(await sampleVerdict(page), kVerdict);
});

test('the page works under a sub-path', async (t) => {
  const server = await host({ prefix: '/some/where/else/' });
  const { browser, page, faults } = await browse();
  t.after(() => Promise.all([browser.close(), server.close()]));
  await ready(page, server.url);
  await page.click('.sample');
  assert.equal(await phase(page, 'result', 'refused', 'failed'), 'result');
  assert.ok(
    server.requests.every((path) => path.startsWith('/some/where/else/')),
    server.requests.join(' '),
  );
  assert.deepEqual(faults, []);
});

test('a reload asks the host for new files and keeps the theme, not the model', async (t) => {
  const server = await host({ isolated: true });
  const { browser, page } = await browse();
  t.after(() => Promise.all([browser.close(), server.close()]));
  await ready(page, server.url);
  await page.click('.bar button[aria-label^="Theme"]');
  await page.click('.bar button[aria-label^="Theme"]');
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark');
  await page.click('.sample');
  await phase(page, 'result');
  server.requests.length = 0;
  await page.reload();
  await isReady(page);
  assert.ok(
    server.requests.some((path) => path.endsWith('/main.js')),
    'the page came from the host',
  );
  assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark');
  assert.equal(await phase(page, 'empty'), 'empty');
});
