// The graphs: what is drawn, pointed at and tied together.
import assert from 'node:assert/strict';
import test from 'node:test';

import { largeModel } from './large_model.mjs';
import { browse, choose, host, phase, ready } from './support.mjs';

async function open(t, options) {
  const server = await host({ isolated: true });
  const { browser, page, faults } = await browse(options);
  t.after(() => Promise.all([browser.close(), server.close()]));
  await page.addInitScript(() => {
    // Counts what is drawn between two looks.
    window.drawn = { texts: 0, boxes: 0 };
    const { prototype } = CanvasRenderingContext2D;
    for (const [name, counter] of [['fillText', 'texts'], ['fillRect', 'boxes']]) {
      const original = prototype[name];
      prototype[name] = function (...args) {
        window.drawn[counter]++;
        return original.apply(this, args);
      };
    }
  });
  await ready(page, server.url);
  return { page, faults };
}

/** What one frame draws after `key` was pressed. */
async function drawnAfter(page, key) {
  await page.evaluate(() => (window.drawn = { texts: 0, boxes: 0 }));
  await page.keyboard.press(key);
  await page.evaluate(
    () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))),
  );
  return page.evaluate(() => window.drawn);
}

test('of a graph of 2,000 operators only what is visible is drawn, and no texts from afar', async (t) => {
  const { page, faults } = await open(t, { reducedMotion: 'reduce' });
  await choose(page, 'large.tflite', largeModel(2000));
  await phase(page, 'result');
  await page.waitForFunction(
    () => Number(document.querySelector('[data-arranged]')?.dataset.arranged) > 2000,
  );
  await page.focus('.graph-canvas');
  const near = await drawnAfter(page, '+');
  assert.ok(near.texts > 3 && near.texts < 200, `${near.texts} texts near by`);
  const far = await drawnAfter(page, '0');
  assert.equal(far.texts, 0);
  assert.ok(far.boxes > 2000, `${far.boxes} boxes`);
  assert.deepEqual(faults, []);
});

test('a click on a layer opens its panel and lights up what it became; the links lead there and back', async (t) => {
  const { page } = await open(t, { reducedMotion: 'reduce' });
  await page.click('.sample');
  await phase(page, 'result');
  await page.waitForFunction(() => document.querySelectorAll('[data-arranged]').length === 2);
  await page.click('.report-table .row-button >> nth=1');
  const panel = page.locator('.graph-switch + .pane .panel');
  await panel.waitFor();
  assert.match(await panel.textContent(), /Conv2D.*Became.*CONV_2D/s);
  await panel.locator('.histogram').first().waitFor();
  assert.match(await panel.textContent(), /Zeros[\d,]+ \(\d+\s%\)/u);
  await panel.locator('.link', { hasText: 'CONV_2D' }).click();
  const other = page.locator('.pane:last-child .panel');
  await other.waitFor();
  assert.match(await other.textContent(), /Came from.*Conv2D/s);
  assert.match(
    await other.textContent(),
    /Stride width.*Dilation width factor.*Dilation height factor/s,
  );
});

test('the report says into what a layer was folded', async (t) => {
  const { page } = await open(t);
  await page.click('.sample');
  await phase(page, 'result');
  const rows = await page.$$eval('.report-table tbody tr', (all) =>
    all.map((row) => [...row.children].slice(0, 2).map((cell) => cell.textContent)),
  );
  const became = Object.fromEntries(rows);
  assert.equal(became['Conv2Dstem'], 'CONV_2D');
  assert.equal(became['BatchNormalizationstem_bn'], 'folded into CONV_2D (stem)');
});

test('wheel zooms, drag pans, double click fits', async (t) => {
  const { page } = await open(t, { reducedMotion: 'reduce' });
  await page.click('.sample');
  await phase(page, 'result');
  await page.waitForFunction(() => document.querySelectorAll('[data-arranged]').length === 2);
  const canvas = page.locator('.graph-switch + .pane canvas');
  const look = () => canvas.evaluate((element) => element.toDataURL());
  const box = await canvas.boundingBox();
  const settle = () =>
    page.evaluate(
      () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))),
    );
  const start = await look();
  await page.mouse.move(box.x + 20, box.y + box.height / 2);
  await page.mouse.wheel(0, -300);
  await settle();
  const zoomed = await look();
  assert.notEqual(zoomed, start);
  await page.mouse.down();
  await page.mouse.move(box.x + 80, box.y + box.height / 2 + 60, { steps: 4 });
  await page.mouse.up();
  await settle();
  const panned = await look();
  assert.notEqual(panned, zoomed);
  assert.equal(
    await page.locator('.graph-switch + .pane .panel').isVisible(),
    false,
    'a drag is no click',
  );
  await page.mouse.dblclick(box.x + 20, box.y + 20);
  await settle();
  const fitted = await look();
  await page.mouse.wheel(0, -500);
  await page.mouse.dblclick(box.x + 20, box.y + 20);
  await settle();
  assert.equal(await look(), fitted, 'fitting gives the same view from wherever');
});
