// Draws a scene on a canvas: only what is visible, and less of each box the smaller it gets.
import type { NodeFamily } from 'zeolite';
import type { LayoutResult } from './layout.js';
import {
  kHeaderHeight,
  kLineHeight,
  kMarkWidth,
  kPadding,
  kTextFont,
  kTitleFont,
  textWidth,
  type Scene,
} from './scene.js';

/** Where the canvas looks: screen = world * scale + offset, in CSS pixels. */
export interface Camera {
  scale: number;
  x: number;
  y: number;
}

export type Mark = 'blocks' | 'note';

export interface Palette {
  family: Record<NodeFamily, string>;
  onFamily: string;
  box: string;
  line: string;
  edge: string;
  text: string;
  quiet: string;
  accent: string;
  linked: string;
  danger: string;
  warning: string;
  background: string;
}

/** What is set off from the rest. */
export interface Emphasis {
  hover: number;
  selected: number;
  linked: ReadonlySet<number>;
  marks: ReadonlyMap<number, Mark>;
  found: ReadonlySet<number>;
}

const kFamilies: readonly NodeFamily[] = [
  'convolution',
  'dense',
  'recurrent',
  'pooling',
  'activation',
  'normalisation',
  'shape',
  'arithmetic',
  'other',
];

/** Reads the colours from the style sheet, so that they are written once. */
export function readPalette(element: Element): Palette {
  const style = getComputedStyle(element);
  const get = (name: string): string => style.getPropertyValue(name).trim();
  const family = {} as Record<NodeFamily, string>;
  for (const name of kFamilies) family[name] = get(`--family-${name}`);
  return {
    family,
    onFamily: get('--on-family'),
    box: get('--surface'),
    line: get('--box-line'),
    edge: get('--edge'),
    text: get('--text'),
    quiet: get('--quiet'),
    accent: get('--accent'),
    linked: get('--linked'),
    danger: get('--danger'),
    warning: get('--warning'),
    background: get('--canvas'),
  };
}

/** Edges that lie near each other, as one path. */
interface EdgeGroup {
  lines: Path2D;
  arrows: Path2D;
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** Everything about a scene that does not change while it is looked at. */
export interface Drawing {
  scene: Scene;
  layout: LayoutResult;
  groups: EdgeGroup[];
  /** Scene indices by colour, so that far away few state changes are made. */
  byFamily: { family: NodeFamily; nodes: Int32Array }[];
  /** Edge indices by where they leave and enter. */
  edgesOf: number[][];
}

const kGroupSize = 48;
const kRadius = 6;
// Smaller than this, texts are not read any more: first the details go, then the titles.
const kDetailScale = 0.55;
const kTitleScale = 0.28;

/** Adds edge `e` to `lines`, and its head to `arrows`. */
export function traceEdge(layout: LayoutResult, e: number, lines: Path2D, arrows: Path2D): void {
  const { points, start } = layout;
  const begin = start[e]!;
  const end = start[e + 1]!;
  if (end - begin < 4) return;
  let x = points[begin]!;
  let y = points[begin + 1]!;
  lines.moveTo(x, y);
  for (let i = begin + 2; i < end; i += 2) {
    const nextX = points[i]!;
    const last = i + 2 >= end;
    const nextY = points[i + 1]! - (last ? 6 : 0);
    if (nextX === x) lines.lineTo(nextX, nextY);
    else {
      const middle = (y + nextY) / 2;
      lines.bezierCurveTo(x, middle, nextX, middle, nextX, nextY);
    }
    x = nextX;
    y = nextY;
  }
  arrows.moveTo(x, y + 6);
  arrows.lineTo(x - 3.5, y - 1);
  arrows.lineTo(x + 3.5, y - 1);
  arrows.closePath();
}

export function prepareDrawing(scene: Scene, layout: LayoutResult): Drawing {
  const { points, start } = layout;
  const order = scene.edges
    .map((_, e) => e)
    .sort((a, b) => points[start[a]! + 1]! - points[start[b]! + 1]!);
  const groups: EdgeGroup[] = [];
  for (let i = 0; i < order.length; i += kGroupSize) {
    const group: EdgeGroup = {
      lines: new Path2D(),
      arrows: new Path2D(),
      left: Infinity,
      top: Infinity,
      right: -Infinity,
      bottom: -Infinity,
    };
    for (const e of order.slice(i, i + kGroupSize)) {
      traceEdge(layout, e, group.lines, group.arrows);
      for (let p = start[e]!; p < start[e + 1]!; p += 2) {
        group.left = Math.min(group.left, points[p]!);
        group.right = Math.max(group.right, points[p]!);
        group.top = Math.min(group.top, points[p + 1]!);
        group.bottom = Math.max(group.bottom, points[p + 1]!);
      }
    }
    groups.push(group);
  }
  const byFamily = kFamilies.map((family) => ({
    family,
    nodes: Int32Array.from(scene.nodes.flatMap((node, i) => (node.family === family ? [i] : []))),
  }));
  const edgesOf: number[][] = scene.nodes.map(() => []);
  scene.edges.forEach((edge, e) => {
    edgesOf[edge.from]!.push(e);
    edgesOf[edge.to]!.push(e);
  });
  return { scene, layout, groups, byFamily, edgesOf };
}

export interface Frame {
  camera: Camera;
  width: number;
  height: number;
  ratio: number;
}

export function draw(
  context: CanvasRenderingContext2D,
  drawing: Drawing,
  frame: Frame,
  palette: Palette,
  emphasis: Emphasis,
): void {
  const { camera, width, height, ratio } = frame;
  const { scene, layout } = drawing;
  const { scale } = camera;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, width * ratio, height * ratio);
  context.setTransform(scale * ratio, 0, 0, scale * ratio, camera.x * ratio, camera.y * ratio);
  const left = -camera.x / scale;
  const top = -camera.y / scale;
  const right = left + width / scale;
  const bottom = top + height / scale;

  context.lineWidth = Math.max(1.1, 0.7 / scale);
  context.strokeStyle = palette.edge;
  context.fillStyle = palette.edge;
  for (const group of drawing.groups) {
    if (group.right < left || group.left > right || group.bottom < top || group.top > bottom) {
      continue;
    }
    context.stroke(group.lines);
    if (scale >= kTitleScale) context.fill(group.arrows);
  }
  drawOwnEdges(context, drawing, palette, emphasis, scale);

  const visible = (i: number): boolean => {
    const node = scene.nodes[i]!;
    const x = layout.x[i]!;
    const y = layout.y[i]!;
    return x <= right && x + node.width >= left && y <= bottom && y + node.height >= top;
  };
  if (scale < kTitleScale) {
    for (const { family, nodes } of drawing.byFamily) {
      context.fillStyle = palette.family[family];
      for (const i of nodes) {
        if (!visible(i)) continue;
        const node = scene.nodes[i]!;
        context.fillRect(layout.x[i]!, layout.y[i]!, node.width, node.height);
      }
    }
  } else {
    if (scale >= kDetailScale) drawLabels(context, drawing, palette, left, top, right, bottom);
    for (let i = 0; i < scene.nodes.length; ++i) {
      if (visible(i)) drawBox(context, drawing, i, palette, scale >= kDetailScale);
    }
  }
  drawEmphasis(context, drawing, palette, emphasis, scale, visible);
}

function drawOwnEdges(
  context: CanvasRenderingContext2D,
  drawing: Drawing,
  palette: Palette,
  emphasis: Emphasis,
  scale: number,
): void {
  const shown = emphasis.hover >= 0 ? emphasis.hover : emphasis.selected;
  if (shown < 0) return;
  const lines = new Path2D();
  const arrows = new Path2D();
  for (const e of drawing.edgesOf[shown]!) traceEdge(drawing.layout, e, lines, arrows);
  context.lineWidth = Math.max(1.8, 1.2 / scale);
  context.strokeStyle = palette.accent;
  context.fillStyle = palette.accent;
  context.stroke(lines);
  if (scale >= kTitleScale) context.fill(arrows);
}

function drawLabels(
  context: CanvasRenderingContext2D,
  drawing: Drawing,
  palette: Palette,
  left: number,
  top: number,
  right: number,
  bottom: number,
): void {
  const { scene, layout } = drawing;
  context.font = '10px system-ui, sans-serif';
  context.textBaseline = 'middle';
  context.textAlign = 'center';
  let lastTensor = -1;
  scene.edges.forEach((edge, e) => {
    // Edges of one tensor leave the same box: its shape is said once.
    if (edge.tensor === lastTensor) return;
    lastTensor = edge.tensor;
    const begin = layout.start[e]!;
    const x = layout.points[begin]!;
    const y = layout.points[begin + 1]! + 11;
    if (x < left - 60 || x > right + 60 || y < top - 10 || y > bottom + 10) return;
    const width = textWidth(edge.label, kTextFont) * 0.92 + 6;
    context.fillStyle = palette.background;
    context.fillRect(x - width / 2, y - 6, width, 12);
    context.fillStyle = palette.quiet;
    context.fillText(edge.label, x, y + 0.5);
  });
  context.textAlign = 'left';
}

function drawBox(
  context: CanvasRenderingContext2D,
  drawing: Drawing,
  index: number,
  palette: Palette,
  detail: boolean,
): void {
  const node = drawing.scene.nodes[index]!;
  const x = drawing.layout.x[index]!;
  const y = drawing.layout.y[index]!;
  const { width, height } = node;
  context.textBaseline = 'middle';
  if (node.kind !== 'node') {
    context.beginPath();
    context.roundRect(x, y, width, height, height / 2);
    context.fillStyle = palette.box;
    context.fill();
    context.lineWidth = 1.2;
    context.strokeStyle = palette.line;
    context.stroke();
    context.fillStyle = palette.text;
    context.font = kTitleFont;
    context.textAlign = 'center';
    context.fillText(node.title, x + width / 2, y + height / 2 + 0.5);
    context.textAlign = 'left';
    return;
  }
  const hasBody = height > kHeaderHeight;
  if (hasBody) {
    context.beginPath();
    context.roundRect(x, y, width, height, kRadius);
    context.fillStyle = palette.box;
    context.fill();
  }
  context.beginPath();
  context.roundRect(x, y, width, kHeaderHeight, hasBody ? [kRadius, kRadius, 0, 0] : kRadius);
  context.fillStyle = palette.family[node.family];
  context.fill();
  if (hasBody) {
    context.beginPath();
    context.roundRect(x, y, width, height, kRadius);
    context.lineWidth = 1;
    context.strokeStyle = palette.line;
    context.stroke();
  }
  context.fillStyle = palette.onFamily;
  context.font = kTitleFont;
  context.fillText(node.title, x + kPadding, y + kHeaderHeight / 2 + 0.5);
  if (!detail || !hasBody) return;
  context.font = kTextFont;
  let row = y + kHeaderHeight + 3 + kLineHeight / 2;
  for (const line of node.lines) {
    context.fillStyle = line.value ? palette.text : palette.quiet;
    context.fillText(line.label, x + kPadding, row);
    if (line.value) {
      context.fillStyle = palette.quiet;
      context.fillText(line.value, x + kPadding + textWidth(`${line.label}  `, kTextFont), row);
    }
    row += kLineHeight;
  }
  if (node.foot) {
    if (node.lines.length > 0) {
      context.beginPath();
      context.moveTo(x, row - kLineHeight / 2 + 0.5);
      context.lineTo(x + width, row - kLineHeight / 2 + 0.5);
      context.stroke();
    }
    context.fillStyle = palette.family.activation;
    context.fillRect(x + kPadding, row - 3 + 0.5, 6, 6);
    context.fillStyle = palette.text;
    context.fillText(node.foot, x + kPadding + 11, row + 1);
  }
}

function drawEmphasis(
  context: CanvasRenderingContext2D,
  drawing: Drawing,
  palette: Palette,
  emphasis: Emphasis,
  scale: number,
  visible: (i: number) => boolean,
): void {
  const { scene, layout } = drawing;
  const ring = (i: number, colour: string, thickness: number): void => {
    if (i < 0 || !visible(i)) return;
    const node = scene.nodes[i]!;
    const grow = Math.max(3, 2 / scale);
    context.lineWidth = Math.max(thickness, thickness / scale);
    context.strokeStyle = colour;
    context.beginPath();
    const radius = node.kind === 'node' ? kRadius + grow : node.height / 2 + grow;
    context.roundRect(
      layout.x[i]! - grow,
      layout.y[i]! - grow,
      node.width + 2 * grow,
      node.height + 2 * grow,
      radius,
    );
    context.stroke();
  };
  for (const i of emphasis.found) ring(i, palette.warning, 2);
  for (const [i, mark] of emphasis.marks) {
    if (mark === 'blocks') ring(i, palette.danger, 2.5);
    if (!visible(i) || scale < kTitleScale) continue;
    // A mark by shape as well as colour: a cross blocks, an exclamation notes.
    const node = scene.nodes[i]!;
    const x = layout.x[i]! + node.width - kMarkWidth / 2 - 4;
    const y = layout.y[i]! + kHeaderHeight / 2;
    context.fillStyle = palette.box;
    context.beginPath();
    context.arc(x, y, 7, 0, 2 * Math.PI);
    context.fill();
    context.fillStyle = mark === 'blocks' ? palette.danger : palette.warning;
    context.font = '700 11px system-ui, sans-serif';
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    context.fillText(mark === 'blocks' ? '×' : '!', x, y + 0.5);
    context.textAlign = 'left';
  }
  for (const i of emphasis.linked) ring(i, palette.linked, 3);
  if (emphasis.hover !== emphasis.selected) ring(emphasis.hover, palette.accent, 1.5);
  ring(emphasis.selected, palette.accent, 2.5);
}
