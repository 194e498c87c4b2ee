// Writes dist/THIRD_PARTY_NOTICES.md: the licences of all that is compiled or bundled into the
// package.
import fs from 'node:fs';
import path from 'node:path';

import { dist, Failure, inRepo } from './common.mjs';

// What the modules hold beside our own code, with the file of tools/notices that has its licence.
const compiled = [
  ['FlatBuffers', 'flatbuffers.txt', 'its headers read and write .tflite files'],
  ['Emscripten', 'emscripten.txt', 'its JavaScript around each module, its allocator and bindings'],
  ['musl', 'musl.txt', 'the C library'],
  ['libc++, libc++abi and compiler-rt of the LLVM Project', 'llvm.txt', 'the C++ library'],
];

/** The npm packages whose files esbuild put into the bundles that `metafiles` describe. */
export function bundledPackages(metafiles) {
  const names = new Set();
  for (const { inputs } of metafiles) {
    for (const input of Object.keys(inputs)) {
      const match = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
      if (match) names.add(match[1]);
    }
  }
  return [...names].sort();
}

export function writeNotices(packages) {
  const parts = [
    '# Third-party notices\n\nZeolite itself is under the Apache License 2.0 (LICENSE). This package also holds:\n',
  ];
  const add = (title, purpose, text) =>
    parts.push(`## ${title}\n\n${purpose}\n\n\`\`\`\n${text.trim()}\n\`\`\`\n`);
  for (const [title, file, purpose] of compiled) {
    add(
      title,
      `In the .wasm modules: ${purpose}.`,
      fs.readFileSync(inRepo('tools/notices', file), 'utf8'),
    );
  }
  for (const name of packages) {
    const folder = inRepo('node_modules', name);
    const { version, license } = JSON.parse(
      fs.readFileSync(path.join(folder, 'package.json'), 'utf8'),
    );
    const file = fs.readdirSync(folder).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
    if (!file) throw new Failure(`${name} carries no licence file, so it must not be bundled`);
    add(
      `${name} ${version}`,
      `In the JavaScript bundles, under ${license}.`,
      fs.readFileSync(path.join(folder, file), 'utf8'),
    );
  }
  fs.writeFileSync(path.join(dist, 'THIRD_PARTY_NOTICES.md'), parts.join('\n'));
}
