// From an inspected graph to boxes and edges with texts and sizes: what the layout places and the
// view draws.
import type { GraphNode, InspectedGraph, NodeFamily } from 'zeolite';
import { shapeOf } from '../format.js';

export const kTitleFont = '600 12px system-ui, sans-serif';
export const kTextFont = '11px system-ui, sans-serif';
export const kHeaderHeight = 24;
export const kLineHeight = 18;
export const kPadding = 10;
/** Room for the tick that says how a layer stands. */
export const kMarkWidth = 16;

export interface Line {
  label: string;
  value: string;
}

export interface SceneNode {
  kind: 'node' | 'input' | 'output';
  /** Index in the graph's nodes; -1 for the graph's inputs and outputs. */
  node: number;
  /** The tensor that an input or output stands for; -1 for nodes. */
  tensor: number;
  title: string;
  family: NodeFamily;
  lines: Line[];
  foot: string;
  width: number;
  height: number;
}

export interface SceneEdge {
  from: number;
  to: number;
  tensor: number;
  label: string;
}

export interface Scene {
  graph: InspectedGraph;
  nodes: SceneNode[];
  edges: SceneEdge[];
  /** Scene index of each of the graph's nodes. */
  byNode: Int32Array;
}

const widths = new Map<string, Map<string, number>>();
let ruler: CanvasRenderingContext2D | null | undefined;

/** Width of `text`, as the sum of its characters': thousands of labels in some milliseconds. */
export function textWidth(text: string, font: string): number {
  if (ruler === undefined) ruler = document.createElement('canvas').getContext('2d');
  let known = widths.get(font);
  if (!known) widths.set(font, (known = new Map()));
  let sum = 0;
  for (const character of text) {
    let width = known.get(character);
    if (width === undefined) {
      if (ruler) ruler.font = font;
      width = ruler?.measureText(character).width ?? 7;
      known.set(character, width);
    }
    sum += width;
  }
  return sum;
}

const kNoActivation = new Set(['none', 'linear', 'null', '']);

/** The activation that a node carries out at its end; empty when there is none. */
export function fusedActivation(node: GraphNode): string {
  for (const key of ['fused_activation_function', 'fusedActivationFunction', 'activation']) {
    const value = node.attributes[key];
    if (
      typeof value === 'string' &&
      !kNoActivation.has(value.toLowerCase()) &&
      value !== node.class
    ) {
      return value;
    }
  }
  return '';
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 8)}…${text.slice(-7)}`;
}

function sized(node: Omit<SceneNode, 'width' | 'height'>): SceneNode {
  let width = textWidth(node.title, kTitleFont) + (node.kind === 'node' ? kMarkWidth : 0);
  for (const line of node.lines) {
    width = Math.max(width, textWidth(`${line.label}  ${line.value}`, kTextFont));
  }
  if (node.foot) width = Math.max(width, textWidth(node.foot, kTextFont));
  const rows = node.lines.length + (node.foot ? 1 : 0);
  return {
    ...node,
    width: Math.ceil(Math.max(72, width + 2 * kPadding)),
    height: kHeaderHeight + (rows > 0 ? rows * kLineHeight + 6 : 0),
  };
}

/** `showNames`: whether boxes say the layer's own name, as source models' do. */
export function makeScene(graph: InspectedGraph, showNames: boolean): Scene {
  const nodes: SceneNode[] = [];
  const edges: SceneEdge[] = [];
  const producer = new Int32Array(graph.tensors.length).fill(-1);
  const byNode = new Int32Array(graph.nodes.length).fill(-1);

  graph.nodes.forEach((node) => {
    for (const output of node.outputs) if (output.tensor >= 0) producer[output.tensor] = -2;
  });
  for (const tensor of graph.inputs) {
    const info = graph.tensors[tensor];
    if (!info || producer[tensor] !== -1) continue;
    producer[tensor] = nodes.length;
    nodes.push(
      sized({
        kind: 'input',
        node: -1,
        tensor,
        title: cut(info.name, 32),
        family: 'other',
        lines: [],
        foot: '',
      }),
    );
  }
  graph.nodes.forEach((node, index) => {
    const lines: Line[] = [];
    if (showNames && node.name) lines.push({ label: cut(node.name, 36), value: '' });
    for (const input of node.inputs) {
      const info = graph.tensors[input.tensor];
      if (info?.constant) lines.push({ label: input.role, value: `⟨${shapeOf(info)}⟩` });
    }
    byNode[index] = nodes.length;
    for (const output of node.outputs) {
      if (output.tensor >= 0) producer[output.tensor] = nodes.length;
    }
    nodes.push(
      sized({
        kind: 'node',
        node: index,
        tensor: -1,
        title: node.class,
        family: node.family,
        lines: lines.slice(0, 8),
        foot: fusedActivation(node),
      }),
    );
  });
  const edge = (tensor: number, to: number): void => {
    const info = graph.tensors[tensor];
    const from = info ? producer[tensor]! : -1;
    if (info && from >= 0) edges.push({ from, to, tensor, label: shapeOf(info) });
  };
  graph.nodes.forEach((node, index) => {
    for (const input of node.inputs) {
      if (input.tensor >= 0 && !graph.tensors[input.tensor]?.constant) {
        edge(input.tensor, byNode[index]!);
      }
    }
  });
  for (const tensor of graph.outputs) {
    const info = graph.tensors[tensor];
    if (!info) continue;
    const to = nodes.length;
    nodes.push(
      sized({
        kind: 'output',
        node: -1,
        tensor,
        title: cut(info.name, 32),
        family: 'other',
        lines: [],
        foot: '',
      }),
    );
    edge(tensor, to);
  }
  return { graph, nodes, edges, byNode };
}
