// What the page does: opens files, converts them, keeps the state. Everything about models goes
// through the package's public interface.
import { convert, inspect, type ConvertSource, type Inspection, type Progress } from 'zeolite';
import { inBackground } from './background.js';
import { tfliteName } from './format.js';
import { kNoFile, Store, type Problem, type StageProgress } from './state.js';

/** What was dropped or chosen: one file, or the files of one model by their paths. */
export type Opened = {
  name: string;
  bytes: number;
  source: ConvertSource;
  blob: File | undefined;
  files: Map<string, File>;
};

// The stages that every conversion goes through; others show when they come.
const kStages = ['read', 'lower', 'passes', 'optimize', 'write'];

export function opened(files: Map<string, File>): Opened | undefined {
  const entries = [...files];
  const first = entries[0];
  if (!first) return undefined;
  const bytes = entries.reduce((sum, [, file]) => sum + file.size, 0);
  if (entries.length === 1) {
    return { name: first[1].name, bytes, source: first[1], blob: first[1], files };
  }
  // The largest file is the model's weights: it gives the name.
  const largest = entries.reduce((a, b) => (b[1].size > a[1].size ? b : a))[1];
  return { name: largest.name, bytes, source: Object.fromEntries(entries), blob: undefined, files };
}

/** A file's own name, without the folders that it lies in. */
const baseName = (path: string): string => path.split('/').pop()!;

/** The first of the files that is a .tflite by its content. */
async function findTflite(files: Map<string, File>): Promise<File | undefined> {
  for (const file of files.values()) {
    if ((await file.slice(4, 8).text()) === 'TFL3') return file;
  }
  return undefined;
}

// Milliseconds between two looks at the progress.
const kProgressEvery = 40;

// Larger files are not kept open for statistics: a .tflite would be in memory twice, of other
// models as much as their largest weight.
const kLarge = 32e6;

const kPartBytes = 8e6;

/**
 * The bytes as a blob. They go to the browser part by part: as one they would be in the page twice.
 */
async function handedOver(bytes: Uint8Array): Promise<Blob> {
  const parts: Blob[] = [];
  for (let at = 0; at < bytes.length; at += kPartBytes) {
    const part = new Blob([bytes.subarray(at, at + kPartBytes) as BlobPart]);
    // Only what has arrived can be read.
    await part.slice(0, 1).arrayBuffer();
    parts.push(part);
  }
  return new Blob(parts, { type: 'application/octet-stream' });
}

/**
 * Gives back the memory of a large array at once rather than when garbage is collected: it goes to
 * nobody. (The array's own transfer() leaves it with the event that brought it.)
 */
function discard(bytes: Uint8Array): void {
  const { port1, port2 } = new MessageChannel();
  port2.close();
  port1.postMessage(null, [bytes.buffer as ArrayBuffer]);
  port1.close();
}

/** An inspection that holds no memory for a large file: who wants statistics opens it once more. */
function lean(inspection: Inspection, source: ConvertSource, bytes: number): Inspection {
  if (bytes <= kLarge) return inspection;
  void inspection.dispose().catch(() => undefined);
  return {
    ...inspection,
    async stats(graph, tensor) {
      const again = await inspect(source);
      try {
        return await again.stats(graph, tensor);
      } finally {
        void again.dispose().catch(() => undefined);
      }
    },
    dispose: async () => undefined,
  };
}

export class App {
  readonly store = new Store();
  private work: AbortController | undefined;
  private last: Opened | undefined;
  /** The .tflite that is open, and the names of the files beside it that hold its weights. */
  private external: { model: File; names: Set<string> } | undefined;

  /** Opens files; what was going on is cancelled. */
  async open(files: Map<string, File>, isSample = false): Promise<void> {
    const { state } = this.store;
    let all = files;
    // The half of a model that was asked for is read together with the one that is there.
    const only = files.size === 1 ? [...files.values()][0] : undefined;
    const wanted = { architecture: /\.json$/i, weights: /\.(h5|hdf5|keras)$/i };
    const half = state.problem?.wantsSecond;
    if (half && this.last && only && wanted[half].test(only.name)) {
      all = new Map([...this.last.files, ...files]);
    } else if (this.holdsWeights(files) && !(await findTflite(files).catch(() => undefined))) {
      all = this.withWeights(files);
    }
    const file = opened(all);
    if (!file) return;
    await this.start(file, isSample, false);
  }

  /**
   * Opens the .tflite that is open once more, together with files that it lacks.
   * @return false when none of them has the name of one
   */
  addWeights(files: Map<string, File>): boolean {
    if (!this.holdsWeights(files)) return false;
    void this.start(opened(this.withWeights(files))!, false, false);
    return true;
  }

  private holdsWeights(files: Map<string, File>): boolean {
    return [...files.keys()].some((path) => this.external?.names.has(baseName(path)));
  }

  /** The open model's files; the new ones take the place of those with their names. */
  private withWeights(files: Map<string, File>): Map<string, File> {
    const names = new Set([...files.keys()].map(baseName));
    const kept = [...(this.last?.files ?? [])].filter(([path]) => !names.has(baseName(path)));
    return new Map([...kept, ...files]);
  }

  openSample(): void {
    const { sample } = this.store.state;
    if (typeof sample === 'object') {
      void this.open(new Map([[sample.file.name, sample.file]]), true);
    }
  }

  /** Converts the open file again, with zeros stored compactly or not. */
  async convertAgain(sparse: boolean): Promise<void> {
    if (this.last) await this.start(this.last, this.store.state.isSample, sparse);
  }

  cancel(): void {
    this.leave();
    this.external = undefined;
    this.store.set({ phase: 'empty', ...kNoFile });
  }

  /** Ends what runs and frees what the engine holds for the file before. */
  private leave(): AbortController {
    this.work?.abort();
    this.work = new AbortController();
    const { source, target } = this.store.state;
    void source?.dispose().catch(() => undefined);
    void target?.dispose().catch(() => undefined);
    return this.work;
  }

  private async start(file: Opened, isSample: boolean, sparse: boolean): Promise<void> {
    const { signal } = this.leave();
    if (![...file.files.values()].some((one) => one === this.external?.model)) {
      this.external = undefined;
    }
    this.last = file;
    this.store.set({
      ...kNoFile,
      phase: 'reading',
      job: this.store.state.job + 1,
      fileName: this.external?.model.name ?? file.name,
      fileBytes: file.bytes,
      isSample,
    });
    try {
      const first = await inspect(file.source, { signal });
      if (signal.aborted) return void first.dispose();
      if (first.format === 'tflite') {
        const model = await findTflite(file.files);
        if (signal.aborted) return void first.dispose();
        if (!model) throw new Error('the file has changed since it was read');
        const names = first.graphs.flatMap(({ tensors }) =>
          tensors.flatMap((tensor) => (tensor.file === undefined ? [] : [baseName(tensor.file)])),
        );
        this.external = names.length > 0 ? { model, names: new Set(names) } : undefined;
        this.store.set({ fileName: model.name });
        this.show(signal, {
          target: lean(first, file.source, file.bytes),
          tflite: model,
          source: file.source,
          name: tfliteName(model.name),
        });
        return;
      }
      this.store.set({ source: lean(first, file.source, file.bytes) });
      await this.convert(file, sparse, signal);
    } catch (error) {
      if (!signal.aborted) this.fail(error);
    }
  }

  private async convert(file: Opened, sparse: boolean, signal: AbortSignal): Promise<void> {
    const startedAt = performance.now();
    let stages: StageProgress[] = kStages.map((stage) => ({ stage, done: 0, total: 0 }));
    this.store.set({ phase: 'converting', startedAt, stages });
    let due = 0;
    const onProgress = ({ stage, done, total }: Progress): void => {
      stages = progressed(stages, stage, done, total);
      // News comes more often than eyes can follow. A timer, since a hidden tab's title goes on
      // too.
      due ||= window.setTimeout(() => {
        due = 0;
        if (!signal.aborted && this.store.state.phase === 'converting') this.store.set({ stages });
      }, kProgressEvery);
    };
    const { tflite, report } = await convert(file.source, { sparsify: sparse, signal, onProgress });
    if (signal.aborted) return;
    const time = performance.now() - startedAt;
    const blob = await handedOver(tflite);
    if (signal.aborted) return;
    discard(tflite);
    const target = await inspect(blob, { signal });
    if (signal.aborted) return void target.dispose();
    this.show(signal, {
      target: lean(target, blob, blob.size),
      tflite: blob,
      name: tfliteName(file.name),
      report,
      time,
      sparse,
      before: file,
    });
  }

  private show(
    signal: AbortSignal,
    made: {
      target: Inspection;
      tflite: Blob;
      source?: ConvertSource;
      name: string;
      report?: Awaited<ReturnType<typeof convert>>['report'];
      time?: number;
      sparse?: boolean;
      before?: Opened;
    },
  ): void {
    const {
      target,
      tflite,
      source = tflite,
      name,
      report,
      time = 0,
      sparse = false,
      before,
    } = made;
    const missing = target.compatibility.flatMap(({ subject, severity }) =>
      severity === 'blocks' && subject.file ? [subject.file] : [],
    );
    this.store.set({
      phase: 'result',
      target,
      result: { tflite, source, missing, name, report, time, sparse },
    });
    const count = (blob: Blob, field: 'gzipBefore' | 'gzipAfter'): void => {
      inBackground('gzip', blob).then(
        (size) => signal.aborted || this.store.set({ [field]: size }),
        () => undefined, // The fact stays open: nothing else hangs on it.
      );
    };
    count(tflite, 'gzipAfter');
    if (before?.blob) count(before.blob, 'gzipBefore');
  }

  private fail(error: unknown): void {
    const problem = problemOf(error, this.last);
    const refused = ['not-a-model', 'corrupt', 'unsupported', 'bad-input'].includes(problem.code);
    this.store.set({ phase: refused ? 'refused' : 'failed', problem });
  }
}

/** The stages after news of one: those before it are over. */
function progressed(
  stages: readonly StageProgress[],
  stage: string,
  done: number,
  total: number,
): StageProgress[] {
  const at = stage === 'done' ? stages.length : stages.findIndex((other) => other.stage === stage);
  if (at < 0) return [...stages, { stage, done, total }];
  return stages.map((other, i) =>
    i < at
      ? { ...other, done: Math.max(1, other.total), total: Math.max(1, other.total) }
      : i === at
        ? { stage, done, total }
        : other,
  );
}

/** Weights without an architecture, or the other way round: told by the reason. */
function missingHalf(
  code: string,
  reason: string,
  file: Opened | undefined,
): Problem['wantsSecond'] {
  if ((code !== 'unsupported' && code !== 'bad-input') || file?.files.size !== 1) return undefined;
  if (!/architecture/i.test(reason) || !/weights/i.test(reason)) return undefined;
  return /no weights/i.test(reason) ? 'weights' : 'architecture';
}

function problemOf(error: unknown, file: Opened | undefined): Problem {
  const known = error as { code?: unknown; issues?: unknown; message?: unknown; stack?: unknown };
  const code = typeof known?.code === 'string' ? known.code : 'internal';
  const issues = Array.isArray(known?.issues) ? (known.issues as Problem['issues']) : [];
  const message = typeof known?.message === 'string' ? known.message : String(error);
  const details = [
    `code: ${code}`,
    message,
    ...issues.map(
      (issue) =>
        `${issue.layer ?? issue.operator ?? ''} ${issue.name}: ${issue.reason} ${issue.help}`,
    ),
    typeof known?.stack === 'string' ? known.stack : '',
    navigator.userAgent,
  ].join('\n');
  const texts = [message, ...issues.map((issue) => `${issue.reason} ${issue.help}`)].join(' ');
  return { code, message, issues, details, wantsSecond: missingHalf(code, texts, file) };
}
