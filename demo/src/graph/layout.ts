// Where the boxes of a graph go: layers from top to bottom, few crossings, straight chains.
//
// An own layout, since none of the libraries opens 2,000 operators within a second (docs/page.md
// has the figures). The classic steps of Sugiyama's method, each near-linear:
//   1. ranks by longest path, sources pulled down to what uses them;
//   2. long edges become chains of points, one a rank, up to a budget; those beyond it run in
//      lanes beside the graph, so that a tensor that a thousand operators read stays cheap;
//   3. order within ranks by barycentres, a few sweeps, the best one kept;
//   4. positions by Brandes and Köpf, "Fast and Simple Horizontal Coordinate Assignment" (2001).
// Pure arithmetic on typed arrays, so that it runs in a worker and in tests alike.

import { adjacency, kNodeGap, type Adjacency, type Layered } from './layered.js';
import { positions } from './positions.js';

export interface LayoutInput {
  /** Sizes of the boxes in pixels. */
  width: Float32Array;
  height: Float32Array;
  /** Pairs: index of the box that it leaves, index of the box that it enters. */
  edges: Int32Array;
}

export interface LayoutResult {
  /** Top left corners. */
  x: Float32Array;
  y: Float32Array;
  /** Size of the whole drawing. */
  width: number;
  height: number;
  /** The edges' way points as x, y pairs; edge e has those from `start[e]` to `start[e + 1]`. */
  points: Float32Array;
  start: Int32Array;
}

const kRankGap = 44;
const kLaneGap = 12;
const kSweeps = 8;
// A source with more than kManyLong edges over kLongSpan ranks gets a lane: a mask that every block
// of a transformer reads would otherwise draw a curtain over the graph.
const kLongSpan = 8;
const kManyLong = 6;

/** Edges with those that close a cycle turned round, so that the rest may count on an order. */
function withoutCycles(
  count: number,
  edges: Int32Array,
): { from: Int32Array; to: Int32Array; turned: Uint8Array } {
  const edgeCount = edges.length / 2;
  const from = new Int32Array(edgeCount);
  const to = new Int32Array(edgeCount);
  const turned = new Uint8Array(edgeCount);
  for (let e = 0; e < edgeCount; ++e) {
    from[e] = edges[2 * e]!;
    to[e] = edges[2 * e + 1]!;
  }
  const out = adjacency(count, from, to);
  const state = new Uint8Array(count); // 0 unseen, 1 on the path, 2 done
  const cursor = out.start.slice(0, count);
  const stack: number[] = [];
  for (let root = 0; root < count; ++root) {
    if (state[root] !== 0) continue;
    state[root] = 1;
    stack.push(root);
    while (stack.length > 0) {
      const v = stack[stack.length - 1]!;
      const slot = cursor[v]!;
      if (slot === out.start[v + 1]!) {
        state[v] = 2;
        stack.pop();
        continue;
      }
      cursor[v] = slot + 1;
      const w = out.to[slot]!;
      if (state[w] === 1) turned[out.via[slot]!] = 1;
      else if (state[w] === 0) {
        state[w] = 1;
        stack.push(w);
      }
    }
  }
  for (let e = 0; e < edgeCount; ++e) {
    if (turned[e]) [from[e], to[e]] = [to[e]!, from[e]!];
  }
  return { from, to, turned };
}

function ranks(count: number, from: Int32Array, to: Int32Array): Int32Array {
  const out = adjacency(count, from, to);
  const rank = new Int32Array(count);
  const waiting = new Int32Array(count);
  for (let e = 0; e < to.length; ++e) if (from[e] !== to[e]) waiting[to[e]!]!++;
  const order = new Int32Array(count);
  let end = 0;
  for (let v = 0; v < count; ++v) if (waiting[v] === 0) order[end++] = v;
  for (let i = 0; i < end; ++i) {
    const v = order[i]!;
    for (let s = out.start[v]!; s < out.start[v + 1]!; ++s) {
      const w = out.to[s]!;
      if (w === v) continue;
      rank[w] = Math.max(rank[w]!, rank[v]! + 1);
      if (--waiting[w]! === 0) order[end++] = w;
    }
  }
  // What has more ways out than in is drawn nearer to its readers: shorter edges.
  const inDegree = new Int32Array(count);
  for (let e = 0; e < to.length; ++e) inDegree[to[e]!]!++;
  for (let i = end - 1; i >= 0; --i) {
    const v = order[i]!;
    const outDegree = out.start[v + 1]! - out.start[v]!;
    if (outDegree === 0 || outDegree <= inDegree[v]!) continue;
    let lowest = Infinity;
    for (let s = out.start[v]!; s < out.start[v + 1]!; ++s) {
      if (out.to[s] !== v) lowest = Math.min(lowest, rank[out.to[s]!]!);
    }
    if (lowest !== Infinity) rank[v] = Math.max(rank[v]!, lowest - 1);
  }
  return rank;
}

function layered(input: LayoutInput, from: Int32Array, to: Int32Array, rank: Int32Array): Layered {
  const boxes = input.width.length;
  const edges = from.length;
  const lane = new Uint8Array(edges);
  const bySpan = Array.from({ length: edges }, (_, e) => e).sort(
    (a, b) => rank[to[a]!]! - rank[from[a]!]! - (rank[to[b]!]! - rank[from[b]!]!),
  );
  const span = (e: number): number => rank[to[e]!]! - rank[from[e]!]!;
  const longOnes = new Int32Array(boxes);
  for (let e = 0; e < edges; ++e) if (span(e) > kLongSpan) longOnes[from[e]!]!++;
  let budget = 4 * (boxes + edges) + 2000;
  for (const e of bySpan) {
    const fansOut = span(e) > kLongSpan && longOnes[from[e]!]! > kManyLong;
    if (!fansOut) budget -= span(e) - 1;
    if (fansOut || budget < 0 || from[e] === to[e]) lane[e] = 1;
  }
  const rankOf: number[] = Array.from(rank);
  const upper: number[] = [];
  const lower: number[] = [];
  const chain: Int32Array[] = [];
  for (let e = 0; e < edges; ++e) {
    if (lane[e]) {
      chain.push(new Int32Array(0));
      continue;
    }
    const points: number[] = [];
    let last = from[e]!;
    for (let r = rank[from[e]!]! + 1; r < rank[to[e]!]!; ++r) {
      const point = rankOf.length;
      rankOf.push(r);
      upper.push(last);
      lower.push(point);
      points.push(point);
      last = point;
    }
    upper.push(last);
    lower.push(to[e]!);
    chain.push(Int32Array.from(points));
  }
  const width = new Float32Array(rankOf.length);
  width.set(input.width);
  return {
    count: rankOf.length,
    rank: Int32Array.from(rankOf),
    width,
    upper: Int32Array.from(upper),
    lower: Int32Array.from(lower),
    chain,
    lane,
  };
}

/** Crossings between two neighbouring ranks, counted with a Fenwick tree. */
function crossings(
  layer: Int32Array,
  down: Adjacency,
  position: Int32Array,
  lowerSize: number,
): number {
  const tree = new Int32Array(lowerSize + 1);
  let total = 0;
  let seen = 0;
  for (const v of layer) {
    const begin = down.start[v]!;
    const end = down.start[v + 1]!;
    for (let s = begin; s < end; ++s) {
      let smaller = 0;
      for (let i = position[down.to[s]!]! + 1; i > 0; i -= i & -i) smaller += tree[i]!;
      total += seen - smaller;
    }
    for (let s = begin; s < end; ++s) {
      for (let i = position[down.to[s]!]! + 1; i <= lowerSize; i += i & -i) tree[i]!++;
      seen++;
    }
  }
  return total;
}

function orderRanks(graph: Layered, down: Adjacency, up: Adjacency): Int32Array[] {
  let deepest = 0;
  for (let v = 0; v < graph.count; ++v) deepest = Math.max(deepest, graph.rank[v]!);
  const lists: number[][] = Array.from({ length: deepest + 1 }, () => []);
  // Depth first from the top: chains end up in the same column to begin with.
  const seen = new Uint8Array(graph.count);
  const byRank = Array.from({ length: graph.count }, (_, v) => v).sort(
    (a, b) => graph.rank[a]! - graph.rank[b]!,
  );
  const stack: number[] = [];
  for (const root of byRank) {
    if (seen[root]) continue;
    stack.push(root);
    while (stack.length > 0) {
      const v = stack.pop()!;
      if (seen[v]) continue;
      seen[v] = 1;
      lists[graph.rank[v]!]!.push(v);
      for (let s = down.start[v + 1]! - 1; s >= down.start[v]!; --s) {
        if (!seen[down.to[s]!]) stack.push(down.to[s]!);
      }
    }
  }
  const layers = lists.map((list) => Int32Array.from(list));
  const position = new Int32Array(graph.count);
  const place = (layer: Int32Array): void => layer.forEach((v, i) => (position[v] = i));
  const count = (): number => {
    let sum = 0;
    for (let r = 0; r < layers.length - 1; ++r) {
      sum += crossings(layers[r]!, down, position, layers[r + 1]!.length);
    }
    return sum;
  };
  layers.forEach(place);
  let best = layers.map((layer) => layer.slice());
  let fewest = count();
  const key = new Float64Array(graph.count);
  for (let sweep = 0; sweep < kSweeps && fewest > 0; ++sweep) {
    const downward = sweep % 2 === 0;
    const sides = downward ? up : down;
    for (let i = 1; i < layers.length; ++i) {
      const layer = layers[downward ? i : layers.length - 1 - i]!;
      for (const v of layer) {
        const begin = sides.start[v]!;
        const end = sides.start[v + 1]!;
        if (begin === end) {
          key[v] = position[v]!;
          continue;
        }
        let sum = 0;
        for (let s = begin; s < end; ++s) sum += position[sides.to[s]!]!;
        key[v] = sum / (end - begin);
      }
      layer.sort((a, b) => key[a]! - key[b]! || position[a]! - position[b]!);
      place(layer);
    }
    const now = count();
    if (now < fewest) {
      fewest = now;
      best = layers.map((layer) => layer.slice());
    }
  }
  return best;
}

/** Gives every box a place and every edge its way; cycles and any number of parts are fine. */
export function layout(input: LayoutInput): LayoutResult {
  const boxes = input.width.length;
  const edges = input.edges.length / 2;
  const { from, to, turned } = withoutCycles(boxes, input.edges);
  const graph = layered(input, from, to, ranks(boxes, from, to));
  const down = adjacency(graph.count, graph.upper, graph.lower);
  const up = adjacency(graph.count, graph.lower, graph.upper);
  const layers = orderRanks(graph, down, up);
  const centre = positions(layers, graph, boxes, up, down);

  let left = Infinity;
  let right = -Infinity;
  for (let v = 0; v < graph.count; ++v) {
    left = Math.min(left, centre[v]! - graph.width[v]! / 2);
    right = Math.max(right, centre[v]! + graph.width[v]! / 2);
  }
  if (graph.count === 0) left = right = 0;
  const top = new Float64Array(layers.length);
  const depth = new Float64Array(layers.length);
  let height = 0;
  layers.forEach((layer, r) => {
    for (const v of layer) if (v < boxes) depth[r] = Math.max(depth[r]!, input.height[v]!);
    top[r] = height;
    height += depth[r]! + kRankGap;
  });
  height = Math.max(0, height - kRankGap);

  const x = new Float32Array(boxes);
  const y = new Float32Array(boxes);
  for (let v = 0; v < boxes; ++v) {
    const r = graph.rank[v]!;
    x[v] = centre[v]! - left - input.width[v]! / 2;
    y[v] = top[r]! + (depth[r]! - input.height[v]!) / 2;
  }

  const lanes = laneOf(graph, from, to);
  let laneCount = 0;
  const points: number[] = [];
  const start = new Int32Array(edges + 1);
  for (let e = 0; e < edges; ++e) {
    const a = from[e]!;
    const b = to[e]!;
    const way: number[] = [x[a]! + input.width[a]! / 2, y[a]! + input.height[a]!];
    if (graph.lane[e]) {
      laneCount = Math.max(laneCount, lanes[e]! + 1);
      const laneX = right - left + kNodeGap + lanes[e]! * kLaneGap;
      way.push(laneX, top[graph.rank[a]!]! + depth[graph.rank[a]!]! + kRankGap / 2);
      way.push(laneX, top[graph.rank[b]!]! - kRankGap / 2);
    }
    for (const point of graph.chain[e]!) {
      const r = graph.rank[point]!;
      const px = centre[point]! - left;
      // A straight run stays one line.
      if (way.length >= 4 && way[way.length - 2] === px && way[way.length - 4] === px) {
        way[way.length - 1] = top[r]! + depth[r]!;
      } else way.push(px, top[r]!, px, top[r]! + depth[r]!);
    }
    way.push(x[b]! + input.width[b]! / 2, y[b]!);
    if (turned[e]) {
      for (let i = way.length - 2; i >= 0; i -= 2) points.push(way[i]!, way[i + 1]!);
    } else {
      for (const value of way) points.push(value);
    }
    start[e + 1] = points.length;
  }
  const laneWidth = laneCount > 0 ? kNodeGap + laneCount * kLaneGap : 0;
  return {
    x,
    y,
    width: right - left + laneWidth,
    height,
    points: Float32Array.from(points),
    start,
  };
}

/** A lane for each edge that has none of its own points: the first that is free over its ranks. */
function laneOf(graph: Layered, from: Int32Array, to: Int32Array): Int32Array {
  const lanes = new Int32Array(from.length);
  const beside = Array.from({ length: from.length }, (_, e) => e)
    .filter((e) => graph.lane[e])
    .sort((a, b) => graph.rank[from[a]!]! - graph.rank[from[b]!]!);
  const until: number[] = [];
  const shared = new Map<number, number>(); // Edges of one source carry the same thing: one lane.
  for (const e of beside) {
    const source = from[e]!;
    let lane = shared.get(source) ?? until.findIndex((last) => last < graph.rank[source]!);
    if (lane < 0) lane = until.push(-1) - 1;
    until[lane] = Math.max(until[lane]!, graph.rank[to[e]!]!);
    shared.set(source, lane);
    lanes[e] = lane;
  }
  return lanes;
}
