// Where the boxes of each rank stand across: Brandes and Köpf, "Fast and Simple Horizontal
// Coordinate Assignment" (2001), with two changes that long graphs need (docs/page.md).
import { adjacency, kEdgeGap, kNodeGap, type Adjacency, type Layered } from './layered.js';

/** Segments that cross an inner one (between two points of edges): long edges stay straight. */
function conflicts(
  layers: Int32Array[],
  up: Adjacency,
  position: Int32Array,
  boxes: number,
  segments: number,
): Uint8Array {
  const marked = new Uint8Array(segments);
  for (let r = 1; r < layers.length; ++r) {
    const layer = layers[r]!;
    const above = layers[r - 1]!.length;
    let left = 0;
    let scanned = 0;
    for (let i = 0; i < layer.length; ++i) {
      const v = layer[i]!;
      let inner = -1;
      if (v >= boxes) {
        for (let s = up.start[v]!; s < up.start[v + 1]!; ++s) {
          if (up.to[s]! >= boxes) inner = position[up.to[s]!]!;
        }
      }
      if (inner < 0 && i !== layer.length - 1) continue;
      const right = inner >= 0 ? inner : above;
      for (; scanned <= i; ++scanned) {
        const w = layer[scanned]!;
        for (let s = up.start[w]!; s < up.start[w + 1]!; ++s) {
          const p = position[up.to[s]!]!;
          const isInner = w >= boxes && up.to[s]! >= boxes;
          if (!isInner && (p < left || p > right)) marked[up.via[s]!] = 1;
        }
      }
      left = right;
    }
  }
  return marked;
}

interface Placing {
  layers: Int32Array[];
  position: Int32Array;
  width: Float32Array;
  boxes: number;
  marked: Uint8Array;
}

/** The middle neighbours of v in their order across: one for an odd number, else two. */
function medians(sides: Adjacency, v: number, position: Int32Array, mirrored: boolean): number[] {
  const begin = sides.start[v]!;
  const degree = sides.start[v + 1]! - begin;
  if (degree === 0) return [];
  if (degree === 1) return [begin];
  const order = Array.from({ length: degree }, (_, j) => begin + j);
  order.sort((a, b) => position[sides.to[a]!]! - position[sides.to[b]!]!);
  const middle = (degree - 1) / 2;
  const two = [order[Math.floor(middle)]!, order[Math.ceil(middle)]!];
  return mirrored ? two.reverse() : two;
}

/**
 * One of the four alignments: towards `sides`, packed to the left, or mirrored to the right.
 * Where both ends of a segment are each other's median it is taken first: without that the outer
 * child of every branch claims its parent, and a long graph drifts sideways with every branch.
 */
function align(
  place: Placing,
  sides: Adjacency,
  others: Adjacency,
  upward: boolean,
  mirrored: boolean,
): Float64Array {
  const { layers, position, width, marked } = place;
  const count = width.length;
  const root = new Int32Array(count);
  for (let v = 0; v < count; ++v) root[v] = v;
  for (let k = 1; k < layers.length; ++k) {
    const layer = layers[upward ? layers.length - 1 - k : k]!;
    const size = layers[upward ? layers.length - k : k - 1]!.length;
    const chosen = new Int32Array(layer.length).fill(-1);
    const slots = Array.from(layer, (v) => medians(sides, v, position, mirrored));
    const first = (v: number): number => {
      const slot = medians(others, v, position, mirrored)[0];
      return slot === undefined ? -1 : others.to[slot]!;
    };
    let reached = -1;
    for (let i = 0; i < layer.length; ++i) {
      const slot = slots[i]![0];
      if (slot === undefined || marked[sides.via[slot]!]) continue;
      const u = sides.to[slot]!;
      if (position[u]! > reached && first(u) === layer[i]) {
        chosen[i] = slot;
        reached = position[u]!;
      }
    }
    // The rest, between those chosen; from the side that this alignment packs to.
    const limit = new Int32Array(layer.length + 1);
    if (mirrored) {
      let low = -1;
      for (let i = 0; i < layer.length; ++i) {
        limit[i] = low;
        if (chosen[i]! >= 0) low = position[sides.to[chosen[i]!]!]!;
      }
      reached = size;
      for (let i = layer.length - 1; i >= 0; --i) {
        if (chosen[i]! < 0) {
          chosen[i] =
            slots[i]!.find((slot) => {
              const p = position[sides.to[slot]!]!;
              return !marked[sides.via[slot]!] && p < reached && p > limit[i]!;
            }) ?? -1;
        }
        if (chosen[i]! >= 0) reached = position[sides.to[chosen[i]!]!]!;
      }
    } else {
      let high = size;
      for (let i = layer.length - 1; i >= 0; --i) {
        limit[i] = high;
        if (chosen[i]! >= 0) high = position[sides.to[chosen[i]!]!]!;
      }
      reached = -1;
      for (let i = 0; i < layer.length; ++i) {
        if (chosen[i]! < 0) {
          chosen[i] =
            slots[i]!.find((slot) => {
              const p = position[sides.to[slot]!]!;
              return !marked[sides.via[slot]!] && p > reached && p < limit[i]!;
            }) ?? -1;
        }
        if (chosen[i]! >= 0) reached = position[sides.to[chosen[i]!]!]!;
      }
    }
    for (let i = 0; i < layer.length; ++i) {
      if (chosen[i]! < 0) continue;
      const v = layer[i]!;
      const u = sides.to[chosen[i]!]!;
      root[v] = root[u]!;
    }
  }
  return compact(place, root, mirrored);
}

/**
 * Positions of the blocks: as far left as order and gaps allow, then pulled back towards the right.
 */
function compact(place: Placing, root: Int32Array, mirrored: boolean): Float64Array {
  const { layers, width, boxes } = place;
  const count = width.length;
  const from: number[] = [];
  const to: number[] = [];
  const gap: number[] = [];
  for (const layer of layers) {
    for (let i = 1; i < layer.length; ++i) {
      const a = layer[mirrored ? layer.length - i : i - 1]!;
      const b = layer[mirrored ? layer.length - 1 - i : i]!;
      const space = a < boxes && b < boxes ? kNodeGap : kEdgeGap;
      from.push(root[a]!);
      to.push(root[b]!);
      gap.push((width[a]! + width[b]!) / 2 + space);
    }
  }
  const right = adjacency(count, from, to);
  const waiting = new Int32Array(count);
  for (const v of to) waiting[v]!++;
  const order = new Int32Array(count);
  let end = 0;
  for (let v = 0; v < count; ++v) if (root[v] === v && waiting[v] === 0) order[end++] = v;
  const x = new Float64Array(count);
  for (let i = 0; i < end; ++i) {
    const v = order[i]!;
    for (let s = right.start[v]!; s < right.start[v + 1]!; ++s) {
      const w = right.to[s]!;
      x[w] = Math.max(x[w]!, x[v]! + gap[right.via[s]!]!);
      if (--waiting[w]! === 0) order[end++] = w;
    }
  }
  for (let i = end - 1; i >= 0; --i) {
    const v = order[i]!;
    let limit = Infinity;
    for (let s = right.start[v]!; s < right.start[v + 1]!; ++s) {
      limit = Math.min(limit, x[right.to[s]!]! - gap[right.via[s]!]!);
    }
    if (limit !== Infinity) x[v] = Math.max(x[v]!, limit);
  }
  const result = new Float64Array(count);
  for (let v = 0; v < count; ++v) result[v] = mirrored ? -x[root[v]!]! : x[root[v]!]!;
  return result;
}

/** Centres of boxes and points across, the mean of the two middle ones of four alignments. */
export function positions(
  layers: Int32Array[],
  graph: Layered,
  boxes: number,
  up: Adjacency,
  down: Adjacency,
): Float64Array {
  const position = new Int32Array(graph.count);
  for (const layer of layers) layer.forEach((v, i) => (position[v] = i));
  const marked = conflicts(layers, up, position, boxes, graph.upper.length);
  const placing: Placing = { layers, position, width: graph.width, boxes, marked };
  const main = streams(up, down, graph.count);
  const four = [
    align(placing, main, down, false, false),
    align(placing, main, down, false, true),
    align(placing, down, main, true, false),
    align(placing, down, main, true, true),
  ];
  const extents = four.map((x) => {
    let min = Infinity;
    let max = -Infinity;
    for (let v = 0; v < x.length; ++v) {
      min = Math.min(min, x[v]! - graph.width[v]! / 2);
      max = Math.max(max, x[v]! + graph.width[v]! / 2);
    }
    return { min, max };
  });
  const narrowest = extents.reduce((a, b) => (b.max - b.min < a.max - a.min ? b : a));
  const shift = extents.map((e, i) =>
    i % 2 === 0 ? narrowest.min - e.min : narrowest.max - e.max,
  );
  const result = new Float64Array(graph.count);
  const values = [0, 0, 0, 0];
  for (let v = 0; v < graph.count; ++v) {
    for (let i = 0; i < 4; ++i) values[i] = four[i]![v]! + shift[i]!;
    values.sort((a, b) => a - b);
    result[v] = (values[1]! + values[2]!) / 2;
  }
  return result;
}

/**
 * The ways up without those to tributaries: boxes that nothing enters and that one box alone reads,
 * as weights are that a file widens beside every operator. They lie beside the stream that they
 * join and don't bend it. Where there is nothing but tributaries the first of them, the operator's
 * first input, is the stream.
 */
function streams(up: Adjacency, down: Adjacency, count: number): Adjacency {
  const degree = (sides: Adjacency, v: number): number => sides.start[v + 1]! - sides.start[v]!;
  const isTributary = (v: number): boolean => degree(up, v) === 0 && degree(down, v) === 1;
  const start = new Int32Array(count + 1);
  const kept: number[] = [];
  for (let v = 0; v < count; ++v) {
    const all = Array.from({ length: degree(up, v) }, (_, i) => up.start[v]! + i);
    const main = all.filter((slot) => !isTributary(up.to[slot]!));
    kept.push(...(main.length > 0 ? main : all.slice(0, 1)));
    start[v + 1] = kept.length;
  }
  return {
    start,
    to: Int32Array.from(kept, (slot) => up.to[slot]!),
    via: Int32Array.from(kept, (slot) => up.via[slot]!),
  };
}
