// What the page's tests share: a static host that counts its requests, and Chromium.
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';

import { chromium } from 'playwright-core';

export const repo = path.join(import.meta.dirname, '../..');
export const dist = path.join(repo, 'dist');

const kTypes = {
  '.css': 'text/css',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

/**
 * Serves dist/ below `prefix`, with the isolation headers or, as most static hosts, without.
 * `requests` lists the paths asked for; `close` ends it and cuts what is still open.
 */
export async function host({ isolated = false, prefix = '/' } = {}) {
  const requests = [];
  const server = http.createServer((request, response) => {
    const { pathname } = new URL(request.url, 'http://host');
    requests.push(pathname);
    let file = pathname.startsWith(prefix)
      ? path.join(dist, decodeURIComponent(pathname.slice(prefix.length)))
      : '';
    if (pathname.endsWith('/')) file = path.join(file, 'index.html');
    if (!file.startsWith(dist) || !fs.existsSync(file) || fs.statSync(file).isDirectory()) {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, {
      'Content-Type': kTypes[path.extname(file)] ?? 'application/octet-stream',
      'Access-Control-Allow-Origin': '*',
      ...(isolated
        ? {
            'Cross-Origin-Opener-Policy': 'same-origin',
            'Cross-Origin-Embedder-Policy': 'require-corp',
          }
        : {}),
    });
    fs.createReadStream(file).pipe(response);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${server.address().port}`;
  const close = () => new Promise((resolve) => {
    server.close(resolve);
    server.closeAllConnections();
  });
  return { origin, url: `${origin}${prefix}demo/`, requests, close };
}

/** A browser with one page; errors of the page fail the test that asks for them by `faults`. */
export async function browse(options = {}) {
  const browser = await chromium.launch({
    executablePath: process.env.ZEOLITE_CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  const faults = [];
  page.on('pageerror', (error) => faults.push(String(error)));
  return { browser, context, page, faults };
}

/** Opens the page and waits until it says that it is ready. */
export async function ready(page, url) {
  await page.goto(url);
  await isReady(page);
}

export async function isReady(page) {
  await page.waitForFunction(
    () =>
      document.documentElement.dataset.engine === 'ready' &&
      document.querySelector('.sample:enabled'),
    null,
    { timeout: 30_000 },
  );
}

/** Waits until the page shows one of these phases, and gives it. */
export async function phase(page, ...wanted) {
  await page.waitForFunction(
    (list) => list.includes(document.documentElement.dataset.phase),
    wanted,
    { timeout: 60_000 },
  );
  return page.evaluate(() => document.documentElement.dataset.phase);
}

/** Gives the page a file as the chooser would. */
export async function choose(page, name, bytes) {
  await page.setInputFiles('#file-chooser', {
    name,
    mimeType: 'application/octet-stream',
    buffer: Buffer.from(bytes),
  });
}

/** As Keras answers: it, too, takes the sample's five for a nine. */
export const kVerdict = '9 of 10 right';

/** Waits until the sample's ten images have been run, and gives what the page says about them. */
export async function sampleVerdict(page) {
  await page.waitForFunction(
    () => /\d/.test(document.getElementById('sample-right')?.textContent ?? ''),
    null,
    { timeout: 60_000 },
  );
  return page.textContent('#sample-right');
}
