// Files that must be refused: with the right code, words that help, and no harm to what comes
// after.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { badFiles } from '../data/bad/read_bad.mjs';
import { data } from './support/cases.mjs';
import { zeolite } from './support/package.mjs';

const folder = path.join(data, 'bad');
const good = new Uint8Array(fs.readFileSync(path.join(folder, 'good.h5')));

for await (const { name, bytes, why, codes, mentions } of badFiles()) {
  test(`${name} is refused: ${why}`, async () => {
    const error = await zeolite.convert({ [name]: bytes }).then(
      () => undefined,
      (reason) => reason,
    );
    assert.ok(error, 'it was converted');
    assert.ok(error instanceof zeolite.ZeoliteError, String(error.stack));
    assert.ok(codes.includes(error.code), `${error.code}: ${error.message}`);
    const text = [error.message, ...error.issues.flatMap((issue) => Object.values(issue))]
      .join('\n')
      .toLowerCase();
    for (const word of mentions) {
      assert.ok(text.includes(word.toLowerCase()), `'${word}' is not mentioned in: ${text}`);
    }
    const { tflite } = await zeolite.convert({ 'good.h5': good });
    assert.ok(tflite.length > 0);
  });
}
