// The page's main way: the sample is converted, shown, run and downloaded, and nothing leaves the
// tab.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import test from 'node:test';

import { browse, host, kVerdict, phase, ready, sampleVerdict } from './support.mjs';

for (const isolated of [true, false]) {
  const where = isolated ? 'on a host with isolation headers' : 'on a static host without headers';

  test(`the sample converts, runs and downloads without a request, ${where}`, async (t) => {
    const server = await host({ isolated });
    const { browser, page, faults } = await browse({ acceptDownloads: true });
    t.after(() => Promise.all([browser.close(), server.close()]));
    await ready(page, server.url);
    assert.equal(
      await page.evaluate(() => crossOriginIsolated),
      true,
      'the page is isolated: threads work',
    );
    server.requests.length = 0;
    const asked = [];
    page.on(
      'request',
      (request) => /^(blob|data):/.test(request.url()) || asked.push(request.url()),
    );

    await page.click('.sample');
    assert.equal(await phase(page, 'result', 'refused', 'failed'), 'result');
    assert.equal(await page.title(), 'resnet18-digits-p80.tflite · Zeolite');
    await page.click('#tab-run');
    assert.equal(await sampleVerdict(page), kVerdict);
    await page.waitForSelector('.ranking li');

    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.click('.actions .primary'),
    ]);
    assert.equal(download.suggestedFilename(), 'resnet18-digits-p80.tflite');
    const bytes = fs.readFileSync(await download.path());
    assert.equal(bytes.toString('latin1', 4, 8), 'TFL3');
    assert.deepEqual(asked, [], 'nothing was asked for after the page was ready');
    assert.deepEqual(server.requests, []);

    // What was downloaded opens by itself.
    await page.setInputFiles('#file-chooser', {
      name: 'again.tflite',
      mimeType: 'application/octet-stream',
      buffer: bytes,
    });
    await page.waitForFunction(
      () =>
        document.querySelector('.bar-file')?.textContent === 'again.tflite' &&
        document.querySelector('.workspace.single'),
    );
    assert.deepEqual(faults, []);
  });
}

test('the facts agree with the file', async (t) => {
  const server = await host({ isolated: true });
  const { browser, page } = await browse();
  t.after(() => Promise.all([browser.close(), server.close()]));
  await ready(page, server.url);
  await page.click('.sample');
  await phase(page, 'result');
  const facts = await page.$$eval('.fact', (all) =>
    Object.fromEntries(
      all.map((one) => [one.querySelector('dt').textContent, one.querySelector('dd').textContent]),
    ),
  );
  assert.match(facts.Parameters, /^704\s*k.*79\s% zeros$/u);
  assert.match(facts.Size, /3\.04\s*MB.*MB.*smaller/u);
  assert.match(facts.Operators, /^\d+from \d+\slayers$/u);
  const rows = await page.$$eval('.report-table tbody tr', (all) => all.length);
  assert.ok(rows >= 60, `${rows} rows in the report`);
});

test('stored compactly, the sample is a third of its size and answers the same', async (t) => {
  const server = await host({ isolated: true });
  const { browser, page } = await browse({ acceptDownloads: true });
  t.after(() => Promise.all([browser.close(), server.close()]));
  await ready(page, server.url);
  await page.click('.sample');
  await phase(page, 'result');
  const size = async () => {
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.click('.actions .primary'),
    ]);
    return fs.statSync(await download.path()).size;
  };
  const dense = await size();
  await page.check('#sparse');
  await page.waitForFunction(
    () =>
      document.documentElement.dataset.phase === 'result' &&
      document.querySelector('#sparse:checked'),
  );
  assert.ok((await size()) < dense / 3);
  await page.click('#tab-run');
  assert.equal(await sampleVerdict(page), kVerdict);
});
