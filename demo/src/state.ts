// What the page knows, in one object, and who wants to hear of changes.
import type { ConvertReport, ConvertSource, Features, Inspection, Issue } from 'zeolite';
import type { Sample } from './sample.js';

export type Phase = 'empty' | 'reading' | 'converting' | 'result' | 'refused' | 'failed';

export interface StageProgress {
  stage: string;
  done: number;
  total: number;
}

/** Why a file was refused or the work failed. */
export interface Problem {
  code: string;
  message: string;
  issues: readonly Issue[];
  /** For a report: the error with its stack. */
  details: string;
  /** The file is one half of a model; the other can be added as a second file. */
  wantsSecond: 'architecture' | 'weights' | undefined;
}

export interface Result {
  tflite: Blob;
  /** What runs: the same, with the files of its weights where it has such. */
  source: ConvertSource;
  /** Files that weights lie in and that were not opened with the model, as it calls them. */
  missing: readonly string[];
  /** Name that the download has. */
  name: string;
  /** Absent when a `.tflite` was opened as it is. */
  report: ConvertReport | undefined;
  /** Milliseconds; 0 when nothing was converted. */
  time: number;
  sparse: boolean;
}

export interface State {
  phase: Phase;
  /** Counts the files opened, so that a view knows its own. */
  job: number;
  fileName: string;
  fileBytes: number;
  /** The opened file is the page's own sample. */
  isSample: boolean;
  source: Inspection | undefined;
  target: Inspection | undefined;
  result: Result | undefined;
  stages: StageProgress[];
  startedAt: number;
  problem: Problem | undefined;
  gzipBefore: number | undefined;
  gzipAfter: number | undefined;
  /** Milliseconds of a run, and how many runs it is the median of. */
  latency: { time: number; runs: number } | undefined;
  sample: Sample | 'loading' | 'missing';
  engine: 'preparing' | 'ready' | 'failed';
  features: Features | undefined;
  /** The page's files are kept for use without a network. */
  offline: boolean;
}

export const kNoFile = {
  fileName: '',
  fileBytes: 0,
  isSample: false,
  source: undefined,
  target: undefined,
  result: undefined,
  stages: [],
  startedAt: 0,
  problem: undefined,
  gzipBefore: undefined,
  gzipAfter: undefined,
  latency: undefined,
} satisfies Partial<State>;

export class Store {
  private current: State = {
    phase: 'empty',
    job: 0,
    ...kNoFile,
    sample: 'loading',
    engine: 'preparing',
    features: undefined,
    offline: false,
  };
  private readonly listeners = new Set<(state: State, before: State) => void>();

  get state(): State {
    return this.current;
  }

  set(change: Partial<State>): void {
    const before = this.current;
    this.current = { ...before, ...change };
    for (const listener of this.listeners) listener(this.current, before);
  }

  listen(listener: (state: State, before: State) => void): void {
    this.listeners.add(listener);
  }
}
