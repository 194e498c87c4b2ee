// The strip of facts: big numbers, small labels, units always.
import { fill, h } from '../dom.js';
import { bytes, count, milliseconds, percent, type Quantity } from '../format.js';
import type { State } from '../state.js';
import { t } from '../strings/index.js';

function number({ value, unit }: Quantity): HTMLElement {
  return h('span', { class: 'number' }, value, unit ? h('span', { class: 'unit' }, unit) : null);
}

function fact(label: string, value: (HTMLElement | null)[], note: string): HTMLElement {
  return h(
    'div',
    { class: 'fact' },
    h('dt', null, label),
    h('dd', null, h('div', { class: 'fact-value' }, value), h('div', { class: 'fact-note' }, note)),
  );
}

function change(before: number, after: number): string {
  if (before <= 0) return '';
  const share = after / before - 1;
  if (Math.abs(share) < 0.0005) return t.facts.same;
  return share < 0 ? t.facts.smaller(-share) : t.facts.larger(share);
}

function pair(before: number | undefined, after: number | undefined): (HTMLElement | null)[] {
  const arrow = h(
    'span',
    { class: 'to' },
    h('span', { 'aria-hidden': 'true' }, '→'),
    h('span', { class: 'out-of-sight' }, ` ${t.facts.to} `),
  );
  return [
    before === undefined ? null : number(bytes(before)),
    before === undefined ? null : arrow,
    after === undefined ? null : number(bytes(after)),
  ];
}

export function factsStrip(): { element: HTMLElement; update(state: State): void } {
  const element = h('dl', { class: 'facts', 'aria-label': t.facts.label });
  return {
    element,
    update(state) {
      const { source, target, result, gzipBefore, gzipAfter, latency } = state;
      if (!target || !result) return;
      const { report } = result;
      const operators = target.graphs.reduce((sum, graph) => sum + graph.nodes.length, 0);
      const kinds = new Set(target.graphs.flatMap((graph) => graph.nodes.map((node) => node.class)))
        .size;
      const layers = source?.graphs.reduce((sum, graph) => sum + graph.nodes.length, 0);
      const before = report ? report.bytesIn || state.fileBytes : undefined;
      const after = result.tflite.size;
      const parameters = report?.parameters ?? target.parameters;
      const waiting =
        gzipAfter === undefined || (report && state.source && gzipBefore === undefined);
      const zeros = report?.zeros ?? target.zeros;
      fill(
        element,
        fact(t.facts.size, pair(before, after), before === undefined ? '' : change(before, after)),
        fact(
          t.facts.gzip,
          gzipAfter === undefined
            ? [h('span', { class: 'number waiting' }, '…')]
            : pair(report ? gzipBefore : undefined, gzipAfter),
          waiting
            ? t.facts.counting
            : gzipBefore !== undefined && gzipAfter !== undefined
              ? change(gzipBefore, gzipAfter)
              : '',
        ),
        fact(
          t.facts.parameters,
          [number(count(parameters))],
          parameters > 0 ? `${percent(zeros)} ${t.facts.zeros.toLowerCase()}` : '',
        ),
        fact(
          t.facts.operators,
          [number(count(operators))],
          layers === undefined ? t.facts.kinds(kinds) : t.facts.fromLayers(layers),
        ),
        report ? fact(t.facts.time, [number(milliseconds(result.time))], '') : null,
        fact(t.facts.runtime, [number({ value: target.minRuntime || '–', unit: '' })], ''),
        fact(
          t.facts.latency,
          [
            latency
              ? number(milliseconds(latency.time))
              : h('span', { class: 'number waiting' }, '–'),
          ],
          !latency
            ? t.facts.latencyNone
            : latency.runs > 1
              ? t.facts.median(latency.runs)
              : t.facts.firstRun,
        ),
      );
    },
  };
}
