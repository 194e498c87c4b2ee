// Everything else that is known: signatures, metadata, operators by kind, the engine.
import type { Inspection, TensorInfo } from 'zeolite';
import { version } from 'zeolite';
import type { App } from '../app.js';
import { fill, h } from '../dom.js';
import { bytes, integer, shapeOf, text } from '../format.js';
import type { State } from '../state.js';
import { t } from '../strings/index.js';

function pairs(
  entries: readonly (readonly [string, string | HTMLElement | null | undefined])[],
): HTMLElement {
  return h(
    'dl',
    { class: 'pairs' },
    entries
      .filter(([, value]) => value !== '' && value !== null && value !== undefined)
      .map(([label, value]) => [h('dt', null, label), h('dd', null, value ?? '')]),
  );
}

function card(title: string, ...content: (HTMLElement | null)[]): HTMLElement {
  return h('section', { class: 'card' }, h('h2', null, title), content);
}

function tensors(list: readonly TensorInfo[]): HTMLElement {
  return h(
    'ul',
    { class: 'plain mono' },
    list.map((info) => h('li', null, `${info.name}  ${info.dtype} ${shapeOf(info)}`)),
  );
}

function signatures(inspection: Inspection): HTMLElement[] {
  return Object.entries(inspection.signatures).map(([key, signature]) =>
    h(
      'div',
      { class: 'signature' },
      h('h3', { class: 'mono' }, key),
      h('h4', null, t.details.inputs),
      tensors(signature.inputs),
      h('h4', null, t.details.outputs),
      tensors(signature.outputs),
    ),
  );
}

function fileCard(title: string, name: string, size: number, inspection: Inspection): HTMLElement {
  return card(
    title,
    pairs([
      [t.details.name, name],
      [t.details.size, `${text(bytes(size))} (${integer(size)})`],
      [t.details.format, t.formats[inspection.format] ?? inspection.format],
      [t.details.producer, inspection.producer],
    ]),
  );
}

function kinds(inspection: Inspection): HTMLElement {
  const counts = new Map<string, { count: number; family: string }>();
  for (const graph of inspection.graphs) {
    for (const node of graph.nodes) {
      const known = counts.get(node.class);
      if (known) known.count++;
      else counts.set(node.class, { count: 1, family: node.family });
    }
  }
  return h(
    'ul',
    { class: 'plain kinds' },
    [...counts]
      .sort((a, b) => b[1].count - a[1].count)
      .map(([name, { count, family }]) =>
        h(
          'li',
          null,
          h('span', { class: `swatch family-${family}` }),
          name,
          h('span', { class: 'number-small' }, integer(count)),
        ),
      ),
  );
}

export function detailsTab(app: App): { element: HTMLElement; update(state: State): void } {
  const element = h('div', { class: 'details' });
  const engine = h('div');
  const { state } = app.store;
  const { source, target, result } = state;
  if (target && result) {
    const { metadata } = target;
    const about = [
      [t.details.name, metadata.name],
      [t.details.description, metadata.description],
      [t.details.version, metadata.version],
      [t.details.author, metadata.author],
      [t.details.license, metadata.license],
      [t.details.labels, metadata.labels.length > 0 ? integer(metadata.labels.length) : ''],
      [
        t.details.files,
        metadata.files
          .map((file) => `${file.name} (${text(bytes(file.bytes.byteLength))})`)
          .join(', '),
      ],
    ] as const;
    fill(
      element,
      source ? fileCard(t.details.source, state.fileName, state.fileBytes, source) : null,
      fileCard(t.details.target, result.name, result.tflite.size, target),
      card(t.details.signatures, ...signatures(target)),
      card(t.details.operators, kinds(target)),
      card(
        t.details.metadata,
        about.some(([, value]) => value !== '')
          ? pairs(about)
          : h('p', { class: 'quiet' }, t.details.noMetadata),
      ),
      card(t.details.engine, engine),
    );
  }
  return {
    element,
    update({ features }) {
      if (!features) return;
      fill(
        engine,
        pairs([
          [t.details.package, `zeolite ${version}`],
          [t.details.build, features.build],
          [t.details.threads, features.threads ? integer(features.maxThreads) : t.details.no],
          [t.details.isolated, features.crossOriginIsolated ? t.details.yes : t.details.no],
        ]),
        features.reasons.length > 0
          ? h(
              'ul',
              null,
              features.reasons.map((reason) => h('li', { class: 'quiet' }, reason)),
            )
          : null,
      );
    },
  };
}
