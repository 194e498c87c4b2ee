// Run: inputs made from the model's own shapes, outputs by what they look like, how long it takes.
import {
  loadModel,
  type Inspection,
  type Model,
  type NamedTensors,
  type Profile,
  type SignatureInfo,
  type TensorInput,
} from 'zeolite';
import type { App } from '../app.js';
import { announce, fill, h, uniqueId } from '../dom.js';
import { integer, milliseconds, sentence, text } from '../format.js';
import { icon } from '../icons.js';
import { decode } from '../run/elements.js';
import { makeInput, mountInputs, type InputEditor } from '../run/input.js';
import { greatest, showOutput } from '../run/output.js';
import { t } from '../strings/index.js';
import { missingWeights } from './missing_weights.js';

// Above this a run is heard of by its first time alone; ten more are asked for by a click.
const kQuick = 700;
const kRuns = 10;

/**
 * Whether a run finds what the one before it left: variables, or the state of recurrent operators.
 */
const keepsState = (inspection: Inspection): boolean =>
  inspection.graphs.some(
    ({ nodes, tensors }) =>
      tensors.some((tensor) => tensor.variable) ||
      nodes.some((node) => node.class === 'ASSIGN_VARIABLE'),
  );

export interface RunTab {
  element: HTMLElement;
  /** The tab is looked at: prepares the model. */
  show(): Promise<void>;
  dispose(): void;
}

export function runTab(app: App): RunTab {
  const run = new Run(app);
  return { element: run.element, show: () => run.prepare(), dispose: () => run.dispose() };
}

class Run {
  readonly element = h('div', { class: 'run' });
  private readonly inputs = h('div', { class: 'run-inputs' });
  private readonly outputs = h(
    'div',
    { class: 'run-outputs' },
    h('p', { class: 'quiet' }, t.run.nothingYet),
  );
  private readonly times = h('dl', { class: 'times' });
  private readonly problem = h('div', { class: 'note blocks', role: 'alert', hidden: true });
  private readonly thumbs = h('div', { class: 'thumbs' });
  private readonly profile = h('div', { class: 'profile' });
  private readonly labelsBox = h('textarea', {
    rows: 4,
    spellcheck: 'false',
    placeholder: t.run.labelsHelp,
  });
  private readonly button: HTMLButtonElement;
  private readonly profileButton: HTMLButtonElement;
  private readonly ended = new AbortController();
  private model: Model | undefined;
  private preparing: Promise<void> | undefined;
  private editors: InputEditor[] = [];
  private signature: string | undefined;
  private labels: string[] = [];
  private first: number | undefined;
  private median: number | undefined;
  private last: { tensors: NamedTensors; info: SignatureInfo } | undefined;
  private running = false;
  private pending: Promise<void> = Promise.resolve();
  private runAgain = false;
  /** The sample's images are being run one after another: only the end is said. */
  private inSeries = false;
  /** Then a run more than was asked for would change what comes next. */
  private readonly isStateful: boolean;

  constructor(private readonly app: App) {
    this.isStateful = keepsState(app.store.state.target!);
    this.button = h(
      'button',
      {
        class: 'button primary',
        type: 'button',
        disabled: true,
        on: { click: () => void this.run() },
      },
      icon('play'),
      h('span', null, t.run.run),
    );
    this.profileButton = h(
      'button',
      {
        class: 'button small',
        type: 'button',
        disabled: true,
        'aria-expanded': 'false',
        on: { click: () => void this.toggleProfile() },
      },
      t.run.profile,
    );
    this.labelsBox.addEventListener('change', () => {
      this.labels = this.labelsBox.value
        .split('\n')
        .map((line) => line.trim())
        .filter(Boolean);
      this.showOutputs();
    });
    fill(this.element, h('p', { class: 'quiet' }, t.run.loading));
  }

  dispose(): void {
    this.ended.abort();
    void this.model?.dispose().catch(() => undefined);
  }

  prepare(): Promise<void> {
    return (this.preparing ??= this.load());
  }

  private async load(): Promise<void> {
    const { result, sample, isSample } = this.app.store.state;
    const missing = missingWeights(this.app);
    if (missing) {
      fill(this.element, h('h2', null, t.run.loadFailed), missing);
      return;
    }
    try {
      this.model = await loadModel(result!.source, { signal: this.ended.signal });
    } catch (error) {
      if (this.ended.signal.aborted) return;
      this.showProblem(error, false);
      fill(this.element, h('h2', null, t.run.loadFailed), this.problem);
      return;
    }
    if (this.ended.signal.aborted) return void this.model.dispose();
    const own = isSample && typeof sample === 'object' ? sample : undefined;
    this.labels = own ? own.labels : this.model.metadata.labels;
    this.labelsBox.value = this.labels.join('\n');
    this.mount(own !== undefined);
    this.chooseSignature(Object.keys(this.model.signatures)[0]);
    this.button.disabled = false;
    if (own) await this.runSample();
  }

  private get call(): SignatureInfo {
    const model = this.model!;
    const own = this.signature === undefined ? undefined : model.signatures[this.signature];
    return own ?? { inputs: model.inputs, outputs: model.outputs };
  }

  private mount(withThumbs: boolean): void {
    const keys = Object.keys(this.model!.signatures);
    const signatures = h(
      'select',
      { class: 'select', id: uniqueId('signature') },
      keys.map((key) => h('option', { value: key }, key)),
    );
    signatures.addEventListener('change', () => this.chooseSignature(signatures.value));
    const labelsId = uniqueId('labels');
    this.labelsBox.id = labelsId;
    fill(
      this.element,
      withThumbs
        ? h(
            'section',
            { class: 'sample-run' },
            h(
              'div',
              { class: 'section-head' },
              h('h2', null, t.run.sample),
              h('span', { class: 'quiet', id: 'sample-right' }),
            ),
            this.thumbs,
          )
        : null,
      h(
        'div',
        { class: 'run-columns' },
        h(
          'section',
          null,
          h('h2', null, t.run.inputs),
          keys.length > 1
            ? h(
                'div',
                { class: 'field' },
                h('label', { for: signatures.id }, t.run.signature),
                signatures,
              )
            : null,
          this.inputs,
          this.isStateful ? h('p', { class: 'quiet' }, t.run.stateful) : null,
          h('div', { class: 'buttons' }, this.button, this.isStateful ? this.resetButton() : null),
          this.problem,
        ),
        h(
          'section',
          null,
          h('h2', null, t.run.outputs),
          this.outputs,
          h(
            'details',
            { class: 'fold' },
            h('summary', null, t.run.labels),
            h(
              'div',
              { class: 'field' },
              h('label', { for: labelsId }, t.run.labelsHelp),
              this.labelsBox,
            ),
          ),
        ),
        h(
          'section',
          null,
          h('h2', null, t.run.latency),
          this.times,
          this.profileButton,
          this.profile,
        ),
      ),
    );
    this.showTimes();
  }

  private chooseSignature(key: string | undefined): void {
    this.signature = key;
    const { sample, isSample } = this.app.store.state;
    const preset =
      isSample && typeof sample === 'object'
        ? { times: sample.scale, plus: sample.offset }
        : undefined;
    this.editors = this.call.inputs.map((info) =>
      makeInput(
        info,
        preset,
        () => this.changed(),
        (message) => this.say(message),
      ),
    );
    mountInputs(this.inputs, this.editors);
  }

  private collect(): { [name: string]: TensorInput } | undefined {
    const inputs: { [name: string]: TensorInput } = {};
    for (const editor of this.editors) {
      const value = editor.value();
      if (value === undefined) return undefined;
      inputs[editor.info.name] = value;
    }
    return inputs;
  }

  private changed(): void {
    const run = this.run();
    // While a run goes on, its promise stands for the one that follows, too.
    if (!this.runAgain) this.pending = run;
  }

  /** One run with what the editors hold; a change meanwhile runs once more. */
  private async run(): Promise<void> {
    if (this.running) {
      this.runAgain = true;
      return;
    }
    const inputs = this.collect();
    if (!this.model || !inputs) {
      if (this.model) this.say(t.run.noPicture);
      return;
    }
    this.running = true;
    this.button.setAttribute('aria-busy', 'true');
    try {
      const begin = performance.now();
      const tensors = await this.model.run(
        inputs,
        this.signature === undefined ? {} : { signature: this.signature },
      );
      this.timed(performance.now() - begin);
      this.problem.hidden = true;
      this.last = { tensors, info: this.call };
      const words = this.showOutputs();
      if (!this.inSeries) announce(t.run.announced(words));
      this.profileButton.disabled = false;
      if (!this.isStateful && this.median === undefined && this.first! < kQuick) {
        await this.measure(inputs);
      }
    } catch (error) {
      if (!this.ended.signal.aborted) this.showProblem(error);
    } finally {
      this.running = false;
      this.button.removeAttribute('aria-busy');
    }
    if (this.runAgain) {
      this.runAgain = false;
      await this.run();
    }
  }

  private async measure(inputs: { [name: string]: TensorInput }): Promise<void> {
    const times: number[] = [];
    for (let i = 0; i < kRuns; ++i) {
      const begin = performance.now();
      await this.model!.run(
        inputs,
        this.signature === undefined ? {} : { signature: this.signature },
      );
      times.push(performance.now() - begin);
      if (this.ended.signal.aborted || this.runAgain) return;
    }
    times.sort((a, b) => a - b);
    this.settled((times[kRuns / 2 - 1]! + times[kRuns / 2]!) / 2);
  }

  private settled(median: number): void {
    this.median = median;
    this.app.store.set({ latency: { time: median, runs: kRuns } });
    this.showTimes();
  }

  private timed(time: number): void {
    if (this.first === undefined) {
      this.first = time;
      this.app.store.set({ latency: { time, runs: 1 } });
    }
    this.showTimes();
  }

  private showTimes(): void {
    const value = (time: number | undefined): string =>
      time === undefined ? '–' : text(milliseconds(time));
    fill(
      this.times,
      h('dt', null, t.run.first),
      h('dd', null, value(this.first)),
      this.isStateful && this.median === undefined
        ? null
        : [h('dt', null, t.run.median), h('dd', null, value(this.median))],
      this.model
        ? [h('dt', null, t.details.threads), h('dd', null, integer(this.model.threads))]
        : null,
    );
  }

  /** Shows the outputs of the last run and gives them in words. */
  private showOutputs(): string {
    if (!this.last) return '';
    const { tensors, info } = this.last;
    const views = Object.entries(tensors).map(([name, tensor]) =>
      showOutput(
        name,
        tensor,
        info.outputs.find((one) => one.name === name),
        this.labels,
      ),
    );
    fill(
      this.outputs,
      views.map((view) => view.element),
    );
    return views.map((view) => view.words).join('; ');
  }

  /** The sample's images in turn: what each is and what the model takes it for. */
  private async runSample(): Promise<void> {
    const { sample } = this.app.store.state;
    const editor = this.editors.find((one) => one.usePicture);
    if (typeof sample !== 'object' || !editor?.usePicture) return;
    const nameOf = (index: number): string => sample.labels[index] ?? String(index);
    const entries = sample.images.map((image) => {
      const predicted = h('span', { class: 'thumb-predicted' }, '…');
      const button = h(
        'button',
        {
          class: 'thumb',
          type: 'button',
          'aria-label': t.run.sampleWaiting(nameOf(image.expected)),
          on: { click: () => void choose(image.blob, button) },
        },
        h('img', { src: image.url, alt: '', width: 64, height: 64 }),
        h(
          'span',
          { class: 'thumb-line' },
          h('span', { class: 'thumb-label' }, t.run.expected),
          ` ${nameOf(image.expected)}`,
        ),
        h(
          'span',
          { class: 'thumb-line' },
          h('span', { class: 'thumb-label' }, t.run.predicted),
          ' ',
          predicted,
        ),
      );
      return { image, button, predicted };
    });
    const choose = async (blob: Blob, button: HTMLElement): Promise<void> => {
      for (const entry of entries) {
        entry.button.setAttribute('aria-pressed', String(entry.button === button));
      }
      await editor.usePicture!(blob);
    };
    fill(
      this.thumbs,
      entries.map((entry) => entry.button),
    );
    let right = 0;
    this.inSeries = true;
    for (const { image, button, predicted } of entries) {
      await choose(image.blob, button);
      await this.pending;
      if (this.ended.signal.aborted || !this.last) return;
      const [output] = Object.entries(this.last.tensors);
      const values = output
        ? decode(
            output[1],
            this.last.info.outputs.find((one) => one.name === output[0])?.quantization,
          )
        : undefined;
      if (!values) return;
      const index = greatest(values);
      const correct = index === image.expected;
      if (correct) right++;
      fill(
        predicted,
        nameOf(index),
        icon(correct ? 'check' : 'close', correct ? t.report.ok : t.report.note),
      );
      button.classList.add(correct ? 'right' : 'wrong');
      button.setAttribute('aria-label', t.run.samplePicture(nameOf(image.expected), nameOf(index)));
    }
    this.inSeries = false;
    const verdict = t.run.sampleRight(right, entries.length);
    const said = document.getElementById('sample-right');
    if (said) said.textContent = verdict;
    announce(verdict);
    const start = entries[0];
    if (start) await choose(start.image.blob, start.button);
  }

  private async toggleProfile(): Promise<void> {
    const open = this.profileButton.getAttribute('aria-expanded') === 'true';
    this.profileButton.setAttribute('aria-expanded', String(!open));
    this.profileButton.textContent = open ? t.run.profile : t.run.profileHide;
    if (open) {
      fill(this.profile);
      return;
    }
    const inputs = this.collect();
    if (!inputs || !this.model) return;
    fill(this.profile, h('p', { class: 'quiet' }, t.run.running));
    try {
      const profile = await this.model.profile(
        inputs,
        this.signature === undefined ? { runs: kRuns } : { runs: kRuns, signature: this.signature },
      );
      if (this.isStateful) {
        await this.model.reset();
        this.settled(profile.time);
      }
      fill(
        this.profile,
        this.isStateful ? h('p', { class: 'quiet' }, t.run.profileResets) : null,
        profileList(profile),
      );
    } catch (error) {
      fill(this.profile);
      this.showProblem(error);
    }
  }

  private resetButton(): HTMLElement {
    const reset = async (): Promise<void> => {
      try {
        await this.model?.reset();
        this.problem.hidden = true;
        fill(this.outputs, h('p', { class: 'quiet' }, sentence(t.run.resetDone)));
        announce(t.run.resetDone);
      } catch (error) {
        if (!this.ended.signal.aborted) this.showProblem(error);
      }
    };
    return h(
      'button',
      { class: 'button', type: 'button', on: { click: () => void reset() } },
      t.run.reset,
    );
  }

  private say(message: string): void {
    fill(this.problem, icon('warning'), h('span', null, message));
    this.problem.hidden = false;
  }

  private showProblem(error: unknown, withHeading = true): void {
    const known = error as {
      message?: string;
      issues?: { name: string; operator?: string; reason: string; help: string }[];
    };
    const issues = known.issues ?? [];
    // With reasons the message is their heading, a line, and all of them once more.
    const [heading = ''] = (known.message ?? String(error)).split('\n');
    const reasons = issues.map(({ operator, name, reason, help }) =>
      h(
        'li',
        null,
        h('strong', null, [operator, name].filter(Boolean).join(' ')),
        ' ',
        sentence(reason),
        help ? ` ${sentence(help)}` : '',
      ),
    );
    fill(
      this.problem,
      icon('blocked'),
      h(
        'div',
        null,
        withHeading || reasons.length === 0 ? sentence(heading) : null,
        reasons.length > 0 ? h('ul', null, reasons) : null,
      ),
    );
    this.problem.hidden = false;
  }
}

function profileList(profile: Profile): HTMLElement {
  const total = profile.operators.reduce((sum, one) => sum + one.time, 0) || 1;
  const most = Math.max(...profile.operators.map((one) => one.time), 1e-9);
  const rows = [...profile.operators]
    .sort((a, b) => b.time - a.time)
    .map((one) => {
      const bar = h('span', { class: 'meter-fill' });
      bar.style.transform = `scaleX(${one.time / most})`;
      const rate =
        one.gflops !== undefined
          ? ` · ${one.gflops.toFixed(1)} GFLOP/s`
          : one.gbps !== undefined
            ? ` · ${one.gbps.toFixed(1)} GB/s`
            : '';
      return h(
        'li',
        null,
        h(
          'span',
          { class: 'profile-name' },
          `${one.index} ${one.name}`,
          h('span', { class: 'quiet' }, ` ${one.kernel}${rate}`),
        ),
        h(
          'span',
          { class: 'profile-time' },
          `${text(milliseconds(one.time))} · ${Math.round((one.time / total) * 100)}\u00a0%`,
        ),
        h('span', { class: 'meter', 'aria-hidden': 'true' }, bar),
      );
    });
  return h('ol', { class: 'profile-list' }, rows);
}
