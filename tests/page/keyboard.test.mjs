// Everything without a mouse, and what readers hear.
import assert from 'node:assert/strict';
import test from 'node:test';

import { browse, host, phase, ready, sampleVerdict } from './support.mjs';

async function open(t, options) {
  const server = await host({ isolated: true });
  const { browser, page } = await browse(options);
  t.after(() => Promise.all([browser.close(), server.close()]));
  await ready(page, server.url);
  return page;
}

const heard = (page) => page.textContent('#announcer');
const focused = (page) =>
  page.evaluate(() =>
    `${document.activeElement.className} ${document.activeElement.textContent}`.trim(),
  );

async function tabTo(page, pattern, most = 40) {
  for (let i = 0; i < most; ++i) {
    await page.keyboard.press('Tab');
    if (pattern.test(await focused(page))) return;
  }
  assert.fail(`no Tab stop like ${pattern}`);
}

test('from the start to a layer\'s panel and back with the keyboard alone', async (t) => {
  const page = await open(t);
  await tabTo(page, /Try the sample/);
  await page.keyboard.press('Enter');
  await phase(page, 'result');
  await sampleVerdict(page);
  await tabTo(page, /graph-canvas/);
  await page.keyboard.press('ArrowDown');
  assert.match(await heard(page), /InputLayer/);
  await page.keyboard.press('ArrowDown');
  assert.match(await heard(page), /Conv2D.*gives \?×32×32×16.*[Bb]ecame CONV_2D/s);
  await page.keyboard.press('Enter');
  await page.waitForSelector('.panel:focus h3');
  assert.match(await page.textContent('.panel:focus'), /Kernel size.*3 × 3/s);
  await page.keyboard.press('Escape');
  assert.match(await focused(page), /graph-canvas/);
  assert.equal(await page.isVisible('.panel'), false);
});

test('slash searches by type and Enter goes to the next', async (t) => {
  const page = await open(t);
  await page.click('.sample');
  await phase(page, 'result');
  await page.waitForFunction(() => document.querySelectorAll('[data-arranged]').length === 2);
  await page.focus('.pane:last-child .graph-canvas');
  await page.keyboard.press('/');
  await page.keyboard.type('add');
  const [, count] = /^1 of (\d+)$/.exec(await page.textContent('.pane:last-child .search-count'));
  await page.keyboard.press('Enter');
  assert.equal(await page.textContent('.pane:last-child .search-count'), `2 of ${count}`);
  await page.keyboard.press('Escape');
  assert.match(await focused(page), /graph-canvas/);
});

test('the tabs are walked with arrows, the divider too, and the graph has a list', async (t) => {
  const page = await open(t);
  await page.click('.sample');
  await phase(page, 'result');
  await page.focus('#tab-report');
  await page.keyboard.press('ArrowRight');
  assert.equal(await page.getAttribute('#tab-run', 'aria-selected'), 'true');
  assert.ok(await page.isVisible('#panel-run'));
  await page.focus('.divider');
  await page.keyboard.press('ArrowLeft');
  assert.equal(await page.getAttribute('.divider', 'aria-valuenow'), '45');
  await page.click('.pane:last-child .tool[aria-label="Show as a list"]');
  const items = await page.$$eval('.pane:last-child .graph-list button', (all) =>
    all.map((one) => one.textContent),
  );
  assert.ok(items.some((text) => text.includes('CONV_2D')));
  await page.focus('.pane:last-child .graph-list button');
  await page.keyboard.press('Enter');
  await page.waitForSelector('.pane:last-child .panel:focus');
});

test('every control has a name, and nothing scrolls sideways at 390 pixels', async (t) => {
  const page = await open(t, { viewport: { width: 390, height: 844 } });
  const check = async (state) => {
    const found = await page.evaluate(() => ({
      unnamed: [...document.querySelectorAll('button, input, select, textarea, a')]
        .filter((one) => one.checkVisibility() && !one.closest('[aria-hidden=true]'))
        .filter(
          (one) =>
            !(one.textContent.trim() || one.getAttribute('aria-label') || one.labels?.length),
        )
        .map((one) => one.outerHTML.slice(0, 120)),
      wide: document.documentElement.scrollWidth - innerWidth,
    }));
    assert.deepEqual(found.unnamed, [], state);
    assert.ok(found.wide <= 0, `${state}: ${found.wide} pixels too wide`);
  };
  await check('start');
  await page.click('.sample');
  await phase(page, 'result');
  for (const tab of ['report', 'run', 'details']) {
    await page.click(`#tab-${tab}`);
    if (tab === 'run') await page.waitForSelector('.ranking li');
    await check(tab);
  }
});

test('texts stand out from their ground by 4.5 to 1, light and dark', async (t) => {
  for (const colorScheme of ['light', 'dark']) {
    const page = await open(t, { colorScheme });
    const ratios = await page.evaluate(() => {
      const style = getComputedStyle(document.documentElement);
      const linear = (c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
      const luminance = (name) => {
        const [r, g, b] = /#(..)(..)(..)/
          .exec(style.getPropertyValue(name).trim())
          .slice(1)
          .map((hex) => linear(parseInt(hex, 16) / 255));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const pairs = [];
      for (const ground of ['--page', '--surface', '--canvas', '--raised']) {
        for (const ink of ['--text', '--quiet', '--accent', '--danger']) pairs.push([ink, ground]);
      }
      pairs.push(
        ['--on-accent', '--accent'],
        ['--on-accent', '--accent-strong'],
        ['--text', '--accent-soft'],
        ['--quiet', '--accent-soft'],
        ['--text', '--danger-soft'],
        ['--text', '--warning-soft'],
        ['--warning', '--surface'],
      );
      for (const family of [
        'convolution',
        'dense',
        'recurrent',
        'pooling',
        'activation',
        'normalisation',
        'shape',
        'arithmetic',
        'other',
      ]) {
        pairs.push(['--on-family', `--family-${family}`]);
      }
      return pairs.map(([a, b]) => {
        const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
        return { pair: `${a} on ${b}`, ratio: (high + 0.05) / (low + 0.05) };
      });
    });
    const low = ratios
      .filter(({ ratio }) => ratio < 4.5)
      .map(({ pair, ratio }) => `${pair} ${ratio.toFixed(2)}`);
    assert.deepEqual(low, [], colorScheme);
  }
});
