// The checks of the house themselves: what they refuse and what they let pass.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { includeProblem, widthProblem } from '../../tools/check.mjs';

test('an include may point to the same layer and to those below', () => {
  assert.equal(includeProblem('graph/read.cc', '#include "core/graph/graph.h"'), null);
  assert.equal(includeProblem('graph/read.cc', '#include "core/base/status.h"'), null);
  assert.equal(includeProblem('graph/read.cc', '#include "schema/tflite_generated.h"'), null);
  assert.equal(includeProblem('convert/keras.cc', '  #  include <core/ops/op.h>'), null);
  assert.equal(includeProblem('kernels/simd.h', '#include <wasm_simd128.h>'), null);
});

test('an include that points up is refused', () => {
  assert.match(
    includeProblem('kernels/gemm.cc', '#include "core/graph/graph.h"'),
    /kernels must not use graph/,
  );
  assert.match(
    includeProblem('formats/zip.cc', '#include "core/kernels/gemm.h"'),
    /formats must not use kernels/,
  );
  assert.match(
    includeProblem('runtime/run.cc', '#include "core/convert/convert.h"'),
    /runtime must not use convert/,
  );
  assert.match(
    includeProblem('base/bytes.h', '#include "schema/enums.h"'),
    /base must not use schema/,
  );
});

test('core includes no Emscripten header, no path without its layer, and has no other layer', () => {
  assert.match(includeProblem('base/bytes.h', '#include <emscripten/bind.h>'), /Emscripten/);
  assert.match(includeProblem('base/bytes.cc', '#include "bytes.h"'), /from the repository's root/);
  assert.match(includeProblem('helpers/bytes.cc', ''), /no layer "helpers"/);
});

test('lines have 100 columns at most, but for quoted text in scripts', () => {
  const wide = (columns) => 'x'.repeat(columns);
  for (const file of ['core/ops/pad.cc', 'web/src/index.ts', 'CMakeLists.txt', 'tools/setup.sh']) {
    assert.equal(widthProblem(file, wide(100)), null);
    assert.match(widthProblem(file, wide(101)), /101 columns/);
    assert.equal(widthProblem(file, '→'.repeat(100)), null, 'characters count, not bytes');
  }
  for (const quote of ["'", '"', '`']) {
    const line = `say(${quote}${wide(200)}${quote});`;
    assert.equal(widthProblem('demo/src/strings/en.ts', line), null);
    assert.match(widthProblem('core/ops/pad.cc', line), /columns/);
    assert.match(widthProblem('web/src/index.ts', line + wide(100)), /columns/);
  }
});
