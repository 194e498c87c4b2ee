// The worker's script (dist/worker.js): it does what the page's side asks, or becomes a thread of a
// threaded module. The first message says which. On pages and in Node alike.
import { LocalModel, type EngineOptions } from './engine.js';
import { isNode, nodeModule } from './environment.js';
import { toWire, ZeoliteError } from './error.js';
import type { RawInput } from './inputs.js';
import { inspectHere, type LocalInspection } from './inspect_local.js';
import { convertHere, type ConvertRequest } from './convert_local.js';
import { acquireRuntime, adoptModules, becomeThread, maxIdleBytes, release } from './modules.js';
import type { FromWorker, ToWorker } from './remote.js';
import { settings } from './settings.js';
import type { OriginFile } from './sources.js';
import type { ThreadRole } from './thread_worker.js';
import type { Progress, Tensor } from './types.js';

interface Scope {
  postMessage(message: unknown, transfer?: Transferable[]): void;
  onmessage: ((event: { data: unknown }) => void) | null;
}

let model: LocalModel | undefined;
let inspection: LocalInspection | undefined;
const memory = (): number => model?.memory ?? inspection?.memory ?? 0;

/** A worker serves one model or inspection at a time. */
const methods = {
  async load(report: (progress: Progress) => void, files: OriginFile[], options: EngineOptions) {
    if (model || inspection) {
      throw new ZeoliteError('environment', 'this worker has a model already');
    }
    model = await LocalModel.load(files, options, undefined, report);
    return model.description;
  },
  run: (_: unknown, subgraph: number, inputs: RawInput[], strings: 'text' | 'bytes') =>
    loaded().run(subgraph, inputs, strings),
  profile: (_: unknown, subgraph: number, inputs: RawInput[], runs: number) =>
    loaded().profile(subgraph, inputs, runs),
  reset: () => loaded().reset(),
  async dispose() {
    const held = memory();
    await model?.dispose();
    inspection?.dispose();
    model = inspection = undefined;
    // WebAssembly memory does not shrink: a large worker is better ended.
    return held <= maxIdleBytes;
  },
  convert: (report: (progress: Progress) => void, request: ConvertRequest) =>
    convertHere(request, undefined, report),
  async inspect(
    report: (progress: Progress) => void,
    files: OriginFile[],
    options: { format?: string; stage?: string },
  ) {
    inspection = await inspectHere(files, options, undefined, report);
    return inspection.data;
  },
  /** Starts the threads that a model will run with. */
  async warm(_: unknown, threads: number) {
    release(await acquireRuntime(threads));
  },
  stats: (_: unknown, graph: number, tensor: number) => inspection!.stats(graph, tensor),
};

function loaded(): LocalModel {
  if (!model) throw new ZeoliteError('disposed', 'the worker has no model');
  return model;
}

/** The memory of arrays in an answer, to hand over instead of copying. */
function transferable(value: unknown): Transferable[] {
  const found = new Set<ArrayBuffer>();
  const add = (data: unknown): void => {
    if (
      ArrayBuffer.isView(data) &&
      data.buffer instanceof ArrayBuffer &&
      data.byteLength === data.buffer.byteLength
    ) {
      found.add(data.buffer);
    }
  };
  if (Array.isArray(value)) {
    for (const tensor of value as Tensor[]) add((tensor as Tensor | undefined)?.data);
  } else add((value as { tflite?: Uint8Array } | undefined)?.tflite);
  return [...found];
}

async function answer(scope: Scope, message: Extract<ToWorker, { call: number }>): Promise<void> {
  const { call, method, args } = message;
  const post = (reply: FromWorker, transfer: Transferable[] = []): void =>
    scope.postMessage(reply, transfer);
  try {
    const body = (methods as { [name: string]: unknown })[method] as (
      report: (progress: Progress) => void,
      ...args: unknown[]
    ) => unknown;
    const value = await body((progress) => post({ call, progress }), ...args);
    post({ call, value, memory: memory() }, transferable(value));
  } catch (error) {
    post({ call, error: toWire(error), memory: memory() });
  }
}

function begin(scope: Scope): void {
  scope.onmessage = ({ data }) => {
    if ((data as ThreadRole).thread) {
      becomeThread((data as ThreadRole).thread);
      return;
    }
    const { wasmBase, modules } = data as Extract<ToWorker, { role: string }>;
    settings.wasmBase = wasmBase;
    adoptModules(modules);
    scope.onmessage = ({ data: next }) =>
      void answer(scope, next as Extract<ToWorker, { call: number }>);
    scope.postMessage({ ready: true } satisfies FromWorker);
  };
}

if (isNode) {
  // What a worker of a page has, for Emscripten's threads too.
  void nodeModule<typeof import('node:worker_threads')>('worker_threads').then(({ parentPort }) => {
    const scope = globalThis as unknown as Scope & { self: unknown };
    scope.self = globalThis;
    scope.postMessage = (message, transfer) => parentPort!.postMessage(message, transfer as never);
    begin(scope);
    parentPort!.on('message', (data: unknown) => scope.onmessage?.({ data }));
  });
} else {
  begin(globalThis as unknown as Scope);
}
