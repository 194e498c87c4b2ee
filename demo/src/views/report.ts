// The report: what every layer became, since when it runs, what to know; and code to paste.
import type { GraphNode, InspectedGraph } from 'zeolite';
import type { App } from '../app.js';
import { announce, fill, h } from '../dom.js';
import { sentence, shapeOf } from '../format.js';
import type { Ref } from '../graph/links.js';
import type { Workspace } from '../graph/workspace.js';
import { icon } from '../icons.js';
import { kLanguages, snippet } from '../snippets.js';
import type { State } from '../state.js';
import { t } from '../strings/index.js';

interface Row {
  /** Where it is, for the button that shows it. */
  side: 'source' | 'target';
  ref: Ref;
  kind: string;
  name: string;
  family: string;
  became: { label: string; ref: Ref }[];
  folded: string;
  types: string;
  /** Of the operators, as the runtime counts them. */
  version: string;
  notes: { severity: string; text: string }[];
}

interface Columns {
  became: boolean;
  version: boolean;
}

export async function copyText(text: string, button: HTMLElement): Promise<void> {
  let said = t.report.copied;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    said = t.report.copyFailed;
  }
  announce(said);
  const label = button.querySelector('span') ?? button;
  const before = label.textContent;
  label.textContent = said;
  setTimeout(() => (label.textContent = before), 1600);
}

function typesOf(graph: InspectedGraph, node: GraphNode): string {
  const output = graph.tensors[node.outputs[0]?.tensor ?? -1];
  if (!output) return '';
  const weights = node.inputs
    .map(({ tensor }) => graph.tensors[tensor])
    .filter((tensor) => tensor?.constant && tensor.dtype !== output.dtype)
    .map((tensor) => tensor!.dtype);
  return `${[output.dtype, ...new Set(weights)].join(', ')} ${shapeOf(output)}`;
}

const kFirstRows = 80;
const kMoreRows = 120;

function versionOf(node: GraphNode | undefined): string {
  const value = node?.attributes['version'];
  return typeof value === 'number' ? String(value) : '';
}

function rowsOf(state: State, workspace: Workspace): Row[] {
  const { source, target, result } = state;
  if (!target || !result) return [];
  const facts = [
    ...(result.report?.compatibility ?? []),
    ...(source?.compatibility ?? []),
    ...target.compatibility,
  ];
  const notesFor = (layer: string | undefined, operators: readonly string[]): Row['notes'] => {
    const found = new Map<string, { severity: string; text: string }>();
    for (const { subject, severity, reason, help } of facts) {
      // That a layer is converted shows in what it became.
      if (severity === 'ok' && subject.operator === undefined) continue;
      const meant =
        (layer !== undefined && subject.layer === layer) ||
        (subject.operator !== undefined && operators.includes(subject.operator));
      if (meant) {
        found.set(reason, {
          severity,
          text: severity === 'ok' ? reason : [reason, help].filter(Boolean).map(sentence).join(' '),
        });
      }
    }
    return [...found.values()];
  };
  // What blocks comes first, what is fine last.
  const order = ['blocks', 'note', 'ok'];
  const sorted = (notes: Row['notes']): Row['notes'] =>
    notes.sort((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity));
  if (source && result.report) {
    return result.report.layers.flatMap((layer) => {
      const ref = workspace.find('source', layer.path);
      const graph = ref ? source.graphs[ref.graph] : undefined;
      const node = ref ? graph?.nodes[ref.node] : undefined;
      if (!ref || !graph || !node) return [];
      const became = layer.operators.flatMap(({ subgraph, operator }) => {
        const to = target.graphs[subgraph]?.nodes[operator];
        return to ? [{ label: to.class, ref: { graph: subgraph, node: operator }, node: to }] : [];
      });
      return [
        {
          side: 'source' as const,
          ref,
          kind: layer.class,
          name: layer.path,
          family: node.family,
          became,
          folded: workspace.folded(ref) ?? '',
          types: typesOf(graph, node),
          version: [...new Set(became.map((to) => versionOf(to.node)))].filter(Boolean).join(', '),
          notes: sorted(
            notesFor(
              layer.path,
              became.map((to) => to.node.path),
            ),
          ),
        },
      ];
    });
  }
  const lacking = (graph: InspectedGraph, node: GraphNode): Row['notes'] => {
    const files = node.inputs
      .flatMap(({ tensor }) => graph.tensors[tensor]?.file ?? [])
      .filter((file) => result.missing.includes(file));
    return [...new Set(files)].map((file) => ({
      severity: 'blocks',
      text: t.missing.inFile(file),
    }));
  };
  return target.graphs.flatMap((graph, g) =>
    graph.nodes.map((node, n) => ({
      side: 'target' as const,
      ref: { graph: g, node: n },
      kind: node.class,
      name: node.name,
      family: node.family,
      became: [],
      folded: '',
      types: typesOf(graph, node),
      version: versionOf(node),
      notes: sorted([...lacking(graph, node), ...notesFor(undefined, [node.path, node.name])]),
    })),
  );
}

function markdown(rows: readonly Row[], state: State, columns: Columns): string {
  const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
  const heads = [
    columns.became ? t.report.layer : t.report.operator,
    ...(columns.became ? [t.report.becomes] : []),
    t.report.types,
    ...(columns.version ? [t.report.version] : []),
    t.report.notes,
  ];
  const lines = rows.map((row) => [
    `${row.kind} \`${row.name}\``,
    ...(columns.became ? [row.folded || row.became.map((to) => to.label).join(', ')] : []),
    row.types,
    ...(columns.version ? [row.version] : []),
    row.notes.map((note) => note.text).join(' '),
  ]);
  const { result } = state;
  return [
    `## ${result!.name}`,
    '',
    ...(state.target?.minRuntime ? [t.report.runsSince(state.target.minRuntime), ''] : []),
    `| ${heads.join(' | ')} |`,
    `| ${heads.map(() => '---').join(' | ')} |`,
    ...lines.map((line) => `| ${line.map(cell).join(' | ')} |`),
    '',
  ].join('\n');
}

export function reportTab(app: App, workspace: Workspace): HTMLElement {
  const { state } = app.store;
  const all = rowsOf(state, workspace);
  const columns = {
    became: state.source !== undefined,
    version: all.some((row) => row.version !== ''),
  };
  const body = h('tbody');
  const counter = h('span', { class: 'quiet' });
  const only = h('input', { type: 'checkbox', id: 'attention' });
  const shown = (): Row[] =>
    only.checked ? all.filter((row) => row.notes.some((note) => note.severity !== 'ok')) : all;
  let drawn = 0;
  const draw = (): void => {
    const rows = shown();
    counter.textContent = t.report.count(rows.length);
    const width = 3 + (columns.became ? 1 : 0) + (columns.version ? 1 : 0);
    const slice = (begin: number, count: number): HTMLElement[] =>
      rows.slice(begin, begin + count).map((row) => tableRow(row, workspace, columns));
    fill(
      body,
      rows.length > 0
        ? slice(0, kFirstRows)
        : h('tr', null, h('td', { colspan: width, class: 'quiet' }, t.report.nothing)),
    );
    // The rest of a long table comes in pieces, so that the page answers meanwhile.
    const round = ++drawn;
    const more = (begin: number): void => {
      if (round !== drawn || begin >= rows.length) return;
      setTimeout(() => {
        if (round !== drawn) return;
        body.append(...slice(begin, kMoreRows));
        more(begin + kMoreRows);
      }, 30);
    };
    more(kFirstRows);
  };
  only.addEventListener('change', draw);
  draw();
  const copy = h(
    'button',
    { class: 'button', type: 'button' },
    icon('copy'),
    h('span', null, t.report.copy),
  );
  copy.addEventListener(
    'click',
    () => void copyText(markdown(shown(), app.store.state, columns), copy),
  );
  const warnings = state.result?.report?.warnings ?? [];
  return h(
    'div',
    { class: 'report' },
    warnings.length > 0
      ? h(
          'section',
          { class: 'warnings' },
          h('h2', null, t.report.warnings),
          h(
            'ul',
            null,
            warnings.map((warning) => h('li', null, warning)),
          ),
        )
      : null,
    h(
      'div',
      { class: 'tools-row' },
      h('label', { class: 'check', for: 'attention' }, only, t.report.filter),
      counter,
      h('span', { class: 'bar-space' }),
      copy,
    ),
    h(
      'div',
      {
        class: 'table-wrap',
        tabindex: '0',
        role: 'region',
        'aria-label': columns.became ? t.report.caption : t.report.captionOperators,
      },
      h(
        'table',
        { class: 'table report-table' },
        h(
          'caption',
          { class: 'out-of-sight' },
          columns.became ? t.report.caption : t.report.captionOperators,
        ),
        h(
          'thead',
          null,
          h(
            'tr',
            null,
            h('th', { scope: 'col' }, columns.became ? t.report.layer : t.report.operator),
            columns.became ? h('th', { scope: 'col' }, t.report.becomes) : null,
            h('th', { scope: 'col' }, t.report.types),
            columns.version ? h('th', { scope: 'col' }, t.report.version) : null,
            h('th', { scope: 'col' }, t.report.notes),
          ),
        ),
        body,
      ),
    ),
    code(state),
  );
}

function tableRow(row: Row, workspace: Workspace, columns: Columns): HTMLElement {
  return h(
    'tr',
    null,
    h(
      'th',
      { scope: 'row', 'data-label': columns.became ? t.report.layer : t.report.operator },
      h(
        'button',
        {
          class: 'row-button',
          type: 'button',
          title: t.report.show(row.name),
          on: { click: () => workspace.open(row.side, row.ref) },
        },
        h('span', { class: `swatch family-${row.family}` }),
        h('span', { class: 'row-kind' }, row.kind),
        h('span', { class: 'row-name' }, row.name),
      ),
    ),
    columns.became
      ? h(
          'td',
          { 'data-label': t.report.becomes },
          row.folded
            ? row.became[0]
              ? h(
                  'button',
                  {
                    class: 'link',
                    type: 'button',
                    on: { click: () => workspace.open('target', row.became[0]!.ref) },
                  },
                  t.panel.foldedInto(row.folded),
                )
              : h('span', { class: 'quiet' }, t.panel.foldedInto(row.folded))
            : row.became.length > 0
              ? row.became.map((to, i) => [
                  i > 0 ? ', ' : null,
                  h(
                    'button',
                    {
                      class: 'link',
                      type: 'button',
                      on: { click: () => workspace.open('target', to.ref) },
                    },
                    to.label,
                  ),
                ])
              : h('span', { class: 'quiet' }, '–'),
        )
      : null,
    h('td', { class: 'mono', 'data-label': t.report.types }, row.types),
    columns.version
      ? h('td', { class: 'mono', 'data-label': t.report.version }, row.version || '–')
      : null,
    h(
      'td',
      { 'data-label': t.report.notes },
      row.notes.some((note) => note.severity !== 'ok')
        ? null
        : h('span', { class: 'fine' }, icon('check', t.report.ok)),
      row.notes.map((note) =>
        note.severity === 'ok'
          ? h('span', { class: 'fine-words' }, note.text)
          : h(
              'p',
              { class: `note ${note.severity}` },
              icon(
                note.severity === 'blocks' ? 'blocked' : 'warning',
                note.severity === 'blocks' ? t.report.blocks : t.report.note,
              ),
              h('span', null, note.text),
            ),
      ),
    ),
  );
}

function code(state: State): HTMLElement {
  const text = h('code');
  const copy = h(
    'button',
    { class: 'button small', type: 'button' },
    icon('copy'),
    h('span', null, t.failed.copy.replace(/ .*/, '')),
  );
  const buttons = kLanguages.map(({ id, label }) => {
    const button = h('button', { type: 'button', class: 'segment' }, label);
    button.addEventListener('click', () => choose(id));
    return { id, button };
  });
  const choose = (wanted: (typeof kLanguages)[number]['id']): void => {
    for (const { id, button } of buttons) {
      button.setAttribute('aria-pressed', String(id === wanted));
    }
    text.textContent = snippet(wanted, state.result!.name, state.target!);
  };
  copy.addEventListener('click', () => void copyText(text.textContent ?? '', copy));
  choose('javascript');
  return h(
    'section',
    { class: 'code' },
    h(
      'div',
      { class: 'tools-row' },
      h('h2', null, t.report.code),
      h(
        'div',
        { class: 'segments', role: 'group', 'aria-label': t.report.codeLanguage },
        buttons.map(({ button }) => button),
      ),
      h('span', { class: 'bar-space' }),
      copy,
    ),
    h('pre', { tabindex: '0' }, text),
  );
}
