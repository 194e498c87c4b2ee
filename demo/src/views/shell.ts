// The frame of the page: the bar on top, the view of the current phase below, drops anywhere.
import type { App } from '../app.js';
import { announce, fill, h } from '../dom.js';
import { droppedFiles, listed } from '../files.js';
import { icon } from '../icons.js';
import type { Phase, State } from '../state.js';
import { t } from '../strings/index.js';
import { kThemes, setTheme, theme } from '../theme.js';
import { emptyView } from './empty.js';
import { failedView, refusedView } from './problem.js';
import { progressView } from './progress.js';
import { resultView } from './result.js';

/** One phase on the screen. */
export interface View {
  element: HTMLElement;
  update(state: State): void;
  dispose?(): void;
}

const kViews: Record<Phase, (app: App) => View> = {
  empty: emptyView,
  reading: progressView,
  converting: progressView,
  result: resultView,
  refused: refusedView,
  failed: failedView,
};

declare const __SOURCE_URL__: string | undefined;
const kSourceUrl = typeof __SOURCE_URL__ === 'string' ? __SOURCE_URL__ : '';

export function mountShell(root: HTMLElement, app: App): void {
  const chooser = h('input', {
    type: 'file',
    multiple: true,
    class: 'out-of-sight',
    tabindex: '-1',
    'aria-hidden': 'true',
    id: 'file-chooser',
    on: {
      change: () => {
        if (chooser.files?.length) void app.open(listed(chooser.files));
        chooser.value = '';
      },
    },
  });
  const file = h('span', { class: 'bar-file' });
  const bar = h(
    'header',
    { class: 'bar' },
    h('a', { class: 'skip', href: '#content' }, t.skipToContent),
    h(
      'button',
      {
        class: 'brand',
        type: 'button',
        'aria-label': t.bar.home,
        on: { click: () => app.cancel() },
      },
      logo(),
      h('span', null, t.appName),
    ),
    file,
    h('span', { class: 'bar-space' }),
    h(
      'button',
      { class: 'button quiet bar-open', type: 'button', on: { click: () => chooser.click() } },
      icon('open'),
      h('span', null, t.bar.open),
    ),
    themeSwitch(),
    kSourceUrl
      ? h(
          'a',
          { class: 'button quiet', href: kSourceUrl, rel: 'noopener' },
          icon('source'),
          h('span', null, t.bar.source),
        )
      : null,
  );
  const main = h('main', { id: 'content', tabindex: '-1' });
  const veil = h('div', { class: 'veil', 'aria-hidden': 'true' }, h('p', null, t.empty.dropNow));
  fill(root, bar, chooser, main, veil);

  let view: View | undefined;
  const show = (state: State, before?: State): void => {
    const make = kViews[state.phase];
    // Reading and converting share a view; a new file always gets a new one.
    const fresh = !before || kViews[before.phase] !== make || before.job !== state.job;
    if (fresh) {
      view?.dispose?.();
      view = make(app);
      fill(main, view.element);
      main.className = `phase-${state.phase}`;
      if (before) scrollTo(0, 0);
    }
    view!.update(state);
    document.title = titleOf(state);
    file.textContent = state.phase === 'empty' ? '' : state.fileName;
    document.documentElement.dataset.phase = state.phase;
    document.documentElement.dataset.engine = state.engine;
    if (before && (before.phase !== state.phase || before.job !== state.job)) {
      say(state, before);
      // What had the focus is gone: the new view takes it, so that the keyboard goes on from there.
      if (document.activeElement === document.body || !document.activeElement) {
        main.focus({ preventScroll: true });
      }
    }
  };
  app.store.listen(show);
  show(app.store.state);
  listenForDrops(app, veil);
}

function logo(): SVGSVGElement {
  const svg = icon('plus');
  svg.setAttribute('viewBox', '0 0 32 32');
  svg.setAttribute('class', 'logo');
  svg.firstElementChild!.setAttribute(
    'd',
    'M16 2l12 7v14l-12 7l-12-7V9zM16 8.5l-6.5 3.75v7.5L16 23.5l6.5-3.75v-7.5z',
  );
  return svg;
}

function titleOf(state: State): string {
  switch (state.phase) {
    case 'empty':
      return t.titleEmpty;
    case 'reading':
      return t.titleReading(state.fileName);
    case 'converting': {
      const share =
        state.stages.reduce((sum, { done, total }) => sum + (total > 0 ? done / total : 0), 0) /
        Math.max(1, state.stages.length);
      return t.titleConverting(state.fileName, share);
    }
    case 'result':
      return t.titleResult(state.result?.name ?? state.fileName);
    case 'refused':
      return t.titleRefused(state.fileName);
    case 'failed':
      return t.titleFailed(state.fileName);
  }
}

function say(state: State, before: State): void {
  if (state.phase === 'reading') announce(t.reading.heading(state.fileName));
  else if (state.phase === 'converting') announce(t.converting.started);
  else if (state.phase === 'result') {
    const { name, missing } = state.result!;
    announce(
      missing.length > 0
        ? `${t.result.opened(name)}. ${t.missing.heading(missing.length)}: ${missing.join(', ')}`
        : t.result.announced(name),
    );
  } else if (state.phase === 'refused') {
    announce(t.refused.announced(Math.max(1, state.problem!.issues.length)));
  } else if (state.phase === 'failed') announce(t.failed.heading);
  else if (before.phase === 'converting' || before.phase === 'reading') {
    announce(t.converting.cancelled);
  }
}

function themeSwitch(): HTMLElement {
  const icons = { system: 'system', light: 'sun', dark: 'moon' } as const;
  const button = h('button', { class: 'button quiet icon-only', type: 'button' });
  const paint = (): void => {
    const now = theme();
    fill(button, icon(icons[now]));
    const label = `${t.bar.theme}: ${t.bar.themes[now]}`;
    button.setAttribute('aria-label', label);
    button.title = label;
  };
  button.addEventListener('click', () => {
    setTheme(kThemes[(kThemes.indexOf(theme()) + 1) % kThemes.length]!);
    paint();
    announce(button.title);
  });
  paint();
  return button;
}

/** Files may be let go anywhere; pictures for a model's input are taken by the run tab first. */
function listenForDrops(app: App, veil: HTMLElement): void {
  const carriesFiles = (event: DragEvent): boolean =>
    event.dataTransfer?.types.includes('Files') ?? false;
  let depth = 0;
  addEventListener('dragenter', (event) => {
    if (!carriesFiles(event)) return;
    depth++;
    veil.classList.add('shown');
  });
  addEventListener('dragleave', (event) => {
    if (!carriesFiles(event)) return;
    if (--depth <= 0) {
      depth = 0;
      veil.classList.remove('shown');
    }
  });
  addEventListener('dragover', (event) => {
    if (carriesFiles(event)) event.preventDefault();
  });
  addEventListener('drop', (event) => {
    depth = 0;
    veil.classList.remove('shown');
    if (event.defaultPrevented || !event.dataTransfer || !carriesFiles(event)) return;
    event.preventDefault();
    droppedFiles(event.dataTransfer).then(
      (files) => app.open(files),
      () => undefined, // The browser gave no files: there is nothing to open.
    );
  });
  addEventListener('paste', (event) => {
    const target = event.target as Element | null;
    if (target?.closest('textarea, input') || !event.clipboardData?.files.length) return;
    void app.open(listed(event.clipboardData.files));
  });
}
