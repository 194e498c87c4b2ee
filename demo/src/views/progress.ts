// Reading and converting: what the file is, the stages with a bar each, the way out.
import type { App } from '../app.js';
import { fill, h } from '../dom.js';
import { bytes, clock, text } from '../format.js';
import { icon } from '../icons.js';
import type { State } from '../state.js';
import { t } from '../strings/index.js';
import { factsInWords } from './empty.js';
import type { View } from './shell.js';

export function progressView(app: App): View {
  const heading = h('h1');
  const facts = h('p', { class: 'lead' });
  const stages = h('ol', { class: 'stages' });
  const elapsed = h('span', { class: 'elapsed' });
  const cancel = h(
    'button',
    { class: 'button', type: 'button', on: { click: () => app.cancel() } },
    icon('close'),
    t.converting.cancel,
  );
  const element = h(
    'div',
    { class: 'progress' },
    heading,
    facts,
    stages,
    h(
      'div',
      { class: 'progress-foot' },
      h('span', null, `${t.converting.elapsed} `, elapsed),
      cancel,
    ),
  );
  const rows = new Map<
    string,
    { row: HTMLElement; bar: HTMLElement; fill: HTMLElement; share: HTMLElement }
  >();
  let timer = 0;
  const tick = (): void => {
    const { startedAt } = app.store.state;
    elapsed.textContent = clock(startedAt > 0 ? performance.now() - startedAt : 0);
  };

  const rowOf = (
    stage: string,
  ): { row: HTMLElement; bar: HTMLElement; fill: HTMLElement; share: HTMLElement } => {
    const known = rows.get(stage);
    if (known) return known;
    const name = t.converting.stages[stage] ?? stage;
    const share = h('span', { class: 'stage-share' });
    const inner = h('span', { class: 'meter-fill' });
    const bar = h(
      'span',
      {
        class: 'meter',
        role: 'progressbar',
        'aria-label': name,
        'aria-valuemin': '0',
        'aria-valuemax': '100',
      },
      inner,
    );
    const row = h('li', { class: 'stage' }, h('span', { class: 'stage-name' }, name), share, bar);
    const made = { row, bar, fill: inner, share };
    rows.set(stage, made);
    return made;
  };

  return {
    element,
    update(state: State) {
      heading.textContent =
        state.phase === 'reading'
          ? t.reading.heading(state.fileName)
          : t.converting.heading(state.fileName);
      const words = factsInWords(state);
      facts.textContent = words
        ? `${text(bytes(state.fileBytes))} · ${words}`
        : text(bytes(state.fileBytes));
      const made = state.stages.map(({ stage, done, total }) => {
        const entry = rowOf(stage);
        const share = total > 0 ? Math.min(1, done / total) : 0;
        entry.fill.style.transform = `scaleX(${share})`;
        entry.bar.setAttribute('aria-valuenow', String(Math.round(share * 100)));
        fill(
          entry.share,
          share >= 1
            ? icon('check', t.converting.done)
            : total > 0
              ? `${Math.round(share * 100)}\u00a0%`
              : '',
        );
        entry.row.classList.toggle('current', total > 0 && share < 1);
        entry.row.classList.toggle('over', share >= 1);
        return entry.row;
      });
      if (stages.childElementCount !== made.length) fill(stages, made);
      if (!timer) timer = window.setInterval(tick, 100);
      tick();
    },
    dispose: () => clearInterval(timer),
  };
}
