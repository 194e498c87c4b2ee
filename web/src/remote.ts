// Work in workers: starting them, calling them, and models that live there.
import { defaultWorker, isNode, noteWorkerTrouble, workersWork } from './environment.js';
import type { EngineModel, EngineOptions, ModelDescription } from './engine.js';
import { LocalModel } from './engine.js';
import { aborted, checkAborted, fromWire, ZeoliteError, type WireError } from './error.js';
import type { RawInput } from './inputs.js';
import { compiledAhead, type ModuleName } from './modules.js';
import { settings } from './settings.js';
import type { Origin, OriginFile } from './sources.js';
import { nodeWorker, pageWorker, prepareNodeWorkers } from './start_worker.js';
import type { Profile, Progress, Tensor } from './types.js';

export type ToWorker =
  | {
      role: 'work';
      wasmBase: string | undefined;
      modules: ReadonlyMap<ModuleName, WebAssembly.Module>;
    }
  | { call: number; method: string; args: unknown[] };

export type FromWorker =
  | { ready: true }
  | { call: number; value: unknown; memory: number }
  | { call: number; error: WireError; memory: number }
  | { call: number; progress: Progress };

interface Port {
  post(message: ToWorker, transfer: Transferable[]): void;
  listen(message: (data: FromWorker) => void, failed: (error: Error) => void): void;
  terminate(): void;
  /** Whether it keeps a Node process alive. */
  hold(alive: boolean): void;
}

function openPort(): Port {
  if (isNode) {
    const worker = nodeWorker();
    return {
      post: (message, transfer) => worker.postMessage(message, transfer as never),
      listen: (message, failed) => {
        worker.on('message', message);
        worker.on('error', failed);
        worker.on('exit', () => failed(new Error('the worker ended')));
      },
      terminate: () => void worker.terminate(),
      hold: (alive) => (alive ? worker.ref() : worker.unref()),
    };
  }
  const worker = pageWorker();
  return {
    post: (message, transfer) => worker.postMessage(message, transfer),
    listen: (message, failed) => {
      worker.addEventListener('message', (event: MessageEvent<FromWorker>) => message(event.data));
      worker.addEventListener('error', (event) =>
        failed(new Error(event.message || 'its script could not be loaded')),
      );
      worker.addEventListener('messageerror', () =>
        failed(new Error('a message could not be read')),
      );
    },
    terminate: () => worker.terminate(),
    hold: () => {},
  };
}

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
  onProgress: ((progress: Progress) => void) | undefined;
}

/** One worker and the calls that it has not answered yet. */
export class WorkerClient {
  memory = 0;
  private readonly pending = new Map<number, Pending>();
  private lastCall = 0;
  private failure: Error | undefined;

  private constructor(private readonly port: Port) {}

  /** A worker that is ready. Errors: 'environment' where workers are forbidden. */
  static async start(): Promise<WorkerClient> {
    await prepareNodeWorkers();
    let port: Port | undefined;
    try {
      const opened = (port = openPort());
      const client = new WorkerClient(opened);
      await new Promise<void>((resolve, reject) => {
        opened.listen(
          (message) => {
            if ('ready' in message) resolve();
            else client.receive(message);
          },
          (error) => {
            reject(error);
            client.fail(error);
          },
        );
        opened.post({ role: 'work', wasmBase: settings.wasmBase, modules: compiledAhead() }, []);
      });
      opened.hold(false);
      return client;
    } catch (error) {
      port?.terminate();
      throw new ZeoliteError(
        'environment',
        `a worker could not be started: ${(error as Error).message}`,
        [],
        error,
      );
    }
  }

  call(
    method: string,
    args: unknown[],
    transfer: Transferable[] = [],
    onProgress?: (progress: Progress) => void,
  ): Promise<unknown> {
    if (this.failure) return Promise.reject(this.lost());
    const call = ++this.lastCall;
    return new Promise((resolve, reject) => {
      this.pending.set(call, { resolve, reject, onProgress });
      if (this.pending.size === 1) this.port.hold(true);
      this.port.post({ call, method, args }, transfer);
    });
  }

  /** Ends the worker and all that runs in it. */
  terminate(reason: Error): void {
    this.port.terminate();
    this.fail(reason);
  }

  private receive(message: Exclude<FromWorker, { ready: true }>): void {
    const pending = this.pending.get(message.call);
    if (!pending) return;
    if ('progress' in message) {
      pending.onProgress?.(message.progress);
      return;
    }
    this.memory = message.memory;
    this.settle(message.call);
    if ('error' in message) pending.reject(fromWire(message.error));
    else pending.resolve(message.value);
  }

  private settle(call: number): void {
    this.pending.delete(call);
    if (this.pending.size === 0) this.port.hold(false);
  }

  private lost(): Error {
    const { failure } = this;
    return failure instanceof ZeoliteError
      ? failure
      : new ZeoliteError('environment', `the worker was lost: ${failure?.message}`, [], failure);
  }

  private fail(error: Error): void {
    if (this.failure) return;
    this.failure = error;
    for (const { reject } of this.pending.values()) reject(this.lost());
    this.pending.clear();
    this.port.hold(false);
  }
}

/** Workers without work, for the next that has some; the last is the best for a model. */
const idle: WorkerClient[] = [];
let maxIdle = 2;

/**
 * Starts `count` workers that wait for work; the last also has the threads that models run with.
 */
export async function startIdle(count: number, threads: number): Promise<void> {
  maxIdle = Math.max(maxIdle, count + 1);
  const clients = await Promise.all(
    Array.from({ length: count - idle.length }, () => WorkerClient.start()),
  );
  const last = clients.at(-1);
  if (threads > 1) await last?.call('warm', [threads]);
  idle.push(...clients);
}

/**
 * The worker has nothing to do any more: it waits for the next, or ends when it holds much memory.
 */
export async function giveBack(client: WorkerClient, hadModel: boolean): Promise<void> {
  const reusable = await client.call('dispose', []).catch(() => false);
  if (!reusable || idle.length >= maxIdle) {
    client.terminate(new ZeoliteError('disposed', 'the worker is not needed any more'));
  } else if (hadModel) idle.push(client);
  else idle.unshift(client);
}

/**
 * A worker where the work shall be in one; says why not where that is impossible: then the work is
 * done in place, and features() has the reason.
 */
export async function workerOrPlace(
  wanted: boolean | undefined,
  forModel = false,
): Promise<WorkerClient | undefined> {
  if (!(wanted ?? defaultWorker()) || !workersWork()) return undefined;
  const waiting = forModel ? idle.pop() : idle.shift();
  if (waiting) return waiting;
  try {
    return await WorkerClient.start();
  } catch (error) {
    noteWorkerTrouble(`Work runs in place: ${(error as Error).message}.`);
    return undefined;
  }
}

/** Calls `method`; when `signal` fires the worker is ended, and with it all that it holds. */
export async function callOrEnd(
  client: WorkerClient, method: string, args: unknown[], transfer: Transferable[],
  signal: AbortSignal | undefined, onProgress?: (progress: Progress) => void,
): Promise<unknown> {
  const stop = (): void => client.terminate(aborted(signal!));
  signal?.addEventListener('abort', stop, { once: true });
  try {
    checkAborted(signal);
    return await client.call(method, args, transfer, onProgress);
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

/** All files of a model, as a message takes them. */
export function ownFiles(files: OriginFile[]): { files: OriginFile[]; transfer: Transferable[] } {
  const own = files.map(({ path, origin }) => ({ path, ...ownOrigin(origin) }));
  return {
    files: own.map(({ path, origin }) => ({ path, origin })),
    transfer: own.flatMap(({ transfer }) => transfer),
  };
}

/** Bytes that belong to the message alone, so that they can be transferred. */
function ownOrigin(origin: Origin): { origin: Origin; transfer: Transferable[] } {
  if (origin.kind !== 'bytes') return { origin, transfer: [] };
  const bytes = origin.bytes.slice();
  return { origin: { ...origin, bytes }, transfer: [bytes.buffer] };
}

/** Ends the worker of something that was dropped without being disposed. */
export function endWhenForgotten(owner: object, client: WorkerClient): void {
  if (typeof FinalizationRegistry !== 'function') return;
  forgotten ??= new FinalizationRegistry((left) =>
    left.terminate(new ZeoliteError('disposed', 'nobody holds this any more')),
  );
  forgotten.register(owner, client, owner);
}
let forgotten: FinalizationRegistry<WorkerClient> | undefined;

/** It has been disposed: its worker goes on for others. */
export function spareWorkerOf(owner: object): void {
  forgotten?.unregister(owner);
}

export class RemoteModel implements EngineModel {
  private constructor(
    private readonly client: WorkerClient,
    readonly description: ModelDescription,
  ) {}

  static async load(
    files: OriginFile[],
    options: EngineOptions,
    signal?: AbortSignal,
    onProgress?: (progress: Progress) => void,
  ): Promise<EngineModel> {
    const client = await workerOrPlace(true, true);
    if (!client) return LocalModel.load(files, options, signal, onProgress);
    try {
      const own = ownFiles(files);
      const threads = options.threads ?? settings.threads ?? 'auto';
      const description = await callOrEnd(
        client,
        'load',
        [own.files, { ...options, threads }],
        own.transfer,
        signal,
        onProgress,
      );
      const model = new RemoteModel(client, description as ModelDescription);
      endWhenForgotten(model, client);
      return model;
    } catch (error) {
      void giveBack(client, true);
      throw error;
    }
  }

  get memory(): number {
    return this.client.memory;
  }

  async run(subgraph: number, inputs: RawInput[], strings: 'text' | 'bytes'): Promise<Tensor[]> {
    const { own, transfer } = copies(inputs);
    return (await this.client.call('run', [subgraph, own, strings], transfer)) as Tensor[];
  }

  async profile(subgraph: number, inputs: RawInput[], runs: number): Promise<Profile> {
    const { own, transfer } = copies(inputs);
    return (await this.client.call('profile', [subgraph, own, runs], transfer)) as Profile;
  }

  async reset(): Promise<void> {
    await this.client.call('reset', []);
  }

  async dispose(): Promise<void> {
    spareWorkerOf(this);
    await giveBack(this.client, true);
  }
}

/** The caller keeps its arrays: what is transferred are copies. */
function copies(inputs: RawInput[]): { own: RawInput[]; transfer: Transferable[] } {
  const own = inputs.map(({ shape, bytes }) => ({ shape, bytes: bytes.slice() }));
  return { own, transfer: own.map(({ bytes }) => bytes.buffer) };
}
