#!/usr/bin/env node
// The graph view's figures: how long 2,000 operators take to open, and what a frame costs the
// page's thread while panning, from a trace of Chromium. Processor time, so that a busy machine
// changes them little.   node tests/page/graph_figures.mjs [OPERATORS]
import { largeModel } from './large_model.mjs';
import { browse, choose, host, phase, ready } from './support.mjs';

const operators = Number(process.argv[2] ?? 2000);
const server = await host({ isolated: true });
const { browser, context, page } = await browse();
await ready(page, server.url);

const opened = page.evaluate(() => new Promise((resolve) => {
  let start;
  new MutationObserver((_, observer) => {
    start ??= performance.now();
    if (!document.querySelector('[data-arranged]')) return;
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - start)));
  }).observe(document, { subtree: true, childList: true, attributes: true });
}));
await choose(page, 'large.tflite', largeModel(operators));
console.log(`${operators} operators: open and drawn after ${(await opened).toFixed(0)} ms`);
await phase(page, 'result');
await page.waitForTimeout(1500);

const session = await context.newCDPSession(page);

/** Milliseconds of the page's thread for each frame while the pointer drags the graph about. */
async function frames() {
  const events = [];
  const collect = ({ value }) => events.push(...value);
  session.on('Tracing.dataCollected', collect);
  await session.send('Tracing.start', {
    traceConfig: { includedCategories: ['devtools.timeline', 'toplevel'] },
  });
  const box = await page.locator('.graph-canvas').boundingBox();
  const x = box.x + box.width / 2, y = box.y + box.height / 2;
  await page.mouse.move(x, y);
  await page.mouse.down();
  for (let i = 0; i < 150; ++i) {
    await page.mouse.move(x + Math.sin(i / 8) * 150, y + Math.cos(i / 11) * 150);
    await page.waitForTimeout(8);
  }
  await page.mouse.up();
  const complete = new Promise((resolve) => session.once('Tracing.tracingComplete', resolve));
  await session.send('Tracing.end');
  await complete;
  session.off('Tracing.dataCollected', collect);
  const fired = events.filter((event) => event.name === 'FireAnimationFrame' && event.ph === 'X');
  const { pid, tid } = fired[0];
  const tasks = events.filter(
    (event) =>
      event.pid === pid &&
      event.tid === tid &&
      event.name === 'ThreadControllerImpl::RunTask' &&
      event.ph === 'X',
  );
  const holds = (task, time) => task.ts <= time && task.ts + task.dur >= time;
  const starts = [
    ...new Set(fired.map(({ ts }) => tasks.find((task) => holds(task, ts))?.ts ?? ts)),
  ].sort((a, b) => a - b);
  return starts.slice(0, -1).map((from, i) => {
    const own = tasks.filter(({ ts }) => ts >= from && ts < starts[i + 1]);
    return own.reduce((sum, task) => sum + (task.tdur ?? task.dur ?? 0), 0) / 1000;
  }).sort((a, b) => a - b);
}

const zooms = [
  ['as opened', []],
  ['titles only', ['-', '-', '-', '-']],
  ['blocks', ['-', '-', '-', '-', '-']],
  ['all of it', ['0']],
];
for (const [name, keys] of zooms) {
  await page.focus('.graph-canvas');
  for (const key of keys) await page.keyboard.press(key);
  await page.waitForTimeout(500);
  const times = await frames();
  const at = (share) =>
    times[Math.min(times.length - 1, Math.floor(times.length * share))].toFixed(1);
  const within = times.filter((time) => time <= 16.7).length / times.length;
  console.log(
    `${name.padEnd(12)} ${times.length} frames, median ${at(0.5)} ms, 95 % ${at(0.95)} ms, ${(within * 100).toFixed(1)} % within 16.7 ms`,
  );
}
await browser.close();
await server.close();
