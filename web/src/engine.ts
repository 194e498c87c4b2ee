// A loaded model inside this thread: the C++ side's session and the traffic with its memory.
import { importOperators, operatorHandler, type CustomOperators } from './custom_operators.js';
import { byteLength, elementCount, fromMemory, unpackStrings } from './dtypes.js';
import { noteThreadTrouble, threadsFor } from './environment.js';
import { fromWire, parseReply, ZeoliteError, type WireError } from './error.js';
import type { RawInput } from './inputs.js';
import { acquireRuntime, release, type Instance, type RuntimeModule, type RuntimeSession } from './modules.js';
import { readAll, readInto, sizeOf, type Origin } from './sources.js';
import type { ModelMetadata, Profile, Progress, Tensor, TensorInfo } from './types.js';

/** What of LoadOptions an engine needs. */
export interface EngineOptions {
  threads?: number | 'auto';
  memoryLimit?: number;
  /** Functions, which can't be posted, or the address of a module that exports them. */
  customOps?: CustomOperators | string;
}

export interface SubgraphInfo {
  inputs: TensorInfo[];
  outputs: TensorInfo[];
}

/** A signature's names for inputs and outputs of a subgraph, by their position there. */
export interface SignatureMap {
  key: string;
  subgraph: number;
  inputs: { name: string; position: number }[];
  outputs: { name: string; position: number }[];
}

export interface ModelDescription {
  subgraphs: { [index: number]: SubgraphInfo };
  signatures: SignatureMap[];
  metadata: ModelMetadata;
  threads: number;
}

/** What the page's side of a model asks of wherever it runs: here, or in a worker. */
export interface EngineModel {
  readonly description: ModelDescription;
  readonly memory: number;
  run(subgraph: number, inputs: RawInput[], strings: 'text' | 'bytes'): Promise<Tensor[]>;
  profile(subgraph: number, inputs: RawInput[], runs: number): Promise<Profile>;
  reset(): Promise<void>;
  dispose(): Promise<void>;
}

function openSession(instance: Instance<RuntimeModule>, threads: number, customOps: CustomOperators | undefined): RuntimeSession {
  return instance.call(() => {
    const session = new instance.exports.RuntimeSession(threads);
    if (customOps) session.useOperators(JSON.stringify(Object.keys(customOps)), operatorHandler(customOps, instance.memory));
    return session;
  });
}

interface NativeDescription {
  subgraphs: { [index: number]: SubgraphInfo };
  signatures: SignatureMap[];
  metadata: NativeMetadata;
}

interface NativeProfile {
  time: number;
  operators: Profile['operators'];
  arena: number;
  packed: number;
}

export class LocalModel implements EngineModel {
  private shapes = new Map<number, string>();
  private closed = false;

  private constructor(
    private instance: Instance<RuntimeModule>,
    private session: RuntimeSession,
    private readonly file: { offset: number; size: number },
    readonly description: ModelDescription,
    private readonly memoryLimit: number | undefined,
    private readonly customOps: CustomOperators | undefined,
  ) {}

  static async load(origin: Origin, options: EngineOptions, signal?: AbortSignal, onProgress?: (progress: Progress) => void): Promise<LocalModel> {
    let { origin: source, size } = { origin, size: await sizeOf(origin) };
    if (size === undefined) {
      const bytes = await readAll(origin, signal, (done, total) => onProgress?.({ stage: 'read', done, total }));
      source = { kind: 'bytes', bytes };
      size = bytes.length;
    }
    let threads = threadsFor(options.threads, size);
    const instance = await acquireRuntime(threads, options.memoryLimit).catch(async (error: ZeoliteError) => {
      if (threads === 1 || error.code !== 'environment') throw error;
      const single = await acquireRuntime(1, options.memoryLimit);
      noteThreadTrouble(`One thread: others could not be started (${error.message}).`);
      threads = 1;
      return single;
    });
    let session: RuntimeSession | undefined;
    try {
      const customOps = await importOperators(options.customOps);
      const opened = session = openSession(instance, threads, customOps);
      const file = { offset: 0, size: 0 };
      let position = 0;
      await readInto(source, {
        start: (bytes) => {
          file.size = bytes;
          file.offset = instance.call(() => opened.reserve(bytes));
          if (file.offset === 0) throw noMemoryFor(bytes);
        },
        write: (chunk) => {
          if (position + chunk.length > file.size) throw new ZeoliteError('environment', 'the file became longer while it was read');
          new Uint8Array(instance.memory.buffer, file.offset + position, chunk.length).set(chunk);
          position += chunk.length;
        },
      }, signal, (done, total) => onProgress?.({ stage: 'read', done, total }));
      onProgress?.({ stage: 'prepare', done: 0, total: 1 });
      const native = instance.call(() => parseReply<NativeDescription>(opened.load()));
      onProgress?.({ stage: 'prepare', done: 1, total: 1 });
      const { subgraphs, signatures } = native;
      const metadata = readMetadata(instance.memory, native.metadata);
      return new LocalModel(instance, opened, file, { subgraphs, signatures, metadata, threads }, options.memoryLimit, customOps);
    } catch (error) {
      if (!instance.broken) session?.delete();
      release(instance);
      throw error;
    }
  }

  get memory(): number {
    return this.instance.bytes;
  }

  async run(subgraph: number, inputs: RawInput[], strings: 'text' | 'bytes'): Promise<Tensor[]> {
    await this.revive();
    return this.instance.call(() => {
      this.write(subgraph, inputs);
      const table = this.session.run(subgraph);
      if (table === 0) throw this.nativeError();
      return this.read(table, subgraph, strings);
    });
  }

  async profile(subgraph: number, inputs: RawInput[], runs: number): Promise<Profile> {
    await this.revive();
    return this.instance.call(() => {
      this.write(subgraph, inputs);
      const all: NativeProfile[] = [];
      for (let i = 0; i < runs; i++) all.push(parseReply<NativeProfile>(this.session.profile(subgraph)));
      const first = all[0]!;
      return {
        runs,
        threads: this.description.threads,
        time: median(all.map((one) => one.time)),
        operators: first.operators.map((operator, i) => summary(operator, all.map((one) => one.operators[i]?.time ?? operator.time))),
        memory: { arena: first.arena, packed: first.packed, file: this.file.size },
      };
    });
  }

  async reset(): Promise<void> {
    await this.revive();
    this.instance.call(() => this.session.reset());
  }

  async dispose(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    if (!this.instance.broken) this.instance.call(() => this.session.delete());
    release(this.instance);
  }

  /** After a trap: the same file in a new instance. Its state begins anew. */
  private async revive(): Promise<void> {
    if (!this.instance.broken) return;
    const old = this.instance;
    const bytes = new Uint8Array(old.memory.buffer, this.file.offset, this.file.size);
    const instance = await acquireRuntime(this.description.threads, this.memoryLimit);
    let session: RuntimeSession | undefined;
    try {
      const opened = session = openSession(instance, this.description.threads, this.customOps);
      const offset = instance.call(() => opened.reserve(bytes.length));
      if (offset === 0) throw noMemoryFor(bytes.length);
      new Uint8Array(instance.memory.buffer, offset, bytes.length).set(bytes);
      instance.call(() => parseReply(opened.load()));
      this.file.offset = offset;
      this.session = opened;
      this.instance = instance;
      this.shapes.clear();
      release(old);
    } catch (error) {
      if (!instance.broken) session?.delete();
      release(instance);
      throw error;
    }
  }

  private nativeError(): ZeoliteError {
    return fromWire(JSON.parse(this.session.error()) as WireError);
  }

  /** Gives the inputs their shapes and bytes. */
  private write(subgraph: number, inputs: RawInput[]): void {
    const shapes = JSON.stringify(inputs.map((input) => input.shape));
    if (this.shapes.get(subgraph) !== shapes) {
      this.shapes.delete(subgraph);
      const problem = this.session.prepare(subgraph, shapes);
      if (problem) throw fromWire(JSON.parse(problem) as WireError);
      this.shapes.set(subgraph, shapes);
    }
    // What their shape says of strings is their number, not their bytes.
    this.description.subgraphs[subgraph]?.inputs.forEach(({ dtype }, i) => {
      if (dtype !== 'string') return;
      const problem = this.session.resizeInput(subgraph, i, inputs[i]!.bytes.length);
      if (problem) throw fromWire(JSON.parse(problem) as WireError);
    });
    const table = this.session.inputTable(subgraph);
    if (table === 0) throw this.nativeError();
    const { buffer } = this.instance.memory;
    const words = new Uint32Array(buffer, table, inputs.length * 2);
    inputs.forEach((input, i) => {
      const size = words[2 * i + 1]!;
      if (size !== input.bytes.length) {
        const name = this.description.subgraphs[subgraph]?.inputs[i]?.name;
        throw new ZeoliteError('unsupported', `input '${name}': the runtime takes ${size} bytes for its shape, not ${input.bytes.length}`);
      }
      new Uint8Array(buffer, words[2 * i]!, size).set(input.bytes);
    });
  }

  /** Copies of the outputs that `table` lists: for each its offset, bytes, rank and shape. */
  private read(table: number, subgraph: number, strings: 'text' | 'bytes'): Tensor[] {
    const { buffer } = this.instance.memory;
    const words = new Uint32Array(buffer, table);
    const infos = this.description.subgraphs[subgraph]!.outputs;
    let at = 0;
    return infos.map((info) => {
      const offset = words[at]!, bytes = words[at + 1]!, rank = words[at + 2]!;
      const shape = Array.from(words.subarray(at + 3, at + 3 + rank));
      at += 3 + rank;
      if (info.dtype === 'string') {
        return { dtype: 'string', shape, data: unpackStrings(new Uint8Array(buffer, offset, bytes).slice(), strings) };
      }
      const count = elementCount(shape);
      if (byteLength(info.dtype, count) !== bytes) {
        throw new ZeoliteError('environment', `output '${info.name}' has ${bytes} bytes, which is not its shape's size`);
      }
      return { dtype: info.dtype, shape, data: fromMemory(info.dtype, buffer, offset, count) } as Tensor;
    });
  }
}

/** Metadata as the C++ side gives them: what is bytes lies in the module's memory. */
export interface NativeMetadata extends Omit<ModelMetadata, 'files' | 'entries'> {
  files: { name: string; description: string; offset: number; size: number }[];
  entries: { name: string; offset: number; size: number }[];
}

export function readMetadata(memory: WebAssembly.Memory, native: NativeMetadata): ModelMetadata {
  const copy = (offset: number, size: number): Uint8Array => new Uint8Array(memory.buffer, offset, size).slice();
  return {
    ...native,
    files: native.files.map(({ name, description, offset, size }) => ({ name, description, bytes: copy(offset, size) })),
    entries: Object.fromEntries(native.entries.map(({ name, offset, size }) => [name, copy(offset, size)])),
  };
}

const noMemoryFor = (bytes: number): ZeoliteError =>
  new ZeoliteError('out-of-memory', `not enough memory for a file of ${bytes} bytes`);

const median = (values: number[]): number => {
  const sorted = [...values].sort((a, b) => a - b), middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};

/** The operator with its median time; its rates follow from it. */
function summary(first: Profile['operators'][number], times: number[]): Profile['operators'][number] {
  const time = median(times);
  const scale = time > 0 ? first.time / time : 1;
  const { gflops, gbps, ...rest } = first;
  return { ...rest, time, ...(gflops ? { gflops: gflops * scale } : {}), ...(gbps ? { gbps: gbps * scale } : {}) };
}
