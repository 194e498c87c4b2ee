// A .tflite without the files that hold its weights: which they are, and a way to add them.
import type { App } from '../app.js';
import { announce, h } from '../dom.js';
import { listed } from '../files.js';
import { icon } from '../icons.js';
import { t } from '../strings/index.js';

/** What is missing and what to do; null when nothing is. */
export function missingWeights(app: App): HTMLElement | null {
  const missing = app.store.state.result?.missing ?? [];
  if (missing.length === 0) return null;
  const trouble = h('p', { class: 'note blocks', hidden: true });
  const chooser = h('input', {
    type: 'file',
    multiple: true,
    class: 'out-of-sight',
    tabindex: '-1',
    'aria-hidden': 'true',
    on: {
      change: () => {
        const files = listed(chooser.files ?? []);
        chooser.value = '';
        if (files.size === 0 || app.addWeights(files)) return;
        const message = t.missing.others(missing);
        trouble.replaceChildren(icon('warning'), h('span', null, message));
        trouble.hidden = false;
        announce(message);
      },
    },
  });
  return h(
    'section',
    { class: 'callout missing-weights', 'aria-label': t.missing.heading(missing.length) },
    h(
      'div',
      { class: 'callout-text' },
      h('h2', null, icon('warning'), t.missing.heading(missing.length)),
      h('p', null, t.missing.why),
      h(
        'ul',
        { class: 'plain mono' },
        missing.map((name) => h('li', null, name)),
      ),
      h('p', null, t.missing.help),
    ),
    h(
      'button',
      { class: 'button primary', type: 'button', on: { click: () => chooser.click() } },
      icon('file'),
      h('span', null, t.missing.add(missing.length)),
      chooser,
    ),
    trouble,
  );
}
