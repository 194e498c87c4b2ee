// One graph on a canvas: zoom, pan, pinch, pointing, walking by keyboard. What the canvas shows is
// said through the page's live region; the pane beside it has the same as a list.
import { announce, h, reducedMotion } from '../dom.js';
import {
  draw,
  prepareDrawing,
  readPalette,
  type Camera,
  type Drawing,
  type Emphasis,
  type Mark,
  type Palette,
} from './draw.js';
import type { LayoutResult } from './layout.js';
import type { Scene } from './scene.js';

export interface ViewEvents {
  /** Scene index under the pointer, or -1. */
  hover(index: number): void;
  /** A box became the current one, or none (-1). */
  select(index: number): void;
  /** Open the panel of the current box. */
  activate(index: number): void;
  /** What readers hear when the keyboard walks onto a box. */
  describe(index: number): string;
  /** Escape was pressed. */
  escape(): void;
}

const kMinimum = 0.004;
const kMaximum = 4;
const kReadable = 0.62;
const kMargin = 24;

export class GraphView {
  readonly element: HTMLElement;
  private readonly canvas: HTMLCanvasElement;
  private readonly context: CanvasRenderingContext2D;
  private readonly observer: ResizeObserver;
  private drawing: Drawing | undefined;
  private palette: Palette | undefined;
  private camera: Camera = { scale: 1, x: 0, y: 0 };
  private width = 0;
  private height = 0;
  private framed = false;
  private scheduled = 0;
  private animation = 0;
  private readonly pointers = new Map<number, { x: number; y: number }>();
  private dragged = 0;
  private pinch = 0;
  private emphasis: Emphasis = {
    hover: -1,
    selected: -1,
    linked: new Set(),
    marks: new Map(),
    found: new Set(),
  };
  /** What lies over the canvas at the right and below: boxes are shown beside it. */
  private cover = { right: 0, bottom: 0 };
  private pendingReveal: readonly number[] | undefined;

  constructor(
    label: string,
    private readonly events: ViewEvents,
  ) {
    this.canvas = h('canvas', { 'aria-hidden': 'true' });
    this.element = h(
      'div',
      { class: 'graph-canvas', tabindex: '0', role: 'application', 'aria-label': label },
      this.canvas,
    );
    const context = this.canvas.getContext('2d');
    if (!context) throw new Error('no canvas to draw on');
    this.context = context;
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(this.element);
    this.listen();
  }

  dispose(): void {
    this.observer.disconnect();
    cancelAnimationFrame(this.scheduled);
    cancelAnimationFrame(this.animation);
  }

  set(scene: Scene, layout: LayoutResult): void {
    this.drawing = prepareDrawing(scene, layout);
    this.framed = false;
    this.frameFirst();
    this.redraw();
  }

  get selected(): number {
    return this.emphasis.selected;
  }

  /** Makes a box the current one; the pointer or the keyboard did, or someone outside. */
  select(index: number): void {
    if (index === this.emphasis.selected) return;
    this.emphasis.selected = index;
    this.redraw();
  }

  link(indices: ReadonlySet<number>): void {
    this.emphasis.linked = indices;
    this.redraw();
  }

  mark(marks: ReadonlyMap<number, Mark>): void {
    this.emphasis.marks = marks;
    this.redraw();
  }

  found(indices: ReadonlySet<number>): void {
    this.emphasis.found = indices;
    this.redraw();
  }

  /** Colours have changed. */
  recolour(): void {
    this.palette = undefined;
    this.redraw();
  }

  /** Says how much of the canvas the panel covers. */
  covered(right: number, bottom: number): void {
    this.cover = { right, bottom };
  }

  /** Brings boxes into view, with as little movement as will do. */
  reveal(indices: readonly number[]): void {
    if (!this.drawing || indices.length === 0) return;
    if (this.width === 0) {
      this.pendingReveal = indices;
      return;
    }
    const { layout, scene } = this.drawing;
    let left = Infinity;
    let top = Infinity;
    let right = -Infinity;
    let bottom = -Infinity;
    for (const i of indices) {
      left = Math.min(left, layout.x[i]!);
      top = Math.min(top, layout.y[i]!);
      right = Math.max(right, layout.x[i]! + scene.nodes[i]!.width);
      bottom = Math.max(bottom, layout.y[i]! + scene.nodes[i]!.height);
    }
    const width = Math.max(2 * kMargin + 80, this.width - this.cover.right);
    const height = Math.max(2 * kMargin + 40, this.height - this.cover.bottom);
    let scale = Math.max(this.camera.scale, kReadable);
    const fits = (s: number): boolean =>
      (right - left) * s < width - 2 * kMargin && (bottom - top) * s < height - 2 * kMargin;
    if (!fits(scale) && indices.length > 1) {
      scale = Math.max(
        0.3,
        Math.min((width - 2 * kMargin) / (right - left), (height - 2 * kMargin) / (bottom - top)),
      );
    }
    const now = this.camera;
    const inside =
      scale === now.scale &&
      left * scale + now.x >= kMargin &&
      right * scale + now.x <= width - kMargin &&
      top * scale + now.y >= kMargin &&
      bottom * scale + now.y <= height - kMargin;
    if (inside) return;
    this.moveTo({
      scale,
      x: width / 2 - ((left + right) / 2) * scale,
      y: height / 2 - ((top + bottom) / 2) * scale,
    });
  }

  fit(): void {
    if (!this.drawing || this.width === 0) return;
    const { width, height } = this.drawing.layout;
    const scale = Math.min(
      1.5,
      (this.width - 2 * kMargin) / Math.max(1, width),
      (this.height - 2 * kMargin) / Math.max(1, height),
    );
    this.moveTo({
      scale,
      x: (this.width - width * scale) / 2,
      y: (this.height - height * scale) / 2,
    });
  }

  zoom(factor: number, x = this.width / 2, y = this.height / 2): void {
    cancelAnimationFrame(this.animation);
    const scale = Math.min(kMaximum, Math.max(kMinimum, this.camera.scale * factor));
    const ratio = scale / this.camera.scale;
    this.camera = { scale, x: x - (x - this.camera.x) * ratio, y: y - (y - this.camera.y) * ratio };
    this.redraw();
  }

  pan(x: number, y: number): void {
    cancelAnimationFrame(this.animation);
    this.camera = { ...this.camera, x: this.camera.x + x, y: this.camera.y + y };
    this.redraw();
  }

  /** The first look: all of it where that stays readable, else the upper end. */
  private frameFirst(): void {
    if (!this.drawing || this.width === 0 || this.framed) return;
    this.framed = true;
    const { layout } = this.drawing;
    const whole = Math.min(
      (this.width - 2 * kMargin) / layout.width,
      (this.height - 2 * kMargin) / layout.height,
    );
    const across = (this.width - 2 * kMargin) / layout.width;
    const scale =
      whole >= kReadable ? Math.min(1, whole) : Math.min(1, Math.max(kReadable, across));
    // A graph wider than the pane is entered where it begins, not at its empty corner.
    const entry = layout.width * scale <= this.width ? layout.width / 2 : this.entry();
    const y = whole >= kReadable ? (this.height - layout.height * scale) / 2 : kMargin;
    this.camera = { scale, x: this.width / 2 - entry * scale, y };
    if (this.pendingReveal) {
      const indices = this.pendingReveal;
      this.pendingReveal = undefined;
      this.reveal(indices);
    }
  }

  private entry(): number {
    const { layout, scene } = this.drawing!;
    let first = 0;
    for (let i = 1; i < scene.nodes.length; ++i) if (layout.y[i]! < layout.y[first]!) first = i;
    return scene.nodes.length > 0 ? layout.x[first]! + scene.nodes[first]!.width / 2 : 0;
  }

  private moveTo(target: Camera): void {
    cancelAnimationFrame(this.animation);
    if (reducedMotion()) {
      this.camera = target;
      this.redraw();
      return;
    }
    const from = this.camera;
    const begin = performance.now();
    const step = (now: number): void => {
      const t = Math.min(1, Math.max(0, (now - begin) / 220));
      const eased = 1 - (1 - t) ** 3;
      const mix = (a: number, b: number): number => a + (b - a) * eased;
      this.camera = {
        scale: mix(from.scale, target.scale),
        x: mix(from.x, target.x),
        y: mix(from.y, target.y),
      };
      this.redraw();
      if (t < 1) this.animation = requestAnimationFrame(step);
    };
    this.animation = requestAnimationFrame(step);
  }

  private resize(): void {
    const { clientWidth, clientHeight } = this.element;
    if (clientWidth === 0 || clientHeight === 0) return;
    if (this.framed && this.width > 0) {
      this.camera = {
        ...this.camera,
        x: this.camera.x + (clientWidth - this.width) / 2,
      };
    }
    this.width = clientWidth;
    this.height = clientHeight;
    const ratio = devicePixelRatio || 1;
    this.canvas.width = Math.round(clientWidth * ratio);
    this.canvas.height = Math.round(clientHeight * ratio);
    this.frameFirst();
    this.paint();
  }

  private redraw(): void {
    if (this.scheduled) return;
    this.scheduled = requestAnimationFrame(() => {
      this.scheduled = 0;
      this.paint();
    });
  }

  private paint(): void {
    if (!this.drawing || this.width === 0) return;
    this.palette ??= readPalette(this.element);
    const frame = {
      camera: this.camera,
      width: this.width,
      height: this.height,
      ratio: devicePixelRatio || 1,
    };
    draw(this.context, this.drawing, frame, this.palette, this.emphasis);
  }

  /** The box at a point of the canvas, or -1. */
  private at(x: number, y: number): number {
    if (!this.drawing) return -1;
    const { layout, scene } = this.drawing;
    const worldX = (x - this.camera.x) / this.camera.scale;
    const worldY = (y - this.camera.y) / this.camera.scale;
    // Far away boxes are a pixel: let them be hit all the same.
    const slack = Math.min(12, 2 / this.camera.scale);
    for (let i = 0; i < scene.nodes.length; ++i) {
      const node = scene.nodes[i]!;
      if (
        worldX >= layout.x[i]! - slack &&
        worldX <= layout.x[i]! + node.width + slack &&
        worldY >= layout.y[i]! - slack &&
        worldY <= layout.y[i]! + node.height + slack
      ) {
        return i;
      }
    }
    return -1;
  }

  private local(event: MouseEvent): { x: number; y: number } {
    const box = this.element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  private hover(index: number): void {
    if (index === this.emphasis.hover) return;
    this.emphasis.hover = index;
    this.element.classList.toggle('pointing', index >= 0);
    this.events.hover(index);
    this.redraw();
  }

  private listen(): void {
    const element = this.element;
    element.addEventListener(
      'wheel',
      (event) => {
        event.preventDefault();
        const { x, y } = this.local(event);
        const lines = event.deltaMode === 1 ? 16 : 1;
        const speed = event.ctrlKey ? 0.01 : 0.0016;
        this.zoom(Math.exp(-event.deltaY * lines * speed), x, y);
      },
      { passive: false },
    );
    element.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      element.setPointerCapture(event.pointerId);
      this.pointers.set(event.pointerId, this.local(event));
      this.dragged = 0;
      this.pinch = this.spread();
    });
    element.addEventListener('pointermove', (event) => this.moved(event));
    element.addEventListener('pointerup', (event) => {
      if (!this.pointers.delete(event.pointerId)) return;
      element.classList.remove('dragging');
      if (this.pointers.size > 0) {
        this.pinch = this.spread();
        return;
      }
      if (this.dragged > 4) return;
      const { x, y } = this.local(event);
      const index = this.at(x, y);
      this.emphasis.selected = index;
      this.redraw();
      this.events.select(index);
      if (index >= 0) this.events.activate(index);
    });
    element.addEventListener('pointercancel', (event) => this.pointers.delete(event.pointerId));
    element.addEventListener('pointerleave', () => this.hover(-1));
    element.addEventListener('dblclick', () => this.fit());
    element.addEventListener('keydown', (event) => this.key(event));
  }

  private spread(): number {
    const [a, b] = [...this.pointers.values()];
    return a && b ? Math.hypot(a.x - b.x, a.y - b.y) : 0;
  }

  private moved(event: PointerEvent): void {
    const now = this.local(event);
    const before = this.pointers.get(event.pointerId);
    if (!before) {
      this.hover(this.at(now.x, now.y));
      return;
    }
    if (this.pointers.size === 1) {
      this.pan(now.x - before.x, now.y - before.y);
    } else {
      this.pan((now.x - before.x) / this.pointers.size, (now.y - before.y) / this.pointers.size);
    }
    this.dragged += Math.abs(now.x - before.x) + Math.abs(now.y - before.y);
    if (this.dragged > 4) {
      this.element.classList.add('dragging');
      this.hover(-1);
    }
    this.pointers.set(event.pointerId, now);
    if (this.pointers.size === 2) {
      const spread = this.spread();
      const [a, b] = [...this.pointers.values()];
      if (this.pinch > 0 && spread > 0) {
        this.zoom(spread / this.pinch, (a!.x + b!.x) / 2, (a!.y + b!.y) / 2);
      }
      this.pinch = spread;
    }
  }

  private key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { key } = event;
    if (event.shiftKey && key.startsWith('Arrow')) {
      const step = 60;
      this.pan(
        key === 'ArrowLeft' ? step : key === 'ArrowRight' ? -step : 0,
        key === 'ArrowUp' ? step : key === 'ArrowDown' ? -step : 0,
      );
    } else if (key.startsWith('Arrow') || key === 'Home' || key === 'End') {
      this.walk(key);
    } else if (key === 'Enter' || key === ' ') {
      if (this.emphasis.selected >= 0) this.events.activate(this.emphasis.selected);
    } else if (key === 'Escape') {
      this.events.escape();
    } else if (key === '+' || key === '=') {
      this.zoom(1.25);
    } else if (key === '-') {
      this.zoom(0.8);
    } else if (key === '0') {
      this.fit();
    } else return;
    event.preventDefault();
  }

  /** Up and down follow edges; left and right go to the neighbours beside. */
  private walk(key: string): void {
    if (!this.drawing || this.drawing.scene.nodes.length === 0) return;
    const { scene, layout, edgesOf } = this.drawing;
    const current = this.emphasis.selected;
    const order = (): number[] =>
      scene.nodes
        .map((_, i) => i)
        .sort((a, b) => layout.y[a]! - layout.y[b]! || layout.x[a]! - layout.x[b]!);
    let next = -1;
    if (current < 0 || key === 'Home') next = order()[0]!;
    else if (key === 'End') next = order().at(-1)!;
    else if (key === 'ArrowDown' || key === 'ArrowUp') {
      const down = key === 'ArrowDown';
      const ways = edgesOf[current]!.map((e) => scene.edges[e]!).filter(
        (edge) => (down ? edge.from : edge.to) === current,
      );
      const ends = ways.map((edge) => (down ? edge.to : edge.from));
      const middle = (i: number): number => layout.x[i]! + scene.nodes[i]!.width / 2;
      // The nearest rank first, then the one most straight ahead.
      ends.sort(
        (a, b) =>
          Math.abs(layout.y[a]! - layout.y[current]!) -
            Math.abs(layout.y[b]! - layout.y[current]!) ||
          Math.abs(middle(a) - middle(current)) - Math.abs(middle(b) - middle(current)),
      );
      next = ends[0] ?? -1;
    } else {
      const centre = layout.y[current]! + scene.nodes[current]!.height / 2;
      let nearest = Infinity;
      scene.nodes.forEach((node, i) => {
        if (i === current || layout.y[i]! > centre || layout.y[i]! + node.height < centre) return;
        const distance = (layout.x[i]! - layout.x[current]!) * (key === 'ArrowRight' ? 1 : -1);
        if (distance > 0 && distance < nearest) {
          nearest = distance;
          next = i;
        }
      });
    }
    if (next < 0) return;
    this.emphasis.selected = next;
    this.events.select(next);
    this.reveal([next]);
    this.redraw();
    announce(this.events.describe(next));
  }
}
