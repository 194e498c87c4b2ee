#!/usr/bin/env node
// Takes the README's picture of the studio: docs/studio.png, the sample converted and its layers
// beside the operators that they became.   node tools/screenshot.mjs   (after a build)
import { spawn } from 'node:child_process';
import path from 'node:path';

import { chromium } from 'playwright-core';

import { dist, inRepo } from './common.mjs';

const server = spawn(
  process.execPath,
  [path.join(dist, 'cli.js'), 'serve', '--port', '0', '--json'],
  { stdio: ['ignore', 'pipe', 'inherit'] },
);
const browser = await chromium.launch({
  executablePath: process.env.ZEOLITE_CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
try {
  const { address } = JSON.parse(
    await new Promise((resolve) => server.stdout.once('data', resolve)),
  );
  const page = await browser.newPage({
    viewport: { width: 1280, height: 860 },
    colorScheme: 'light',
  });
  await page.goto(address);
  await page.waitForFunction(() => document.querySelector('.sample:enabled'));
  await page.click('.sample');
  await page.waitForFunction(() => document.documentElement.dataset.phase === 'result', null, {
    timeout: 60_000,
  });
  await page.waitForTimeout(1500);  // Until the graphs have been laid out and drawn.
  await page.screenshot({ path: inRepo('docs/studio.png') });
} finally {
  await browser.close();
  server.kill();
}
