// Gives the files of this folder, those stored as differences included.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const here = import.meta.dirname ?? new URL('.', import.meta.url).pathname;

/** Yields {name, bytes, why, codes, mentions} for each file that must be refused. */
export async function* badFiles() {
  const expected = JSON.parse(await readFile(join(here, 'expected.json'), 'utf8'));
  for (const [name, { why, codes, mentions, base, length, edits }] of Object.entries(expected)) {
    let bytes = new Uint8Array(await readFile(join(here, base ?? name)));
    if (base) {
      const whole = new Uint8Array(length);
      whole.set(bytes.subarray(0, length));
      for (const [offset, hex] of edits) whole.set(Buffer.from(hex, 'hex'), offset);
      bytes = whole;
    }
    yield { name, bytes, why, codes, mentions };
  }
}
