// The WebAssembly modules: where they lie, compiled once, and their instances. Each model has an
// instance of its own, so that what goes wrong in one is no other's concern; idle ones are reused.
import relaxedGlue from '#modules/runtime-relaxed';
import simdGlue from '#modules/runtime-simd';

import { hasSimd, isNode, nodeModule, runtimeBuild } from './environment.js';
import { ZeoliteError } from './error.js';
import { settings } from './settings.js';
import { prepareNodeWorkers } from './start_worker.js';
import { startThreadWorker, type ThreadWorker } from './thread_worker.js';

export type ModuleName =
  | 'runtime-simd'
  | 'runtime-relaxed'
  | 'runtime-simd-threads'
  | 'runtime-relaxed-threads'
  | 'converter';

/** A running model: wasm/runtime/runtime_session.h says what each function does. Texts are JSON. */
export interface RuntimeSession {
  /** Before load(): custom operators of these names (JSON) are the handler's. */
  useOperators(names: string, handler: OperatorHandler): void;
  reserve(size: number): number;
  /** Once the model is written: names of files beside it that it keeps weights in (JSON). */
  wantedFiles(): string;
  /** As reserve(), for the one at `index` of them. */
  reserveWanted(index: number, size: number): number;
  load(): string;
  prepare(subgraph: number, shapes: string): string;
  /** Takes memory for an input of strings; an error in JSON, or nothing. */
  resizeInput(subgraph: number, input: number, bytes: number): string;
  inputTable(subgraph: number): number;
  run(subgraph: number): number;
  error(): string;
  profile(subgraph: number): string;
  reset(): void;
  delete(): void;
}

/** wasm/runtime/js_operators.h says what its answers are. */
export interface OperatorHandler {
  infer(call: string): string;
  eval(call: string): string;
  write(index: number, offset: number): void;
}

/** What both modules have for viewers: wasm/runtime/inspect_session.h, wasm/converter/. */
export interface InspectSession {
  inspect(options: string): string;
  stats(graph: number, tensor: number): string;
  delete(): void;
}

export interface TfliteInspectSession extends InspectSession {
  /** Takes memory for the file and says where it begins; 0 when there is not enough. */
  addFile(path: string, size: number): number;
  /** As RuntimeSession's; here files may be missing. */
  wantedFiles(): string;
  reserveWanted(index: number, size: number): number;
}

/**
 * wasm/converter/received_files.h: puts bytes of a file into the module's memory, and says whether
 * it could.
 */
export type ReadFile = (offset: number, address: number, size: number) => boolean;

export interface SourceInspectSession extends InspectSession {
  addFile(path: string, size: number, read: ReadFile): string;
}

/** wasm/converter/convert_session.h */
export interface ConvertSession {
  addFile(path: string, size: number, read: ReadFile): string;
  start(options: string): string;
  step(): string;
  resultSize(): number;
  resultPieceCount(): number;
  resultPieces(): number;
  report(): string;
  delete(): void;
}

export interface RuntimeModule {
  RuntimeSession: new (threads: number) => RuntimeSession;
}

export interface Glue {
  (
    options:
      | {
          wasmMemory: WebAssembly.Memory;
          instantiateWasm(
            imports: WebAssembly.Imports,
            done: (instance: WebAssembly.Instance, module: WebAssembly.Module) => void,
          ): void;
          poolSize?: number;
          createWorker?: () => ThreadWorker;
          printErr(text: string): void;
        }
      | { thread: true },
  ): Promise<unknown>;
}

/**
 * Emscripten's JavaScript for each module. What not every page needs lies in files of its own
 * beside dist/index.js; dist/worker.js holds all of it, since bundlers make a worker of one file.
 */
const glues: { readonly [name in ModuleName]: () => Promise<Glue> } = {
  'runtime-simd': async () => simdGlue,
  'runtime-relaxed': async () => relaxedGlue,
  'runtime-simd-threads': async () => (await import('#modules/runtime-simd-threads')).default,
  'runtime-relaxed-threads': async () => (await import('#modules/runtime-relaxed-threads')).default,
  converter: async () => (await import('#modules/converter')).default,
};

async function glueOf(name: ModuleName): Promise<Glue> {
  try {
    return await glues[name]();
  } catch (error) {
    throw new ZeoliteError(
      'environment',
      `the JavaScript of module '${name}' could not be loaded: ${(error as Error).message}`,
      [],
      error,
    );
  }
}

// Written out one by one: bundlers find files by reading this very form.
const addresses: { readonly [name in ModuleName]: () => URL } = {
  'runtime-simd': () => new URL('./runtime-simd.wasm', import.meta.url),
  'runtime-relaxed': () => new URL('./runtime-relaxed.wasm', import.meta.url),
  'runtime-simd-threads': () => new URL('./runtime-simd-threads.wasm', import.meta.url),
  'runtime-relaxed-threads': () => new URL('./runtime-relaxed-threads.wasm', import.meta.url),
  converter: () => new URL('./converter.wasm', import.meta.url),
};

const addressOf = (name: ModuleName): URL =>
  settings.wasmBase ? new URL(`${name}.wasm`, settings.wasmBase) : addresses[name]();

const compiled = new Map<string, Promise<WebAssembly.Module>>();

function compile(name: ModuleName): Promise<WebAssembly.Module> {
  const url = addressOf(name);
  const known = compiled.get(url.href);
  if (known) return known;
  const promise = compileFrom(url);
  compiled.set(url.href, promise);
  promise.catch(() => compiled.delete(url.href));  // The next call tries again.
  return promise;
}

/** Those that are compiled, to hand to workers: they then neither fetch nor compile them. */
const ready = new Map<ModuleName, WebAssembly.Module>();

/** Fetches and compiles a module ahead of its first use. */
export async function compileAhead(name: ModuleName): Promise<void> {
  const [module] = await Promise.all([compile(name), glueOf(name)]);
  ready.set(name, module);
}

export const compiledAhead = (): ReadonlyMap<ModuleName, WebAssembly.Module> => ready;

/** What another thread has compiled. */
export function adoptModules(modules: ReadonlyMap<ModuleName, WebAssembly.Module>): void {
  for (const [name, module] of modules) compiled.set(addressOf(name).href, Promise.resolve(module));
}

async function compileFrom(url: URL): Promise<WebAssembly.Module> {
  if (!hasSimd()) {
    throw new ZeoliteError(
      'environment',
      'this engine has no WebAssembly SIMD: use a newer browser, or Node 20 or newer',
    );
  }
  const help = 'if the package\'s files lie elsewhere, call configure({ wasmBase }) first';
  try {
    if (isNode && url.protocol === 'file:') {
      const { readFile } = await nodeModule<typeof import('node:fs/promises')>('fs/promises');
      return await WebAssembly.compile(await readFile(url));
    }
    const response = await fetch(url, { credentials: 'same-origin' });
    if (!response.ok) {
      throw new ZeoliteError(
        'environment',
        `${url.href} could not be fetched (${response.status}); ${help}`,
      );
    }
    const type = response.headers.get('content-type') ?? '';
    if (/^application\/wasm\b/i.test(type) && WebAssembly.compileStreaming) {
      return await WebAssembly.compileStreaming(response);
    }
    const bytes = await response.arrayBuffer();
    if (bytes.byteLength < 8 || new DataView(bytes).getUint32(0) !== 0x0061736d) {
      throw new ZeoliteError(
        'environment',
        `${url.href} is no WebAssembly module (the server sent ${type || 'something else'}); ${help}`,
      );
    }
    return await WebAssembly.compile(bytes);
  } catch (error) {
    if (error instanceof ZeoliteError) throw error;
    throw new ZeoliteError(
      'environment',
      `${url.href} could not be loaded: ${(error as Error).message}; ${help}`,
      [],
      error,
    );
  }
}

const pageSize = 65536;
/** As the modules are linked: wasm/CMakeLists.txt. */
const initialPages = 64;
const maximumPages = 65536;

/** One instance of a module. */
export class Instance<Module = unknown> {
  /** Whether the engine once refused more memory. */
  memoryRefused = false;
  /** Set when WebAssembly trapped: what is inside can't be trusted any more. */
  broken = false;
  exports!: Module;

  private constructor(
    readonly key: string,
    readonly memory: WebAssembly.Memory,
    private readonly workers: ThreadWorker[],
  ) {}

  static async create(
    name: ModuleName,
    key: string,
    threads: number,
    memoryLimit: number | undefined,
  ): Promise<Instance> {
    const [module, glue] = await Promise.all([compile(name), glueOf(name)]);
    if (threads > 1) await prepareNodeWorkers();
    const workers: ThreadWorker[] = [];
    const memory = newMemory(memoryLimit, threads > 1);
    const instance = new Instance(key, memory, workers);
    const grow = memory.grow.bind(memory);
    memory.grow = (pages) => {
      try {
        return grow(pages);
      } catch (error) {
        instance.memoryRefused = true;
        throw error;
      }
    };
    try {
      instance.exports = await new Promise<unknown>((resolve, reject) => {
        glue({
          wasmMemory: memory,
          instantiateWasm: (imports, done) => {
            WebAssembly.instantiate(module, imports)
              .then((made) => done(made, module))
              .catch(reject);
          },
          poolSize: threads - 1,
          createWorker: () => {
            const worker = startThreadWorker(name, reject);
            workers.push(worker);
            return worker;
          },
          printErr: () => {}, // Errors arrive as exceptions.
        }).then(resolve, reject);
      });
    } catch (error) {
      instance.end();
      throw error instanceof ZeoliteError
        ? error
        : new ZeoliteError(
            'environment',
            `WebAssembly could not be started: ${(error as Error).message}`,
            [],
            error,
          );
    }
    for (const worker of workers) worker.unref();
    return instance;
  }

  get bytes(): number {
    return this.memory.buffer.byteLength;
  }

  /**
   * Calls into WebAssembly. A trap becomes an error and breaks the instance: nothing may be called
   * in it any more.
   */
  call<T>(body: () => T): T {
    try {
      return body();
    } catch (error) {
      if (error instanceof ZeoliteError) throw error;
      this.broken = true;
      if (this.memoryRefused) {
        throw new ZeoliteError(
          'out-of-memory',
          `not enough memory: ${Math.round(this.bytes / 2 ** 20)} MB are in use`,
          [],
          error,
        );
      }
      throw new ZeoliteError(
        'environment',
        `WebAssembly stopped: ${(error as Error).message}`,
        [],
        error,
      );
    }
  }

  /** Stops its threads; the memory goes with the last reference. */
  end(): void {
    for (const worker of this.workers) worker.terminate();
    this.workers.length = 0;
  }
}

function newMemory(limit: number | undefined, shared: boolean): WebAssembly.Memory {
  let maximum =
    limit === undefined
      ? maximumPages
      : Math.min(maximumPages, Math.max(initialPages, Math.floor(limit / pageSize)));
  for (;;) {
    try {
      return new WebAssembly.Memory({ initial: initialPages, maximum, shared });
    } catch (error) {
      // Where little address space is left (phones), the engine may refuse the largest.
      maximum = Math.floor(maximum / 2);
      if (maximum < 1024) {
        throw new ZeoliteError(
          'out-of-memory',
          'the engine gives no memory to WebAssembly',
          [],
          error,
        );
      }
    }
  }
}

/**
 * Makes this worker a thread of module `name`: Emscripten's messages go to its own code from now
 * on.
 */
export function becomeThread(name: ModuleName): void {
  // In a worker nothing is fetched for it: it listens before the next message arrives.
  void glues[name]().then((glue) => glue({ thread: true }));
}

/** Instances without a model, for the next one of the same kind. */
const idle: Instance[] = [];
const maxIdle = 2;
/** A larger instance is not kept: WebAssembly memory never shrinks. */
export const maxIdleBytes = 16 * 2 ** 20;

async function acquire(name: ModuleName, threads: number, memoryLimit?: number): Promise<Instance> {
  const key = `${addressOf(name).href} ${threads} ${memoryLimit ?? ''}`;
  const index = idle.findIndex((instance) => instance.key === key);
  if (index >= 0) return idle.splice(index, 1)[0]!;
  return Instance.create(name, key, threads, memoryLimit);
}

export const acquireRuntime = (
  threads: number,
  memoryLimit?: number,
): Promise<Instance<RuntimeModule>> =>
  acquire(`runtime-${runtimeBuild(threads)}`, threads, memoryLimit) as Promise<
    Instance<RuntimeModule>
  >;

export const acquireConverter = (): Promise<Instance> => acquire('converter', 1);

/** Takes an instance back whose sessions are all deleted. */
export function release(instance: Instance): void {
  if (instance.broken || instance.bytes > maxIdleBytes) {
    instance.end();
    return;
  }
  idle.push(instance);
  if (idle.length > maxIdle) idle.shift()!.end();
}
