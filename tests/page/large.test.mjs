// Large files: the page reads them piece by piece and gives back what it took.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';

import { largeH5 } from '../node/support/large_h5.mjs';
import { browse, host, phase, ready } from './support.mjs';

const bytes = largeH5(8, 1000);

for (const isolated of [true, false]) {
  test(`a file of ${Math.round(bytes.length / 1e6)} MB on the disk converts (${isolated ? 'isolated' : 'not isolated'})`, async (t) => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'zeolite-page-'));
    const file = path.join(folder, 'large.h5');
    fs.writeFileSync(file, bytes);
    const server = await host({ isolated });
    const { browser, page, faults } = await browse();
    t.after(async () => {
      await Promise.all([browser.close(), server.close()]);
      fs.rmSync(folder, { recursive: true });
    });
    await ready(page, server.url);
    await page.setInputFiles('input[type=file]', file);
    assert.equal(await phase(page, 'result', 'failed', 'refused'), 'result');
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.click('.result-head .button.primary'),
    ]);
    const made = fs.readFileSync(await download.path());
    assert.equal(made.toString('latin1', 4, 8), 'TFL3');
    assert.ok(Math.abs(made.length - bytes.length) < 0.01 * bytes.length);
    assert.deepEqual(faults, []);
  });
}
