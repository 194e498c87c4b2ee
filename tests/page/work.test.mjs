// While work goes on the page stays alive, and can end it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { promisify } from 'node:util';

import { browse, choose, host, phase, ready, repo } from './support.mjs';

const sample = fs.readFileSync(path.join(repo, 'demo/sample/resnet18-digits-p80.h5'));

async function open(t) {
  const server = await host({ isolated: true });
  const { browser, page, faults } = await browse();
  t.after(() => Promise.all([browser.close(), server.close()]));
  await ready(page, server.url);
  return { page, faults };
}

/** Acts in the page as soon as it shows `wanted`: a click from outside may come too late. */
const during = (page, wanted, action) => page.evaluate(
  ([name, source]) => new Promise((resolve) => {
    const act = new Function(`return (${source})()`);
    const look = () => {
      if (document.documentElement.dataset.phase !== name) return false;
      observer.disconnect();
      resolve(act());
      return true;
    };
    const observer = new MutationObserver(look);
    observer.observe(document.documentElement, {
      attributes: true,
      attributeFilter: ['data-phase'],
    });
    look();
  }), [wanted, String(action)]);

test('Cancel goes back to the start, and the next conversion works', async (t) => {
  const { page, faults } = await open(t);
  for (let round = 0; round < 3; ++round) {
    const cancelled = page.waitForFunction(() => document.documentElement.dataset.cancelled);
    await page.evaluate(() => {
      delete document.documentElement.dataset.cancelled;
      new MutationObserver((_, observer) => {
        if (document.documentElement.dataset.phase !== 'converting') return;
        observer.disconnect();
        document.querySelector('.progress .button').click();
        document.documentElement.dataset.cancelled = 'yes';
      }).observe(document.documentElement, { attributes: true, attributeFilter: ['data-phase'] });
      document.querySelector('.sample').click();
    });
    await cancelled;
    assert.equal(await phase(page, 'empty', 'result', 'failed'), 'empty');
  }
  await page.click('.sample');
  assert.equal(await phase(page, 'result', 'failed'), 'result');
  assert.deepEqual(faults, []);
});

test('a second file ends the conversion of the first and is converted itself', async (t) => {
  const { page, faults } = await open(t);
  const good = fs.readFileSync(path.join(repo, 'tests/data/bad/good.h5'));
  await choose(page, 'first.h5', sample);
  await choose(page, 'second.h5', good);
  await page.waitForFunction(
    () =>
      document.documentElement.dataset.phase === 'result' &&
      document.querySelector('.bar-file').textContent === 'second.h5',
  );
  assert.equal(await page.title(), 'second.tflite · Zeolite');
  assert.deepEqual(faults, []);
});

test('the stages are shown in words with a bar each, and the page answers while they go on', async (t) => {
  const { page } = await open(t);
  const seen = await page.evaluate(
    () =>
      new Promise((resolve) => {
        const found = {
          stages: new Set(),
          bars: 0,
          titles: new Set(),
          longest: 0,
          answered: false,
        };
        let last = performance.now();
        const channel = new MessageChannel();
        let on = true;
        channel.port1.onmessage = () => {
          const now = performance.now();
          const { phase } = document.documentElement.dataset;
          if (phase === 'converting') {
            found.longest = Math.max(found.longest, now - last);
            for (const stage of document.querySelectorAll('.stage-name')) {
              found.stages.add(stage.textContent);
            }
            found.bars = Math.max(
              found.bars,
              document.querySelectorAll('.stages [role=progressbar]').length,
            );
            found.titles.add(document.title);
            found.answered = true;
          }
          last = now;
          if (phase === 'result') {
            on = false;
            resolve({ ...found, stages: [...found.stages], titles: [...found.titles] });
          }
          if (on) channel.port2.postMessage(0);
        };
        channel.port2.postMessage(0);
        document.querySelector('.sample').click();
      }),
  );
  t.diagnostic(
    `the longest the page's thread was busy while converting: ${seen.longest.toFixed(1)} ms`,
  );
  assert.ok(seen.answered);
  assert.ok(seen.stages.length >= 4 && seen.bars === seen.stages.length, seen.stages.join(', '));
  assert.ok(seen.titles.some((title) => title.includes('resnet18-digits-p80.h5')));
});

test('the theme can be switched during a conversion', async (t) => {
  const { page } = await open(t);
  const theme = during(page, 'converting', () => {
    document.querySelector('.bar button[aria-label^="Theme"]').click();
    return document.documentElement.dataset.theme;
  });
  await page.click('.sample');
  assert.equal(await theme, 'light');
  assert.equal(await phase(page, 'result', 'failed'), 'result');
});

test('the colours are those that were chosen, else those of the system', async (t) => {
  const { page } = await open(t);
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const system = async (colorScheme) => {
    await page.emulateMedia({ colorScheme });
    // The page hears of it with its next frame.
    await page.evaluate(
      () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))),
    );
  };
  await system('light');
  const light = await background();
  await system('dark');
  const dark = await background();
  assert.notEqual(dark, light);
  await page.click('.bar button[aria-label^="Theme"]');
  assert.equal(await background(), light, 'light is chosen on a dark system');
  await page.click('.bar button[aria-label^="Theme"]');
  await system('light');
  assert.equal(await background(), dark, 'dark is chosen on a light system');
  await page.click('.bar button[aria-label^="Theme"]');
  assert.equal(await background(), light, 'as the system again');
});

test('a file that is dropped anywhere opens', async (t) => {
  const { page } = await open(t);
  const good = fs.readFileSync(path.join(repo, 'tests/data/bad/good.h5'));
  await page.evaluate((bytes) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([Uint8Array.from(bytes)], 'dropped.h5'));
    for (const type of ['dragenter', 'dragover', 'drop']) {
      document
        .querySelector('.lead')
        .dispatchEvent(
          new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }),
        );
    }
  }, [...good]);
  assert.equal(await phase(page, 'result', 'refused', 'failed'), 'result');
  assert.equal(await page.title(), 'dropped.tflite · Zeolite');
});

test('the code to paste runs the file that was downloaded', async (t) => {
  const { page } = await open(t);
  await choose(page, 'good.h5', fs.readFileSync(path.join(repo, 'tests/data/bad/good.h5')));
  await phase(page, 'result');
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.click('.actions .primary'),
  ]);
  // Below the repository 'zeolite' is this package.
  fs.mkdirSync(path.join(repo, 'build'), { recursive: true });
  const folder = fs.mkdtempSync(path.join(repo, 'build', 'snippet-'));
  t.after(() => fs.rmSync(folder, { recursive: true }));
  fs.copyFileSync(await download.path(), path.join(folder, download.suggestedFilename()));
  fs.writeFileSync(path.join(folder, 'run.mjs'), await page.textContent('.code pre'));
  const { stdout } = await promisify(execFile)(process.execPath, ['run.mjs'], { cwd: folder });
  assert.match(stdout, /Float32Array/);
});
