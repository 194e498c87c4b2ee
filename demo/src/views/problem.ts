// Refused: all reasons, what helps, the graph with the layers marked. Failed: what happened, what
// to try, the details to copy. The page goes on in both.
import type { App } from '../app.js';
import { fill, h } from '../dom.js';
import { bytes, sentence, text } from '../format.js';
import { Workspace } from '../graph/workspace.js';
import { icon } from '../icons.js';
import { t } from '../strings/index.js';
import { chooseFile, dropTarget, factsInWords } from './empty.js';
import { copyText } from './report.js';
import type { View } from './shell.js';

export function refusedView(app: App): View {
  const { state } = app.store;
  const { problem, source, target } = state;
  if (!problem) throw new Error('refused without a reason');
  const inspection = source ?? target;
  const issues = problem.issues;
  const workspace = inspection
    ? new Workspace({ source: inspection, target: undefined, report: undefined, issues })
    : undefined;
  const show = (name: string): void => {
    const ref = workspace?.find('source', name);
    if (ref) workspace!.open('source', ref);
  };
  const reasons =
    issues.length > 0
      ? issues.map((issue) => {
          const where = [issue.layer ?? issue.operator, issue.name].filter(Boolean).join(' ');
          const known = workspace?.find('source', issue.name) !== undefined;
          return h(
            'li',
            { class: 'reason' },
            icon('blocked'),
            h(
              'div',
              null,
              where
                ? known
                  ? h(
                      'button',
                      { class: 'link', type: 'button', on: { click: () => show(issue.name) } },
                      where,
                    )
                  : h('strong', null, where)
                : null,
              h('p', null, sentence(issue.reason)),
              issue.help ? h('p', { class: 'help' }, sentence(issue.help)) : null,
            ),
          );
        })
      : [
          h(
            'li',
            { class: 'reason' },
            icon('blocked'),
            h('div', null, h('p', null, sentence(problem.message))),
          ),
        ];
  // The first of them is in view from the start.
  const first = issues
    .map((issue) => workspace?.find('source', issue.name))
    .find((ref) => ref !== undefined);
  if (first) void workspace!.reveal('source', first);
  const words = factsInWords(state);
  const element = h(
    'div',
    { class: 'refused' },
    h(
      'div',
      { class: 'refused-text' },
      h(
        'h1',
        null,
        inspection ? t.refused.heading(state.fileName) : t.refused.headingRead(state.fileName),
      ),
      h('p', { class: 'lead' }, [text(bytes(state.fileBytes)), words].filter(Boolean).join(' · ')),
      problem.wantsSecond
        ? h(
            'div',
            { class: 'callout' },
            h(
              'p',
              null,
              problem.wantsSecond === 'architecture' ? t.refused.architecture : t.refused.weights,
            ),
            h(
              'button',
              { class: 'button primary', type: 'button', on: { click: chooseFile } },
              icon('file'),
              problem.wantsSecond === 'architecture'
                ? t.refused.addArchitecture
                : t.refused.addWeights,
            ),
          )
        : null,
      h('h2', null, t.refused.reasons(Math.max(1, issues.length))),
      h('ul', { class: 'reasons' }, reasons),
      dropTarget(t.refused.again),
    ),
    workspace ? h('div', { class: 'refused-graph' }, workspace.element) : null,
  );
  return { element, update: () => undefined, dispose: () => workspace?.dispose() };
}

export function failedView(app: App): View {
  const { state } = app.store;
  const { problem } = state;
  if (!problem) throw new Error('failed without a reason');
  const kind =
    problem.code === 'out-of-memory'
      ? 'memory'
      : problem.code === 'environment'
        ? 'environment'
        : 'bug';
  const happened = {
    memory: t.failed.memory,
    environment: t.failed.environment,
    bug: t.failed.bug,
  }[kind];
  const help = {
    memory: t.failed.memoryHelp,
    environment: t.failed.environmentHelp,
    bug: t.failed.bugHelp,
  }[kind];
  const copy = h(
    'button',
    { class: 'button small', type: 'button' },
    icon('copy'),
    h('span', null, t.failed.copy),
  );
  copy.addEventListener('click', () => void copyText(problem.details, copy));
  const element = h('div', { class: 'refused' });
  fill(
    element,
    h(
      'div',
      { class: 'refused-text' },
      h('h1', null, t.failed.heading),
      h('p', { class: 'lead' }, happened),
      h('p', null, sentence(problem.message)),
      h('p', { class: 'help' }, help),
      h(
        'details',
        { class: 'fold' },
        h('summary', null, t.failed.details),
        h('pre', { tabindex: '0' }, problem.details),
        copy,
      ),
      dropTarget(t.refused.again),
    ),
  );
  return { element, update: () => undefined };
}
