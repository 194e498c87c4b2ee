// The two graphs side by side, tied to each other: pointing at a layer lights up what it became.
import type { Compatibility, ConvertReport, Inspection, Issue } from 'zeolite';
import { fill, h } from '../dom.js';
import { integer } from '../format.js';
import { t } from '../strings/index.js';
import type { Mark } from './draw.js';
import { Links, type Ref } from './links.js';
import { Pane } from './pane.js';
import type { Relations } from './panel.js';

export interface WorkspaceInput {
  source: Inspection | undefined;
  target: Inspection | undefined;
  report: ConvertReport | undefined;
  /** Why the source was refused, by layer. */
  issues: readonly Issue[];
}

type Side = 'source' | 'target';

interface Note {
  severity: string;
  reason: string;
  help: string;
}

export class Workspace {
  readonly element: HTMLElement;
  private readonly panes: Partial<Record<Side, Pane>> = {};
  private readonly links: Links;
  private readonly notes: Record<Side, Map<string, Note[]>> = {
    source: new Map(),
    target: new Map(),
  };
  private readonly switches = new Map<Side, HTMLButtonElement>();
  private share = 0.5;

  constructor(private readonly input: WorkspaceInput) {
    const { source, target, report } = input;
    this.links = new Links(source, target, report);
    if (source) {
      this.collectNotes(
        'source',
        source,
        [...source.compatibility, ...(report?.compatibility ?? [])],
        input.issues,
      );
    }
    if (target) this.collectNotes('target', target, target.compatibility, []);
    this.element = h('div', { class: 'workspace' });
    if (source) {
      this.panes.source = this.makePane(
        'source',
        source,
        t.formats[source.format] ?? t.graph.source,
      );
    }
    if (target) this.panes.target = this.makePane('target', target, t.graph.target);
    const both = source && target;
    fill(
      this.element,
      both ? this.makeSwitch() : null,
      this.panes.source?.element,
      both ? this.makeDivider() : null,
      this.panes.target?.element,
    );
    this.element.classList.toggle('single', !both);
    this.setShare(0.5);
    this.show(target ? 'target' : 'source');
  }

  dispose(): void {
    this.panes.source?.dispose();
    this.panes.target?.dispose();
  }

  /** Opens a node's panel in its graph; used by the report and by the panels' links. */
  open(side: Side, ref: Ref): void {
    this.show(side);
    this.element.scrollIntoView({ block: 'nearest' });
    void this.panes[side]?.choose(ref);
  }

  /** Brings a node into view without opening it. */
  async reveal(side: Side, ref: Ref): Promise<void> {
    await this.panes[side]?.reveal([ref]);
  }

  /** Where the layer of that path, or the operator, is. */
  find(side: Side, path: string): Ref | undefined {
    const inspection = side === 'source' ? this.input.source : this.input.target;
    for (const [graph, { nodes }] of (inspection?.graphs ?? []).entries()) {
      const node = nodes.findIndex((one) => one.path === path);
      if (node >= 0) return { graph, node };
    }
    return undefined;
  }

  /** Into what a layer was folded; undefined when it has operators of its own, or none. */
  folded(layer: Ref): string | undefined {
    return this.links.folded(layer);
  }

  private makePane(side: Side, inspection: Inspection, title: string): Pane {
    const count = inspection.graphs.reduce((sum, graph) => sum + graph.nodes.length, 0);
    const other: Side = side === 'source' ? 'target' : 'source';
    const related = (ref: Ref | undefined): readonly Ref[] =>
      !ref ? [] : side === 'source' ? this.links.became(ref) : this.links.cameFrom(ref);
    let pointed: Ref | undefined;
    let chosen: Ref | undefined;
    const relight = (): void => this.panes[other]?.link(related(pointed ?? chosen));
    return new Pane({
      title,
      subtitle: side === 'source' ? t.reading.layers(count) : t.reading.operators(count),
      inspection,
      showNames: side === 'source',
      relations: (ref) => this.relations(side, ref),
      marks: this.marks(side, inspection),
      onPoint: (ref) => {
        pointed = ref;
        relight();
      },
      onChoose: (ref) => {
        chosen = ref;
        relight();
        if (ref) void this.panes[other]?.reveal(related(ref));
      },
    });
  }

  private collectNotes(
    side: Side,
    inspection: Inspection,
    facts: readonly Compatibility[],
    issues: readonly Issue[],
  ): void {
    const add = (name: string | undefined, note: Note): void => {
      if (!name) return;
      const list = this.notes[side].get(name) ?? [];
      if (!list.some((other) => other.reason === note.reason)) list.push(note);
      this.notes[side].set(name, list);
    };
    for (const { subject, severity, reason, help } of facts) {
      if (severity !== 'ok') {
        add(side === 'source' ? subject.layer : subject.operator, { severity, reason, help });
      }
    }
    const nodes = inspection.graphs.flatMap((graph) => graph.nodes);
    for (const { name, index, layer, reason, help } of issues) {
      const path = nodes.some((node) => node.path === name || node.name === name)
        ? name
        : layer
          ? nodes[index]?.path
          : undefined;
      add(path, { severity: 'blocks', reason, help });
    }
  }

  private notesOf(side: Side, ref: Ref): readonly Note[] {
    const node = (side === 'source' ? this.input.source : this.input.target)?.graphs[ref.graph]
      ?.nodes[ref.node];
    if (!node) return [];
    const notes = this.notes[side];
    return notes.get(node.path) ?? notes.get(node.name) ?? [];
  }

  private marks(side: Side, inspection: Inspection): { ref: Ref; mark: Mark }[] {
    return inspection.graphs.flatMap(({ nodes }, graph) =>
      nodes.flatMap((_, node) => {
        const notes = this.notesOf(side, { graph, node });
        if (notes.length === 0) return [];
        const mark: Mark = notes.some((note) => note.severity === 'blocks') ? 'blocks' : 'note';
        return [{ ref: { graph, node }, mark }];
      }),
    );
  }

  private relations(side: Side, ref: Ref): Relations {
    const other: Side = side === 'source' ? 'target' : 'source';
    const inspection = other === 'source' ? this.input.source : this.input.target;
    const refs = side === 'source' ? this.links.became(ref) : this.links.cameFrom(ref);
    const folded = side === 'source' ? this.links.folded(ref) : undefined;
    return {
      heading: side === 'source' ? t.panel.became : t.panel.cameFrom,
      links: refs.flatMap((to) => {
        const node = inspection?.graphs[to.graph]?.nodes[to.node];
        if (!node) return [];
        const label =
          other === 'source' ? `${node.class} ${node.path}` : `${node.class} ${integer(to.node)}`;
        return [{ label, open: () => this.open(other, to) }];
      }),
      folded,
      none:
        this.input.report && side === 'source' && refs.length === 0 ? t.panel.nothing : undefined,
      notes: this.notesOf(side, ref),
    };
  }

  /** On narrow screens one graph at a time. */
  private makeSwitch(): HTMLElement {
    const button = (side: Side, label: string): HTMLButtonElement => {
      const made = h(
        'button',
        { type: 'button', class: 'segment', on: { click: () => this.show(side) } },
        label,
      );
      this.switches.set(side, made);
      return made;
    };
    return h(
      'div',
      { class: 'segments graph-switch', role: 'group', 'aria-label': t.result.switchLabel },
      button('source', t.result.before),
      button('target', t.result.after),
    );
  }

  private show(side: Side): void {
    this.element.dataset.shown = side;
    for (const [other, button] of this.switches) {
      button.setAttribute('aria-pressed', String(other === side));
    }
  }

  private setShare(share: number): void {
    this.share = Math.min(0.85, Math.max(0.15, share));
    this.element.style.setProperty('--share', String(this.share));
    this.element
      .querySelector('.divider')
      ?.setAttribute('aria-valuenow', String(Math.round(this.share * 100)));
  }

  private makeDivider(): HTMLElement {
    const divider = h('div', {
      class: 'divider',
      role: 'separator',
      tabindex: '0',
      'aria-orientation': 'vertical',
      'aria-label': t.result.divider,
      'aria-valuemin': '15',
      'aria-valuemax': '85',
      'aria-valuenow': '50',
    });
    divider.addEventListener('pointerdown', (event) => {
      divider.setPointerCapture(event.pointerId);
      const move = (moved: PointerEvent): void => {
        const box = this.element.getBoundingClientRect();
        this.setShare((moved.clientX - box.left) / box.width);
      };
      divider.addEventListener('pointermove', move);
      const end = (): void => divider.removeEventListener('pointermove', move);
      divider.addEventListener('pointerup', end, { once: true });
      divider.addEventListener('pointercancel', end, { once: true });
    });
    divider.addEventListener('dblclick', () => this.setShare(0.5));
    divider.addEventListener('keydown', (event) => {
      const step = event.key === 'ArrowLeft' ? -0.05 : event.key === 'ArrowRight' ? 0.05 : 0;
      if (step === 0) return;
      event.preventDefault();
      this.setShare(this.share + step);
    });
    return divider;
  }
}
