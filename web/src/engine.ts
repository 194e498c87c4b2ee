// A loaded model inside this thread: the C++ side's session and the traffic with its memory.
import { importOperators, operatorHandler, type CustomOperators } from './custom_operators.js';
import { byteLength, elementCount, fromMemory, unpackStrings } from './dtypes.js';
import { noteThreadTrouble, threadsFor } from './environment.js';
import { fromWire, parseReply, ZeoliteError, type WireError } from './error.js';
import type { RawInput } from './inputs.js';
import {
  allFound,
  findWanted,
  measured,
  modelOf,
  wantedBy,
  writeInto,
  type Place,
} from './model_files.js';
import {
  acquireRuntime,
  release,
  type Instance,
  type RuntimeModule,
  type RuntimeSession,
} from './modules.js';
import type { OriginFile } from './sources.js';
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

/** A session and the files that were written into its instance: the model, then those beside it. */
interface Opened {
  instance: Instance<RuntimeModule>;
  session: RuntimeSession;
  threads: number;
  customOps: CustomOperators | undefined;
  places: Place[];
}

function openSession(
  instance: Instance<RuntimeModule>,
  threads: number,
  customOps: CustomOperators | undefined,
): Opened {
  try {
    const session = instance.call(() => {
      const made = new instance.exports.RuntimeSession(threads);
      if (customOps) {
        made.useOperators(
          JSON.stringify(Object.keys(customOps)),
          operatorHandler(customOps, instance.memory),
        );
      }
      return made;
    });
    return { instance, session, threads, customOps, places: [] };
  } catch (error) {
    release(instance);
    throw error;
  }
}

function close({ instance, session }: Opened): void {
  if (!instance.broken) instance.call(() => session.delete());
  release(instance);
}

/** Fewer threads where others can't be started. */
async function acquire(
  threads: number,
  memoryLimit: number | undefined,
): Promise<{ instance: Instance<RuntimeModule>; threads: number }> {
  try {
    return { instance: await acquireRuntime(threads, memoryLimit), threads };
  } catch (error) {
    if (threads === 1 || (error as ZeoliteError).code !== 'environment') throw error;
    const instance = await acquireRuntime(1, memoryLimit);
    noteThreadTrouble(`One thread: others could not be started (${(error as Error).message}).`);
    return { instance, threads: 1 };
  }
}

async function open(wanted: number, { memoryLimit, customOps }: EngineOptions): Promise<Opened> {
  const operators = await importOperators(customOps);
  const { instance, threads } = await acquire(wanted, memoryLimit);
  return openSession(instance, threads, operators);
}

/** The same model in an instance with as many threads as its files together are worth. */
async function withThreads(
  opened: Opened,
  wanted: number,
  { memoryLimit }: EngineOptions,
): Promise<Opened> {
  if (wanted === opened.threads) return opened;
  const { instance, threads } = await acquire(wanted, memoryLimit);
  const moved = copyOf({ ...opened, threads }, instance);
  close(opened);
  return moved;
}

/** The session's files in a session of another instance. */
function copyOf(from: Opened, instance: Instance<RuntimeModule>): Opened {
  const opened = openSession(instance, from.threads, from.customOps);
  try {
    for (const [i, { offset, size }] of from.places.entries()) {
      const place = {
        offset: instance.call(() =>
          i === 0 ? opened.session.reserve(size) : opened.session.reserveWanted(i - 1, size),
        ),
        size,
      };
      if (place.offset === 0) {
        throw new ZeoliteError('out-of-memory', `not enough memory for a file of ${size} bytes`);
      }
      new Uint8Array(instance.memory.buffer, place.offset, size).set(
        new Uint8Array(from.instance.memory.buffer, offset, size),
      );
      opened.places.push(place);
      if (i === 0) instance.call(() => opened.session.wantedFiles());
    }
    return opened;
  } catch (error) {
    close(opened);
    throw error;
  }
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
    private opened: Opened,
    readonly description: ModelDescription,
    private readonly memoryLimit: number | undefined,
  ) {}

  private get instance(): Instance<RuntimeModule> {
    return this.opened.instance;
  }

  private get session(): RuntimeSession {
    return this.opened.session;
  }

  static async load(
    files: readonly OriginFile[],
    options: EngineOptions,
    signal?: AbortSignal,
    onProgress?: (progress: Progress) => void,
  ): Promise<LocalModel> {
    const report = (done: number, total: number): void =>
      onProgress?.({ stage: 'read', done, total });
    const model = await modelOf(files);
    const file = await measured(model.origin, signal, report);
    model.origin = file.origin; // If it came over the network, it is here now.
    let opened = await open(threadsFor(options.threads, file.size), options);
    try {
      const { instance, session } = opened;
      opened.places.push(
        await writeInto(
          instance,
          model.path,
          (size) => session.reserve(size),
          file,
          signal,
          report,
        ),
      );
      const names = wantedBy(instance, session);
      if (names.length > 0) {
        const found = allFound(names, await findWanted(names, model, files, signal, report));
        opened = await withThreads(
          opened,
          threadsFor(
            options.threads,
            found.reduce((sum, { size }) => sum + size, file.size),
          ),
          options,
        );
        for (const [i, wanted] of found.entries()) {
          const { instance, session } = opened;
          opened.places.push(
            await writeInto(
              instance,
              names[i]!,
              (size) => session.reserveWanted(i, size),
              wanted,
              signal,
              report,
            ),
          );
        }
      }
      onProgress?.({ stage: 'prepare', done: 0, total: 1 });
      const native = opened.instance.call(() =>
        parseReply<NativeDescription>(opened.session.load()),
      );
      onProgress?.({ stage: 'prepare', done: 1, total: 1 });
      const { subgraphs, signatures } = native;
      const metadata = readMetadata(opened.instance.memory, native.metadata);
      return new LocalModel(
        opened,
        { subgraphs, signatures, metadata, threads: opened.threads },
        options.memoryLimit,
      );
    } catch (error) {
      close(opened);
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
      for (let i = 0; i < runs; i++) {
        all.push(parseReply<NativeProfile>(this.session.profile(subgraph)));
      }
      const first = all[0]!;
      return {
        runs,
        threads: this.description.threads,
        time: median(all.map((one) => one.time)),
        operators: first.operators.map((operator, i) =>
          summary(
            operator,
            all.map((one) => one.operators[i]?.time ?? operator.time),
          ),
        ),
        memory: {
          arena: first.arena,
          packed: first.packed,
          file: this.opened.places.reduce((sum, { size }) => sum + size, 0),
        },
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
    close(this.opened);
  }

  /** After a trap: the same files in a new instance. Its state begins anew. */
  private async revive(): Promise<void> {
    if (!this.instance.broken) return;
    const opened = copyOf(
      this.opened,
      await acquireRuntime(this.description.threads, this.memoryLimit),
    );
    try {
      opened.instance.call(() => parseReply(opened.session.load()));
    } catch (error) {
      close(opened);
      throw error;
    }
    release(this.opened.instance);
    this.opened = opened;
    this.shapes.clear();
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
        throw new ZeoliteError(
          'unsupported',
          `input '${name}': the runtime takes ${size} bytes for its shape, not ${input.bytes.length}`,
        );
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
      const offset = words[at]!,
        bytes = words[at + 1]!,
        rank = words[at + 2]!;
      const shape = Array.from(words.subarray(at + 3, at + 3 + rank));
      at += 3 + rank;
      if (info.dtype === 'string') {
        return {
          dtype: 'string',
          shape,
          data: unpackStrings(new Uint8Array(buffer, offset, bytes).slice(), strings),
        };
      }
      const count = elementCount(shape);
      if (byteLength(info.dtype, count) !== bytes) {
        throw new ZeoliteError(
          'environment',
          `output '${info.name}' has ${bytes} bytes, which is not its shape's size`,
        );
      }
      return {
        dtype: info.dtype,
        shape,
        data: fromMemory(info.dtype, buffer, offset, count),
      } as Tensor;
    });
  }
}

/** Metadata as the C++ side gives them: what is bytes lies in the module's memory. */
export interface NativeMetadata extends Omit<ModelMetadata, 'files' | 'entries'> {
  files: { name: string; description: string; offset: number; size: number }[];
  entries: { name: string; offset: number; size: number }[];
}

export function readMetadata(memory: WebAssembly.Memory, native: NativeMetadata): ModelMetadata {
  const copy = (offset: number, size: number): Uint8Array =>
    new Uint8Array(memory.buffer, offset, size).slice();
  return {
    ...native,
    files: native.files.map(({ name, description, offset, size }) => ({
      name,
      description,
      bytes: copy(offset, size),
    })),
    entries: Object.fromEntries(
      native.entries.map(({ name, offset, size }) => [name, copy(offset, size)]),
    ),
  };
}

const median = (values: number[]): number => {
  const sorted = [...values].sort((a, b) => a - b), middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
};

/** The operator with its median time; its rates follow from it. */
function summary(
  first: Profile['operators'][number],
  times: number[],
): Profile['operators'][number] {
  const time = median(times);
  const scale = time > 0 ? first.time / time : 1;
  const { gflops, gbps, ...rest } = first;
  return {
    ...rest,
    time,
    ...(gflops ? { gflops: gflops * scale } : {}),
    ...(gbps ? { gbps: gbps * scale } : {}),
  };
}
