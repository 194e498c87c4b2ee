// Nothing leaves the tab: the browser itself forbids it, in the page and in its workers.
import assert from 'node:assert/strict';
import test from 'node:test';

import { browse, host, phase, ready } from './support.mjs';

/** What comes of a fetch to `url`, in the page or in a worker. */
const attempt = (url) => fetch(url, { mode: 'no-cors' }).then(() => 'went out', () => 'forbidden');

for (const isolated of [true, false]) {
  const where = isolated ? 'the page\'s own headers' : 'a static host';

  test(`a fetch to another origin fails in the page and in every worker, with ${where}`, async (t) => {
    const server = await host({ isolated });
    const other = await host();
    const { browser, page } = await browse();
    t.after(() => Promise.all([browser.close(), server.close(), other.close()]));
    await ready(page, server.url);
    await page.click('.sample');
    await phase(page, 'result');
    const target = `${other.origin}/secret`;
    assert.equal(await page.evaluate(attempt, target), 'forbidden');
    const workers = page.workers();
    assert.ok(workers.length >= 2, `${workers.length} workers are at work`);
    for (const worker of workers) {
      assert.equal(await worker.evaluate(attempt, target), 'forbidden', worker.url());
    }
    assert.deepEqual(other.requests, []);
  });
}

test('no inline script or style is needed, and none would run', async (t) => {
  const server = await host();
  const { browser, page } = await browse();
  t.after(() => Promise.all([browser.close(), server.close()]));
  const refused = [];
  page.on(
    'console',
    (message) => /Content Security Policy/.test(message.text()) && refused.push(message.text()),
  );
  await ready(page, server.url);
  await page.click('.sample');
  await phase(page, 'result');
  assert.deepEqual(refused, [], 'the page itself stays within its policy');
  await page.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'window.ran = true';
    document.body.append(script);
  });
  assert.equal(await page.evaluate(() => window.ran), undefined);
});
