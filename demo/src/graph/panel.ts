// The side panel: all that is known of one box.
import type { AttributeValue, Inspection, TensorStats } from 'zeolite';
import { fill, h } from '../dom.js';
import { bytes, integer, percent, sentence, shapeOf, short, text } from '../format.js';
import { icon } from '../icons.js';
import { t } from '../strings/index.js';
import { histogram } from '../charts.js';
import type { Ref } from './links.js';
import type { Scene } from './scene.js';

export interface PanelLink {
  label: string;
  open(): void;
}

/** What the panel says about the other graph. */
export interface Relations {
  heading: string;
  links: readonly PanelLink[];
  folded: string | undefined;
  /** Nothing on the other side, and that is as it should be. */
  none: string | undefined;
  notes: readonly { severity: string; reason: string; help: string }[];
}

/** `fused_activation_function` becomes "Fused activation function", `stride_w` "Stride width". */
export function inWords(key: string): string {
  const words = key
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .replace(/[_\-.]+/g, ' ')
    .trim()
    .toLowerCase()
    .replace(/\bd\b/g, 'depth')
    .replace(/\bh\b/g, 'height')
    .replace(/\bw\b/g, 'width');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function value(attribute: AttributeValue): string {
  if (attribute === null) return '–';
  if (typeof attribute === 'boolean') return attribute ? t.panel.yes : t.panel.no;
  if (typeof attribute === 'number') {
    return Number.isInteger(attribute) ? String(attribute) : short(attribute);
  }
  if (typeof attribute === 'string') return attribute;
  if (Array.isArray(attribute)) {
    return attribute.every((one) => typeof one === 'number')
      ? attribute.join(' × ')
      : attribute.map(value).join(', ');
  }
  // Keras writes objects of its own as their class and its settings: the class says most.
  const { class_name: className, config } = attribute;
  if (typeof className === 'string') {
    const name =
      config && typeof config === 'object' && !Array.isArray(config) ? config['name'] : undefined;
    return typeof name === 'string' ? name : className;
  }
  return Object.entries(attribute)
    .map(([key, one]) => `${inWords(key)}: ${value(one)}`)
    .join('; ');
}

function rows(entries: readonly (readonly [string, Node | string])[]): HTMLElement {
  return h(
    'dl',
    { class: 'pairs' },
    entries.map(([label, content]) => [h('dt', null, label), h('dd', null, content)]),
  );
}

function section(title: string, ...content: (HTMLElement | null)[]): HTMLElement {
  return h('section', null, h('h3', null, title), content);
}

function tensorBlock(
  inspection: Inspection,
  graph: number,
  index: number,
  role: string,
): HTMLElement {
  const tensor = inspection.graphs[graph]?.tensors[index];
  if (!tensor) {
    return h(
      'div',
      { class: 'tensor' },
      h('div', { class: 'tensor-head' }, h('strong', null, role), ` ${t.panel.absent}`),
    );
  }
  const block = h(
    'div',
    { class: 'tensor' },
    h(
      'div',
      { class: 'tensor-head' },
      h('strong', null, role),
      h('span', { class: 'tensor-type' }, `${tensor.dtype}  ${shapeOf(tensor)}`),
    ),
    h('div', { class: 'tensor-name' }, tensor.name),
  );
  const { quantization } = tensor;
  if (quantization && quantization.scale.length > 0) {
    const words =
      quantization.scale.length === 1
        ? `${t.panel.scale} ${short(quantization.scale[0]!)}, ${t.panel.zeroPoint} ${quantization.zeroPoint[0] ?? 0}`
        : t.panel.perAxis(quantization.scale.length, quantization.axis);
    block.append(h('div', { class: 'tensor-name' }, words));
  }
  if (tensor.file !== undefined) {
    block.append(h('div', { class: 'tensor-name' }, t.panel.inFile(tensor.file)));
  }
  if (tensor.constant) {
    block.append(statsBlock(inspection, graph, index, tensor.bytes, tensor.shape));
  }
  return block;
}

function statsBlock(
  inspection: Inspection,
  graph: number,
  index: number,
  size: number,
  dimensions: readonly number[],
): HTMLElement {
  const block = h('div', { class: 'stats' }, h('p', { class: 'quiet' }, t.panel.counting));
  inspection.stats(graph, index).then(
    (stats) => fill(block, statsContent(stats, size, dimensions)),
    () => fill(block, h('p', { class: 'quiet' }, `${text(bytes(size))}. ${t.panel.noStats}`)),
  );
  return block;
}

function statsContent(
  stats: TensorStats,
  size: number,
  dimensions: readonly number[],
): HTMLElement[] {
  const elements = dimensions.reduce((product, d) => product * d, 1);
  const share = elements > 0 ? stats.zeros / elements : 0;
  return [
    histogram(stats.histogram, stats.min, stats.max),
    rows([
      [t.panel.min, short(stats.min)],
      [t.panel.max, short(stats.max)],
      [t.panel.mean, short(stats.mean)],
      [t.panel.std, short(stats.std)],
      [t.panel.zeros, `${integer(stats.zeros)} (${percent(share)})`],
      [t.facts.size, text(bytes(size))],
    ]),
  ];
}

/** Fills the panel for scene box `index`. */
export function panelContent(
  inspection: Inspection,
  graph: number,
  scene: Scene,
  index: number,
  relations: (ref: Ref) => Relations,
  close: () => void,
): HTMLElement[] {
  const box = scene.nodes[index]!;
  const closing = h(
    'button',
    {
      class: 'button quiet icon-only',
      type: 'button',
      'aria-label': t.panel.close,
      title: t.panel.close,
      on: { click: close },
    },
    icon('close'),
  );
  if (box.node < 0) {
    return [
      h(
        'header',
        null,
        h('h2', null, box.kind === 'input' ? t.panel.input : t.panel.output),
        closing,
      ),
      tensorBlock(
        inspection,
        graph,
        box.tensor,
        box.kind === 'input' ? t.panel.input : t.panel.output,
      ),
    ];
  }
  const node = scene.graph.nodes[box.node]!;
  const constants = node.inputs.filter((input) => scene.graph.tensors[input.tensor]?.constant);
  const inputs = node.inputs.filter((input) => !scene.graph.tensors[input.tensor]?.constant);
  const attributes = Object.entries(node.attributes);
  const related = relations({ graph, node: box.node });
  const block = ({ role, tensor }: { role: string; tensor: number }): HTMLElement =>
    tensorBlock(inspection, graph, tensor, role);
  return [
    h(
      'header',
      null,
      h('h2', null, h('span', { class: `swatch family-${node.family}` }), node.class),
      closing,
    ),
    // An operator's path is only its number; a layer's says where it lies.
    h('p', { class: 'panel-name' }, /^[\d/]*$/.test(node.path) ? node.name : node.path),
    ...related.notes.map((note) =>
      h(
        'p',
        { class: `note ${note.severity}` },
        icon(note.severity === 'blocks' ? 'blocked' : 'warning'),
        h('span', null, sentence(note.reason), note.help ? ` ${sentence(note.help)}` : ''),
      ),
    ),
    related.links.length > 0 || related.folded || related.none
      ? section(
          related.folded ? t.panel.folded : related.heading,
          related.folded ? h('p', null, t.panel.foldedInto(related.folded)) : null,
          related.links.length > 0
            ? h(
                'ul',
                { class: 'plain' },
                related.links.map((link) =>
                  h(
                    'li',
                    null,
                    h(
                      'button',
                      { class: 'link', type: 'button', on: { click: link.open } },
                      link.label,
                    ),
                  ),
                ),
              )
            : null,
          related.none && !related.folded ? h('p', { class: 'quiet' }, related.none) : null,
        )
      : null,
    attributes.length > 0
      ? section(
          t.panel.attributes,
          rows(attributes.map(([key, one]) => [inWords(key), value(one)] as const)),
        )
      : null,
    constants.length > 0 ? section(t.panel.weights, ...constants.map(block)) : null,
    inputs.length > 0 ? section(t.panel.inputs, ...inputs.map(block)) : null,
    node.outputs.length > 0 ? section(t.panel.outputs, ...node.outputs.map(block)) : null,
  ].filter((element): element is HTMLElement => element !== null);
}
