// One graph with its tools: zoom, search, list, panel; and which of the file's graphs is shown.
import type { Inspection } from 'zeolite';
import { inBackground } from '../background.js';
import { announce, fill, h, uniqueId } from '../dom.js';
import { shapeOf } from '../format.js';
import { icon, type IconName } from '../icons.js';
import { t } from '../strings/index.js';
import { onTheme } from '../theme.js';
import type { Mark } from './draw.js';
import type { Ref } from './links.js';
import { panelContent, type Relations } from './panel.js';
import { makeScene, type Scene } from './scene.js';
import { GraphView } from './view.js';

export interface PaneOptions {
  title: string;
  subtitle: string;
  inspection: Inspection;
  /** Boxes say the layers' own names. */
  showNames: boolean;
  /** What the other graph has to do with a node. */
  relations(ref: Ref): Relations;
  /** The pointer is over a node, or over none. */
  onPoint(ref: Ref | undefined): void;
  /** A node was chosen, or none. */
  onChoose(ref: Ref | undefined): void;
  marks: readonly { ref: Ref; mark: Mark }[];
}

function tool(name: IconName, label: string, click: () => void): HTMLButtonElement {
  return h(
    'button',
    { class: 'tool', type: 'button', 'aria-label': label, title: label, on: { click } },
    icon(name),
  );
}

export class Pane {
  readonly element: HTMLElement;
  private readonly view: GraphView;
  private readonly panel: HTMLElement;
  private readonly status = h('p', { class: 'graph-status' });
  private readonly list = h('ol', { class: 'graph-list', hidden: true });
  private readonly choice = h('select', { class: 'select small', 'aria-label': t.graph.subgraph });
  private readonly search: HTMLInputElement;
  private readonly searchCount = h('span', { class: 'search-count' });
  private readonly searchBox: HTMLElement;
  private readonly listButton: HTMLButtonElement;
  private readonly offTheme: () => void;
  private graph = 0;
  private scene: Scene | undefined;
  private arranged: Promise<void> = Promise.resolve();
  private generation = 0;
  private found: number[] = [];
  private foundAt = -1;

  constructor(private readonly options: PaneOptions) {
    this.view = new GraphView(t.graph.label(options.title), {
      hover: (index) => options.onPoint(this.refOf(index)),
      select: (index) => {
        options.onChoose(this.refOf(index));
        if (index < 0) this.closePanel();
        else if (!this.panel.hidden) this.openPanel(index, false);
      },
      activate: (index) => this.openPanel(index, true),
      describe: (index) => this.describe(index),
      escape: () => this.escape(),
    });
    this.panel = h('aside', {
      class: 'panel',
      hidden: true,
      tabindex: '-1',
      'aria-label': t.panel.attributes,
    });
    this.panel.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.escape();
    });
    const searchId = uniqueId('search');
    this.search = h('input', {
      id: searchId,
      class: 'search-input',
      type: 'search',
      placeholder: t.graph.searchPlaceholder,
      'aria-label': t.graph.search,
      autocomplete: 'off',
      spellcheck: 'false',
    });
    this.search.addEventListener('input', () => this.find());
    this.search.addEventListener('keydown', (event) => this.searchKey(event));
    this.searchBox = h(
      'div',
      { class: 'search', hidden: true, role: 'search' },
      this.search,
      this.searchCount,
      tool('close', t.panel.close, () => this.closeSearch()),
    );
    this.listButton = tool('list', t.graph.list, () => this.toggleList());
    this.choice.addEventListener('change', () => this.show(Number(this.choice.value)));
    options.inspection.graphs.forEach((graph, i) =>
      this.choice.append(h('option', { value: i }, graph.name || `${t.graph.subgraph} ${i}`)),
    );
    this.choice.hidden = options.inspection.graphs.length < 2;
    this.element = h(
      'section',
      { class: 'pane', 'aria-label': `${options.title}, ${options.subtitle}` },
      h(
        'header',
        { class: 'pane-head' },
        h('h2', null, options.title),
        h('span', { class: 'pane-sub' }, options.subtitle),
        this.choice,
        h('span', { class: 'bar-space' }),
        this.searchBox,
        tool('search', t.graph.search, () => this.openSearch()),
        this.listButton,
      ),
      h(
        'div',
        { class: 'pane-body' },
        this.view.element,
        this.list,
        this.status,
        h(
          'div',
          { class: 'zoom' },
          tool('plus', t.graph.zoomIn, () => this.view.zoom(1.3)),
          tool('minus', t.graph.zoomOut, () => this.view.zoom(1 / 1.3)),
          tool('fit', t.graph.fit, () => this.view.fit()),
        ),
        this.panel,
      ),
    );
    this.element.addEventListener('keydown', (event) => {
      if (event.key === '/' && !(event.target as Element).closest('input, textarea, select')) {
        event.preventDefault();
        this.openSearch();
      }
    });
    this.offTheme = onTheme(() => this.view.recolour());
    this.show(0);
  }

  dispose(): void {
    this.generation++;
    this.offTheme();
    this.view.dispose();
  }

  /** Sets nodes off because the other graph points at them. */
  link(refs: readonly Ref[]): void {
    this.view.link(new Set(this.boxesOf(refs)));
  }

  /** Shows nodes, and their graph if it is another one. */
  async reveal(refs: readonly Ref[]): Promise<void> {
    const first = refs[0];
    if (!first) return;
    if (first.graph !== this.graph) this.show(first.graph);
    await this.arranged;
    this.view.reveal(this.boxesOf(refs));
  }

  /** Makes a node the chosen one and opens its panel. */
  async choose(ref: Ref, focus = true): Promise<void> {
    await this.reveal([ref]);
    const [box] = this.boxesOf([ref]);
    if (box === undefined) return;
    this.view.select(box);
    this.options.onChoose(ref);
    this.openPanel(box, focus);
  }

  openSearch(): void {
    this.searchBox.hidden = false;
    this.search.focus();
    this.search.select();
  }

  private boxesOf(refs: readonly Ref[]): number[] {
    const { scene } = this;
    if (!scene) return [];
    return refs.flatMap((ref) => {
      const box = ref.graph === this.graph ? scene.byNode[ref.node] : undefined;
      return box === undefined || box < 0 ? [] : [box];
    });
  }

  private refOf(index: number): Ref | undefined {
    const node = this.scene?.nodes[index]?.node ?? -1;
    return node < 0 ? undefined : { graph: this.graph, node };
  }

  private show(graph: number): void {
    const inspected = this.options.inspection.graphs[graph];
    if (!inspected) return;
    this.graph = graph;
    this.choice.value = String(graph);
    this.closePanel();
    this.arranged = this.arrange(makeScene(inspected, this.options.showNames), ++this.generation);
  }

  private async arrange(scene: Scene, generation: number): Promise<void> {
    this.scene = scene;
    fill(this.list);
    if (!this.list.hidden) this.fillList();
    this.status.textContent = t.graph.laying;
    const edges = new Int32Array(scene.edges.length * 2);
    scene.edges.forEach((edge, e) => edges.set([edge.from, edge.to], 2 * e));
    try {
      const placed = await inBackground('layout', {
        width: Float32Array.from(scene.nodes, (node) => node.width),
        height: Float32Array.from(scene.nodes, (node) => node.height),
        edges,
      });
      if (generation !== this.generation) return;
      this.view.set(scene, placed);
      const marks = new Map<number, Mark>();
      for (const { ref, mark } of this.options.marks) {
        for (const box of this.boxesOf([ref])) marks.set(box, mark);
      }
      this.view.mark(marks);
      this.status.textContent = '';
      this.element.dataset.arranged = String(scene.nodes.length);
    } catch {
      if (generation === this.generation) {
        // The list still has everything.
        this.status.textContent = t.graph.failed;
        this.toggleList(true);
      }
    }
  }

  private describe(index: number): string {
    const { scene } = this;
    const box = scene?.nodes[index];
    if (!scene || !box) return '';
    if (box.kind === 'input') return t.graph.input(box.title);
    if (box.kind === 'output') return t.graph.output(box.title);
    const node = scene.graph.nodes[box.node]!;
    const output = scene.graph.tensors[node.outputs[0]?.tensor ?? -1];
    const related = this.options.relations({ graph: this.graph, node: box.node });
    const parts = [t.graph.node(node.name, node.class, output ? shapeOf(output) : '')];
    if (related.links.length > 0) {
      parts.push(`${related.heading} ${related.links.map((link) => link.label).join(', ')}`);
    }
    if (related.folded) parts.push(t.panel.foldedInto(related.folded));
    for (const note of related.notes) parts.push(note.reason);
    return parts.join('. ');
  }

  private openPanel(index: number, focus: boolean): void {
    if (!this.scene) return;
    fill(
      this.panel,
      panelContent(
        this.options.inspection,
        this.graph,
        this.scene,
        index,
        this.options.relations,
        () => this.escape(),
      ),
    );
    this.panel.hidden = false;
    this.panel.scrollTop = 0;
    const canvas = this.view.element;
    const fromBelow = this.panel.offsetWidth >= canvas.clientWidth;
    this.view.covered(
      fromBelow ? 0 : this.panel.offsetWidth,
      fromBelow ? this.panel.offsetHeight : 0,
    );
    this.view.reveal([index]);
    if (focus) this.panel.focus({ preventScroll: true });
  }

  private closePanel(): void {
    if (this.panel.hidden) return;
    this.panel.hidden = true;
    this.view.covered(0, 0);
  }

  /** Escape closes the panel first, then the search, then lets the box go. */
  private escape(): void {
    if (!this.panel.hidden) {
      this.closePanel();
    } else if (!this.searchBox.hidden) {
      this.closeSearch();
    } else {
      this.view.select(-1);
      this.options.onChoose(undefined);
    }
    (this.list.hidden ? this.view.element : this.list).focus({ preventScroll: true });
  }

  private toggleList(on = Boolean(this.list.hidden)): void {
    this.list.hidden = !on;
    if (on && this.list.childElementCount === 0) this.fillList();
    this.view.element.hidden = on;
    const label = on ? t.graph.asGraph : t.graph.list;
    fill(this.listButton, icon(on ? 'graph' : 'list'));
    this.listButton.setAttribute('aria-label', label);
    this.listButton.title = label;
    this.element.classList.toggle('as-list', on);
  }

  private fillList(): void {
    const { scene } = this;
    if (!scene) return;
    this.list.tabIndex = -1;
    fill(
      this.list,
      scene.nodes.map((box, index) => {
        const node = scene.graph.nodes[box.node];
        const output = node
          ? scene.graph.tensors[node.outputs[0]?.tensor ?? -1]
          : scene.graph.tensors[box.tensor];
        return h(
          'li',
          null,
          h(
            'button',
            {
              type: 'button',
              on: {
                click: () => {
                  this.view.select(index);
                  this.options.onChoose(this.refOf(index));
                  this.openPanel(index, true);
                },
                focus: () => this.options.onPoint(this.refOf(index)),
                blur: () => this.options.onPoint(undefined),
              },
            },
            h('span', { class: `swatch family-${box.family}` }),
            h(
              'strong',
              null,
              node ? node.class : box.kind === 'input' ? t.panel.input : t.panel.output,
            ),
            h('span', { class: 'list-name' }, node ? node.name : box.title),
            h('span', { class: 'list-shape' }, output ? shapeOf(output) : ''),
          ),
        );
      }),
    );
  }

  private find(): void {
    const { scene } = this;
    const wanted = this.search.value.trim().toLowerCase();
    this.found = [];
    this.foundAt = -1;
    if (scene && wanted) {
      const has = (text: string | undefined): boolean =>
        text?.toLowerCase().includes(wanted) ?? false;
      // By type or own name first; where none is meant, whatever touches a tensor of that name.
      const own = (index: number): boolean => {
        const box = scene.nodes[index]!;
        const node = scene.graph.nodes[box.node];
        return node
          ? has(node.class) || (this.options.showNames && (has(node.name) || has(node.path)))
          : has(box.title);
      };
      const touches = (index: number): boolean => {
        const node = scene.graph.nodes[scene.nodes[index]!.node];
        return (
          node !== undefined &&
          (has(node.name) ||
            [...node.inputs, ...node.outputs].some(({ tensor }) =>
              has(scene.graph.tensors[tensor]?.name),
            ))
        );
      };
      const all = scene.nodes.map((_, index) => index);
      this.found = all.filter(own);
      if (this.found.length === 0) this.found = all.filter(touches);
    }
    this.view.found(new Set(this.found));
    this.searchCount.textContent = wanted && this.found.length === 0 ? t.graph.searchNone : '';
    if (wanted) this.nextFound(1);
  }

  private nextFound(step: number): void {
    if (this.found.length === 0) {
      announce(this.searchCount.textContent ?? '');
      return;
    }
    this.foundAt = (this.foundAt + step + this.found.length) % this.found.length;
    const index = this.found[this.foundAt]!;
    this.searchCount.textContent = t.graph.searchCount(this.foundAt + 1, this.found.length);
    this.view.select(index);
    this.view.reveal([index]);
    this.options.onChoose(this.refOf(index));
    announce(`${this.searchCount.textContent}. ${this.describe(index)}`);
  }

  private searchKey(event: KeyboardEvent): void {
    if (event.key === 'Enter' || event.key === 'ArrowDown') this.nextFound(event.shiftKey ? -1 : 1);
    else if (event.key === 'ArrowUp') this.nextFound(-1);
    else if (event.key === 'Escape') this.closeSearch();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  private closeSearch(): void {
    this.searchBox.hidden = true;
    this.search.value = '';
    this.find();
    this.view.element.focus({ preventScroll: true });
  }
}
