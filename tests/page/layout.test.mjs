// The graph's layout: what holds for every drawing.
import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';

import { build } from 'esbuild';

import { repo } from './support.mjs';

const { outputFiles } = await build({
  entryPoints: [path.join(repo, 'demo/src/graph/layout.ts')],
  bundle: true,
  format: 'esm',
  write: false,
  logLevel: 'warning',
});
const { layout } = await import(
  `data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`
);

function arranged(count, edges, width = 120, height = 60) {
  const sizes = typeof width === 'number' ? new Float32Array(count).fill(width) : width;
  return {
    sizes,
    boxHeight: height,
    edges,
    ...layout({
      width: sizes,
      height: new Float32Array(count).fill(height),
      edges: Int32Array.from(edges.flat()),
    }),
  };
}

function assertSound(drawing) {
  const { x, y, sizes, boxHeight, edges, points, start } = drawing;
  const rows = new Map();
  x.forEach((left, v) => {
    assert.ok(Number.isFinite(left) && Number.isFinite(y[v]), `box ${v} has a place`);
    rows.set(y[v], [...(rows.get(y[v]) ?? []), v]);
  });
  for (const row of rows.values()) {
    row.sort((a, b) => x[a] - x[b]);
    for (let i = 1; i < row.length; ++i) {
      assert.ok(
        x[row[i]] >= x[row[i - 1]] + sizes[row[i - 1]],
        `boxes ${row[i - 1]} and ${row[i]} overlap`,
      );
    }
  }
  edges.forEach(([a, b], e) => {
    const way = points.slice(start[e], start[e + 1]);
    assert.ok(way.length >= 4, `edge ${e} has a way`);
    const ends = [[way[0], way[1]], [way.at(-2), way.at(-1)]];
    const at = (v, below) => [x[v] + sizes[v] / 2, y[v] + (below ? boxHeight : 0)];
    const close = (p, q) => Math.abs(p[0] - q[0]) < 0.5 && Math.abs(p[1] - q[1]) < 0.5;
    const forward = close(ends[0], at(a, true)) && close(ends[1], at(b, false));
    const backward = close(ends[0], at(a, false)) && close(ends[1], at(b, true));
    assert.ok(forward || backward, `edge ${e} begins and ends at its boxes`);
  });
}

test('a chain stays straight where weights that are computed join each of its boxes', () => {
  // As in files with float16 weights: two boxes beside each operator widen its weights.
  const edges = [], chain = [0];
  for (let k = 0, next = 1; k < 60; ++k, next += 3) {
    edges.push([chain.at(-1), next], [next + 1, next], [next + 2, next]);
    chain.push(next);
  }
  const drawing = arranged(181, edges);
  assertSound(drawing);
  for (const v of chain) {
    assert.ok(
      Math.abs(drawing.x[v] - drawing.x[0]) < 1,
      `box ${v} is ${drawing.x[v] - drawing.x[0]} aside`,
    );
  }
  assert.ok(drawing.width < 1000, `${drawing.width} wide`);
});

/** Blocks of four branches of one to four boxes with a way round them. */
function branched(count) {
  const edges = [];
  let last = 0, next = 1;
  while (next < count) {
    const start = last, ends = [];
    for (let branch = 0; branch < 4; ++branch) {
      let at = start;
      for (let k = 0; k <= branch; ++k) {
        edges.push([at, next]);
        at = next++;
      }
      ends.push(at);
    }
    for (const end of ends) edges.push([end, next]);
    edges.push([start, next]);
    last = next++;
  }
  return { count: next, edges };
}

test('a chain is drawn straight downwards', () => {
  const drawing = arranged(5, [[0, 1], [1, 2], [2, 3], [3, 4]]);
  assertSound(drawing);
  assert.equal(new Set(drawing.x).size, 1);
  assert.deepEqual([...drawing.y], [...drawing.y].sort((a, b) => a - b));
});

test('every edge of a graph without cycles leads downwards', () => {
  const { count, edges } = branched(300);
  const drawing = arranged(count, edges);
  assertSound(drawing);
  for (const [a, b] of edges) assert.ok(drawing.y[a] + 60 < drawing.y[b]);
});

test('a long graph of branches does not drift sideways', () => {
  const one = branched(10), many = branched(2000);
  const narrow = arranged(one.count, one.edges), long = arranged(many.count, many.edges);
  assertSound(long);
  assert.ok(long.width < narrow.width * 1.5, `${long.width} against ${narrow.width}`);
});

test('a tensor that everything reads gets one lane beside the graph', () => {
  const edges = [];
  for (let v = 1; v < 2000; ++v) {
    edges.push([v - 1, v]);
    if (v > 1) edges.push([0, v]);
  }
  const drawing = arranged(2000, edges);
  assertSound(drawing);
  assert.ok(drawing.width < 2000);
});

test('random graphs with boxes of many sizes are drawn without overlaps', () => {
  let seed = 7;
  const random = () => (seed = (seed * 48271) % 2147483647) / 2147483647;
  for (let round = 0; round < 40; ++round) {
    const count = 1 + Math.floor(random() * 80);
    const edges = [];
    for (let e = 0; e < count * 1.6; ++e) {
      const a = Math.floor(random() * count), b = Math.floor(random() * count);
      if (a < b) edges.push([a, b]);
    }
    assertSound(
      arranged(
        count,
        edges,
        Float32Array.from({ length: count }, () => 40 + random() * 200),
      ),
    );
  }
});

test('cycles, loops and double edges end', () => {
  assertSound(arranged(3, [[0, 1], [1, 2], [2, 0]]));
  const loop = arranged(2, [[0, 0], [0, 1], [0, 1]]);
  assert.ok([...loop.x, ...loop.y, ...loop.points].every(Number.isFinite));
});

test('nothing to draw is drawn as nothing', () => {
  const drawing = arranged(0, []);
  assert.equal(drawing.width, 0);
  assert.equal(drawing.height, 0);
});
