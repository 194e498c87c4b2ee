// The start: one sentence, one place to drop, one sample.
import type { App } from '../app.js';
import { fill, h } from '../dom.js';
import { bytes, integer, text } from '../format.js';
import { icon } from '../icons.js';
import type { State } from '../state.js';
import { t } from '../strings/index.js';
import type { View } from './shell.js';

/** Opens the page's file chooser. */
export function chooseFile(): void {
  document.getElementById('file-chooser')?.click();
}

export function dropTarget(title: string): HTMLElement {
  return h(
    'button',
    { class: 'drop', type: 'button', on: { click: chooseFile } },
    icon('file'),
    h('span', { class: 'drop-title' }, title),
    h('span', { class: 'drop-choose' }, t.empty.choose),
    h('span', { class: 'drop-formats' }, t.empty.formats),
  );
}

export function emptyView(app: App): View {
  const sampleFacts = h('span', { class: 'sample-facts' });
  const picture = h('span', { class: 'sample-pictures', 'aria-hidden': 'true' });
  const sample = h(
    'button',
    { class: 'sample', type: 'button', disabled: true, on: { click: () => app.openSample() } },
    picture,
    h(
      'span',
      { class: 'sample-text' },
      h(
        'span',
        { class: 'sample-title' },
        h('strong', null, t.empty.sample),
        ': ',
        t.empty.sampleIs,
      ),
      sampleFacts,
    ),
    icon('arrow'),
  );
  const dialog = h(
    'dialog',
    { class: 'dialog', 'aria-labelledby': 'check-title' },
    h('h2', { id: 'check-title' }, t.empty.checkTitle),
    h(
      'ol',
      null,
      t.empty.checks.map((check) => h('li', null, check)),
    ),
    h(
      'button',
      { class: 'button', type: 'button', on: { click: () => dialog.close() } },
      t.empty.close,
    ),
  );
  const ready = h('p', { class: 'ready' });
  const element = h(
    'div',
    { class: 'empty' },
    h(
      'div',
      { class: 'empty-text' },
      h('h1', null, t.empty.heading),
      h('p', { class: 'lead' }, t.empty.lead),
    ),
    dropTarget(t.empty.drop),
    sample,
    h(
      'p',
      { class: 'stays' },
      icon('lock'),
      h('span', null, t.empty.stays, ' '),
      h(
        'button',
        { class: 'link', type: 'button', on: { click: () => dialog.showModal() } },
        t.empty.check,
      ),
    ),
    ready,
    dialog,
  );
  let shown: State['sample'] | undefined;
  return {
    element,
    update(state) {
      if (shown !== state.sample) {
        shown = state.sample;
        if (typeof shown === 'object') {
          const size = text(bytes(shown.file.size));
          sampleFacts.textContent = t.empty.sampleFacts(
            size,
            `${(shown.accuracy * 100).toFixed(1)}\u00a0%`,
            shown.accuracyImages,
          );
          fill(
            picture,
            shown.images
              .slice(0, 4)
              .map((image) => h('img', { src: image.url, alt: '', width: 32, height: 32 })),
          );
        } else {
          sampleFacts.textContent =
            shown === 'missing' ? t.empty.sampleMissing : t.empty.sampleLoading;
        }
        sample.disabled = typeof shown !== 'object';
      }
      const words = {
        preparing: t.empty.preparing,
        ready: state.offline ? t.empty.readyOffline : t.empty.ready,
        failed: t.empty.prepareFailed,
      };
      fill(ready, state.engine === 'ready' ? icon('check') : null, words[state.engine]);
      ready.classList.toggle('bad', state.engine === 'failed');
    },
  };
}

/** "Keras model, 62 layers, 703,866 parameters, 80 % zeros". */
export function factsInWords(state: State): string {
  const inspection = state.source ?? state.target;
  if (!inspection) return '';
  const nodes = inspection.graphs.reduce((sum, graph) => sum + graph.nodes.length, 0);
  const parts = [
    inspection.producer || t.formats[inspection.format] || inspection.format,
    inspection.format === 'tflite' ? t.reading.operators(nodes) : t.reading.layers(nodes),
    t.reading.parameters(
      inspection.parameters < 10_000
        ? integer(inspection.parameters)
        : text(countOf(inspection.parameters)),
    ),
  ];
  if (inspection.zeros > 0.005) parts.push(t.reading.zeros(inspection.zeros));
  return parts.join(' · ');
}

function countOf(value: number): { value: string; unit: string } {
  return value < 1e6
    ? { value: (value / 1e6).toFixed(2), unit: 'M' }
    : { value: (value / 1e6).toFixed(value < 1e8 ? 1 : 0), unit: 'M' };
}
