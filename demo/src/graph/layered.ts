// What the steps of the layout share: lists of neighbours, and the graph with a point a rank on
// every edge.

/** Pixels between boxes of a rank, and where at least one of two is a point of an edge. */
export const kNodeGap = 28;
export const kEdgeGap = 14;

/** Lists of neighbours, packed: those of v are `to[start[v]]` to `to[start[v + 1] - 1]`. */
export interface Adjacency {
  start: Int32Array;
  to: Int32Array;
  /** Index of the edge or segment that leads there. */
  via: Int32Array;
}

export function adjacency(
  count: number,
  from: ArrayLike<number>,
  to: ArrayLike<number>,
): Adjacency {
  const start = new Int32Array(count + 1);
  for (let e = 0; e < from.length; ++e) start[from[e]! + 1]!++;
  for (let v = 0; v < count; ++v) start[v + 1]! += start[v]!;
  const next = start.slice(0, count);
  const targets = new Int32Array(from.length);
  const via = new Int32Array(from.length);
  for (let e = 0; e < from.length; ++e) {
    const slot = next[from[e]!]!++;
    targets[slot] = to[e]!;
    via[slot] = e;
  }
  return { start, to: targets, via };
}

/** The graph with one point a rank on every edge: boxes first, then points. */
export interface Layered {
  count: number;
  rank: Int32Array;
  width: Float32Array;
  /** Upper and lower end of each segment between neighbouring ranks. */
  upper: Int32Array;
  lower: Int32Array;
  /** The points of each edge, top to bottom; empty for edges in lanes. */
  chain: Int32Array[];
  lane: Uint8Array;
}
