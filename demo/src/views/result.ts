// The result: facts, the graphs, the tabs.
import type { App } from '../app.js';
import { download, fill, h, reducedMotion } from '../dom.js';
import { Workspace } from '../graph/workspace.js';
import { icon } from '../icons.js';
import { t } from '../strings/index.js';
import { detailsTab } from './details.js';
import { factsStrip } from './facts.js';
import { missingWeights } from './missing_weights.js';
import { reportTab } from './report.js';
import { runTab } from './run.js';
import type { View } from './shell.js';

const kTabs = ['report', 'run', 'details'] as const;
type Tab = (typeof kTabs)[number];

export function resultView(app: App): View {
  const { source, target, result } = app.store.state;
  if (!target || !result) throw new Error('a result without a file');
  const facts = factsStrip();
  const workspace = new Workspace({ source, target, report: result.report, issues: [] });
  const run = runTab(app);
  const details = detailsTab(app);
  const panels: Record<Tab, HTMLElement> = {
    report: reportTab(app, workspace),
    run: run.element,
    details: details.element,
  };
  const element = h(
    'div',
    { class: 'result' },
    h('div', { class: 'result-head' }, facts.element, actions(app)),
    missingWeights(app),
    workspace.element,
    tabs(panels, (tab) => {
      if (tab === 'run') run.show();
    }),
  );
  // The sample says what it is by running.
  if (app.store.state.isSample) void run.show();
  return {
    element,
    update(state) {
      facts.update(state);
      details.update(state);
    },
    dispose() {
      workspace.dispose();
      run.dispose();
    },
  };
}

function actions(app: App): HTMLElement {
  const { result } = app.store.state;
  const { tflite, name, report, sparse } = result!;
  const sparseBox = h('input', {
    type: 'checkbox',
    id: 'sparse',
    'aria-describedby': 'sparse-help',
  });
  sparseBox.checked = sparse;
  sparseBox.addEventListener('change', () => void app.convertAgain(sparseBox.checked));
  return h(
    'div',
    { class: 'actions' },
    h(
      'button',
      {
        class: 'button primary',
        type: 'button',
        title: name,
        'aria-label': t.result.download(name),
        on: { click: () => download(tflite, name) },
      },
      icon('download'),
      h('span', null, t.result.downloadShort),
    ),
    report && report.zeros > 0.4
      ? h(
          'label',
          { class: 'check', for: 'sparse', title: t.result.sparseHelp },
          sparseBox,
          t.result.sparse,
          h('span', { id: 'sparse-help', class: 'out-of-sight' }, t.result.sparseHelp),
        )
      : null,
  );
}

function tabs(panels: Record<Tab, HTMLElement>, onShow: (tab: Tab) => void): HTMLElement {
  const buttons = {} as Record<Tab, HTMLButtonElement>;
  const list = h('div', { class: 'tab-list', role: 'tablist', 'aria-label': t.result.tabList });
  const show = (tab: Tab, byUser: boolean): void => {
    for (const other of kTabs) {
      const on = other === tab;
      buttons[other].setAttribute('aria-selected', String(on));
      buttons[other].tabIndex = on ? 0 : -1;
      panels[other].hidden = !on;
    }
    if (byUser) {
      onShow(tab);
      // Little of the tab can be seen below the graphs: it comes up to where it can be used.
      const { top } = list.getBoundingClientRect();
      if (top > innerHeight * 0.6) {
        list.scrollIntoView({ block: 'start', behavior: reducedMotion() ? 'auto' : 'smooth' });
      }
    }
  };
  for (const tab of kTabs) {
    buttons[tab] = h(
      'button',
      {
        class: 'tab',
        type: 'button',
        role: 'tab',
        id: `tab-${tab}`,
        'aria-controls': `panel-${tab}`,
        on: { click: () => show(tab, true) },
      },
      t.result.tabs[tab],
    );
    panels[tab].id = `panel-${tab}`;
    panels[tab].setAttribute('role', 'tabpanel');
    panels[tab].setAttribute('aria-labelledby', `tab-${tab}`);
    panels[tab].classList.add('tab-panel');
  }
  list.addEventListener('keydown', (event) => {
    const at = kTabs.findIndex((tab) => buttons[tab] === document.activeElement);
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (at < 0 || step === 0) return;
    event.preventDefault();
    const next = kTabs[(at + step + kTabs.length) % kTabs.length]!;
    buttons[next].focus();
    show(next, true);
  });
  fill(list, kTabs.map((tab) => buttons[tab]));
  show('report', false);
  return h('div', { class: 'tabs' }, list, kTabs.map((tab) => panels[tab]));
}
