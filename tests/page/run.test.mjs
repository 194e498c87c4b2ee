// The run tab: pictures as the model should see them, arrays from files, outputs with their
// numbers.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import zlib from 'node:zlib';

import { browse, choose, host, phase, ready, repo, sampleVerdict } from './support.mjs';

const models = path.join(repo, 'tests/data/models');

/** A PNG of 8-bit pixels; `colour` is 0 (grey), 2 (RGB) or 6 (RGB and alpha). */
function png(width, height, colour, pixel) {
  const channels = { 0: 1, 2: 3, 6: 4 }[colour];
  const raw = Buffer.alloc(height * (1 + width * channels));
  for (let y = 0; y < height; ++y) {
    for (let x = 0; x < width; ++x) {
      raw.set(pixel(x, y), y * (1 + width * channels) + 1 + x * channels);
    }
  }
  const table = Array.from({ length: 256 }, (_, n) => {
    let c = n;
    for (let k = 0; k < 8; ++k) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
    return c >>> 0;
  });
  const crc = (bytes) =>
    (bytes.reduce((c, byte) => table[(c ^ byte) & 255] ^ (c >>> 8), 0xffffffff) ^ 0xffffffff) >>> 0;
  const chunk = (type, data) => {
    const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const frame = Buffer.alloc(8);
    frame.writeUInt32BE(data.length, 0);
    frame.writeUInt32BE(crc(body), 4);
    return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, colour], 8);
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    chunk('IHDR', header),
    chunk('IDAT', zlib.deflateSync(raw)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

/** Puts an EXIF segment with an orientation into a JPEG. */
function oriented(jpeg, orientation) {
  const tiff = Buffer.from([
    0x4d,
    0x4d,
    0,
    42,
    0,
    0,
    0,
    8,
    0,
    1,
    0x01,
    0x12,
    0,
    3,
    0,
    0,
    0,
    1,
    0,
    orientation,
    0,
    0,
    0,
    0,
    0,
    0,
  ]);
  const body = Buffer.concat([Buffer.from('Exif\0\0', 'latin1'), tiff]);
  const segment = Buffer.concat([
    Buffer.from([0xff, 0xe1, (body.length + 2) >> 8, (body.length + 2) & 255]),
    body,
  ]);
  return Buffer.concat([jpeg.subarray(0, 2), segment, jpeg.subarray(2)]);
}

async function openSample(t) {
  const server = await host({ isolated: true });
  const { browser, page, faults } = await browse();
  t.after(() => Promise.all([browser.close(), server.close()]));
  await ready(page, server.url);
  await page.click('.sample');
  await phase(page, 'result');
  await page.click('#tab-run');
  await sampleVerdict(page);
  return { page, faults };
}

/** Gives the input a picture, and says what its pixels are as the model sees them. */
async function seen(page, name, bytes, mimeType, points) {
  const before = await page.textContent('.image-input .input-said');
  await page.setInputFiles('.image-input input[type=file]', { name, mimeType, buffer: bytes });
  await page.waitForFunction(
    (old) => document.querySelector('.image-input .input-said').textContent !== old,
    before,
  );
  return page.evaluate((list) => {
    const context = document.querySelector('.preview').getContext('2d');
    return list.map(([x, y]) => [...context.getImageData(x, y, 1, 1).data]);
  }, points);
}

const near = (got, want, what) =>
  want.forEach((value, i) =>
    assert.ok(Math.abs(got[i] - value) <= 12, `${what}: ${got} for ${want}`),
  );

test('pictures are turned as EXIF says, alpha is flattened on white, grey is widened', async (t) => {
  const { page, faults } = await openSample(t);
  const [clear, solid] = await seen(
    page,
    'alpha.png',
    png(40, 40, 6, (x) => (x < 20 ? [0, 0, 0, 0] : [200, 0, 0, 255])),
    'image/png',
    [
      [4, 16],
      [28, 16],
    ],
  );
  near(clear, [255, 255, 255], 'transparent');
  near(solid, [200, 0, 0], 'opaque');
  const [grey] = await seen(
    page,
    'grey.png',
    png(48, 48, 0, () => [90]),
    'image/png',
    [[16, 16]],
  );
  near(grey, [90, 90, 90], 'grey');
  const jpeg = Buffer.from(
    await page.evaluate(async () => {
      const canvas = document.createElement('canvas');
      canvas.width = canvas.height = 64;
      const context = canvas.getContext('2d');
      context.fillStyle = '#f00';
      context.fillRect(0, 0, 32, 64);
      context.fillStyle = '#00f';
      context.fillRect(32, 0, 32, 64);
      const blob = await new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', 0.95));
      return [...new Uint8Array(await blob.arrayBuffer())];
    }),
  );
  // Orientation 6 asks for a quarter turn clockwise: what was left comes to the top.
  const [top, bottom] = await seen(page, 'turned.jpg', oriented(jpeg, 6), 'image/jpeg', [
    [16, 4],
    [16, 28],
  ]);
  near(top, [254, 0, 0], 'top');
  near(bottom, [0, 0, 254], 'bottom');
  await page.setInputFiles('.image-input input[type=file]', {
    name: 'no.png',
    mimeType: 'image/png',
    buffer: Buffer.from('no picture'),
  });
  await page.waitForFunction(() =>
    /could not be read/.test(document.querySelector('#panel-run').textContent),
  );
  assert.deepEqual(faults, []);
});

test('fitting covers, contains or stretches', async (t) => {
  const { page } = await openSample(t);
  // Twice as wide as high: green in the middle half, red at both sides.
  const wide = png(128, 64, 2, (x) => (x >= 32 && x < 96 ? [0, 200, 0] : [200, 0, 0]));
  const at = [[2, 16], [16, 16], [16, 2]];
  const [side, middle] = await seen(page, 'wide.png', wide, 'image/png', at);
  near(side, [0, 200, 0], 'covered side');
  near(middle, [0, 200, 0], 'covered middle');
  const look = () =>
    page.evaluate(
      (list) =>
        list.map(([x, y]) => [
          ...document.querySelector('.preview').getContext('2d').getImageData(x, y, 1, 1).data,
        ]),
      at,
    );
  await page
    .locator('.image-input .field', { hasText: 'Picture' })
    .locator('select')
    .selectOption('contain');
  near((await look())[2], [255, 255, 255], 'margin above');
  near((await look())[0], [200, 0, 0], 'contained side');
  await page
    .locator('.image-input .field', { hasText: 'Picture' })
    .locator('select')
    .selectOption('stretch');
  near((await look())[2], [0, 200, 0], 'stretched middle');
  near((await look())[0], [200, 0, 0], 'stretched side');
});

test('labels that are pasted name the classes', async (t) => {
  const { page } = await openSample(t);
  await page.click('#panel-run summary');
  await page.fill(
    '#panel-run textarea',
    ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'].join('\n'),
  );
  await page.locator('#panel-run textarea').blur();
  assert.equal(await page.textContent('.ranking li .rank-name'), 'zero');
});

test('the profile lists every operator with its time', async (t) => {
  const { page } = await openSample(t);
  await page.click('text=Time by operator');
  await page.waitForSelector('.profile-list li');
  const operators = Number((await page.textContent('.pane:last-child .pane-sub')).match(/\d+/)[0]);
  assert.equal(await page.locator('.profile-list li').count(), operators);
});

test('arrays from .json and .npy give the outputs that Keras gives', async (t) => {
  const server = await host({ isolated: true });
  const { browser, page } = await browse();
  t.after(() => Promise.all([browser.close(), server.close()]));
  await ready(page, server.url);
  const folder = path.join(models, 'merges');
  await choose(page, 'merges.h5', fs.readFileSync(path.join(folder, 'model.h5')));
  await phase(page, 'result');
  await page.click('#tab-run');
  await page.waitForSelector('.run-inputs .input >> nth=2');
  const golden = tensors(fs.readFileSync(path.join(folder, 'io.safetensors')));
  for (const [i, name] of ['a', 'b', 'c'].entries()) {
    const { shape, values } = golden[`in/0/${name}`];
    const file =
      i === 0
        ? {
            name: 'a.json',
            mimeType: 'application/json',
            buffer: Buffer.from(JSON.stringify(nested(values, shape))),
          }
        : { name: `${name}.npy`, mimeType: 'application/octet-stream', buffer: npy(values, shape) };
    await page.locator('.run-inputs .input').nth(i).locator('input[type=file]').setInputFiles(file);
    await page.waitForFunction(
      ([at, said]) =>
        document.querySelectorAll('.run-inputs .input-said')[at].textContent.includes(said),
      [i, file.name],
    );
  }
  const want = golden['out/0/add'].values;
  await page.waitForFunction((first) => {
    const text = [...document.querySelectorAll('.output')]
      .find((one) => one.querySelector('strong').textContent === 'add')
      ?.querySelector('.values')?.textContent;
    return text && Math.abs(Number(text.split('  ')[0]) - first) < 1e-3;
  }, want[0]);
  const got = await page
    .locator('.output', { has: page.locator('strong', { hasText: /^add$/ }) })
    .locator('.values')
    .textContent();
  got
    .split('  ')
    .forEach((text, i) =>
      assert.ok(
        Math.abs(Number(text) - want[i]) <= 1e-3 * Math.max(1, Math.abs(want[i])),
        `${i}: ${text} for ${want[i]}`,
      ),
    );
});

function nested(values, shape) {
  if (shape.length === 0) return values[0];
  const step = values.length / shape[0];
  return Array.from({ length: shape[0] }, (_, i) =>
    nested(values.slice(i * step, (i + 1) * step), shape.slice(1)),
  );
}

function npy(values, shape) {
  let header = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(', ')},), }`;
  header = `${header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11)}\n`;
  const head = Buffer.from([
    0x93,
    ...Buffer.from('NUMPY'),
    1,
    0,
    header.length & 255,
    header.length >> 8,
  ]);
  return Buffer.concat([
    head,
    Buffer.from(header, 'latin1'),
    Buffer.from(Float32Array.from(values).buffer),
  ]);
}

/** The float32 tensors of a .safetensors file. */
function tensors(bytes) {
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + length));
  const found = {};
  for (const [name, { dtype, shape, data_offsets: [from, to] }] of Object.entries(header)) {
    if (dtype !== 'F32') continue;
    found[name] = {
      shape,
      values: [
        ...new Float32Array(
          bytes.buffer.slice(
            bytes.byteOffset + 8 + length + from,
            bytes.byteOffset + 8 + length + to,
          ),
        ),
      ],
    };
  }
  return found;
}

test('a model that keeps state runs once a click, and forgets when told to', async (t) => {
  const server = await host({ isolated: true });
  const { browser, page, faults } = await browse();
  t.after(() => Promise.all([browser.close(), server.close()]));
  await ready(page, server.url);
  await choose(page, 'sum.tflite', fs.readFileSync(path.join(repo, 'tests/data/state/sum.tflite')));
  await phase(page, 'result');
  await page.click('#tab-run');
  const says = (value) =>
    page.waitForFunction(
      (want) => document.querySelector('.output .values')?.textContent === want,
      value,
    );
  await page
    .locator('.run-inputs input[type=file]')
    .setInputFiles({ name: 'x.json', mimeType: 'application/json', buffer: Buffer.from('[[2]]') });
  await says('2');
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await says('4');
  await page.getByRole('button', { name: 'Forget the state' }).click();
  await page.waitForFunction(() => !document.querySelector('.output'));
  await page.getByRole('button', { name: 'Run', exact: true }).click();
  await says('2');
  assert.deepEqual(faults, []);
});
