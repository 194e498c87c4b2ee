// loadModel() and the Model that users hold: names, shapes, the queue. Where it runs is the
// engine's concern.
import type { EngineModel, SignatureMap } from './engine.js';
import { LocalModel } from './engine.js';
import { checkOperators } from './custom_operators.js';
import { defaultWorker } from './environment.js';
import { badInput, checkAborted, orAborted, ZeoliteError } from './error.js';
import { inOrder, isNamed, toRaw, type RawInput } from './inputs.js';
import { RemoteModel } from './remote.js';
import { checkThreads } from './settings.js';
import { toFiles } from './sources.js';
import type {
  ConvertSource,
  LoadOptions,
  Model,
  ModelMetadata,
  NamedTensors,
  Profile,
  RunInputs,
  RunOptions,
  SignatureInfo,
  Tensor,
  TensorInfo,
} from './types.js';

/**
 * Loads a `.tflite` and makes it ready to run.
 *
 *     const model = await loadModel('model.tflite');
 *     const { scores } = await model.run({ image: pixels });
 *     await model.dispose();
 *
 * A model that keeps weights in files of their own is loaded together with them: from a path or an
 * address they are taken from beside it; or give all files (in Node a folder is enough), of which
 * the one that is a `.tflite` by its content is the model and the others are known by their names:
 *
 *     const model = await loadModel({ 'model.tflite': bytes, 'weights.bin': weights });
 *
 * @throws ZeoliteError 'not-a-model', 'corrupt', 'unsupported' (with all operators that can't run),
 *     'bad-input', 'out-of-memory', 'aborted', 'environment'
 */
export async function loadModel(source: ConvertSource, options: LoadOptions = {}): Promise<Model> {
  const { signal, onProgress } = options;
  const threads = options.threads === undefined ? undefined : checkThreads(options.threads);
  const customOps = options.customOps === undefined ? undefined : checkOperators(options.customOps);
  const { memoryLimit } = options;
  if (memoryLimit !== undefined && !(memoryLimit > 0)) {
    throw badInput(`memoryLimit is ${memoryLimit}, wanted a number of bytes`);
  }
  const files = await toFiles(source, signal, onProgress);
  const engineOptions = {
    ...(threads === undefined ? {} : { threads }),
    ...(memoryLimit === undefined ? {} : { memoryLimit }),
    ...(customOps === undefined ? {} : { customOps }),
  };
  // Functions can't be posted to a worker.
  const engine = typeof customOps !== 'object' && (options.worker ?? defaultWorker())
    ? await RemoteModel.load(files, engineOptions, signal, onProgress)
    : await LocalModel.load(files, engineOptions, signal, onProgress);
  if (signal?.aborted) {
    await engine.dispose();
    checkAborted(signal);
  }
  return new LoadedModel(engine);
}

/** What one way of calling the model takes and gives. */
interface Entry {
  subgraph: number;
  inputs: TensorInfo[];
  outputs: TensorInfo[];
  /** Positions in the subgraph of `inputs` and `outputs`. */
  inputPositions: number[];
  outputPositions: number[];
  /** The tensors' own names of `inputs`, which are accepted as well. */
  aliases: string[];
  /** Inputs of the subgraph that can't be given this way. */
  missing: string[];
}

class LoadedModel implements Model {
  readonly inputs: TensorInfo[];
  readonly outputs: TensorInfo[];
  readonly signatures: { readonly [key: string]: SignatureInfo };
  readonly metadata: ModelMetadata;
  readonly threads: number;
  private readonly main: Entry;
  private readonly entries = new Map<string, Entry>();
  private queue: Promise<unknown> = Promise.resolve();
  private disposed = false;

  constructor(private readonly engine: EngineModel) {
    const { subgraphs, signatures, metadata, threads } = engine.description;
    const main = subgraphs[0]!;
    for (const signature of signatures) {
      const subgraph = subgraphs[signature.subgraph]!;
      const inputs = signature.inputs.filter(({ position }) => subgraph.inputs[position]);
      const outputs = signature.outputs.filter(({ position }) => subgraph.outputs[position]);
      this.entries.set(signature.key, {
        subgraph: signature.subgraph,
        inputs: inputs.map(({ name, position }) => ({ ...subgraph.inputs[position]!, name })),
        outputs: outputs.map(({ name, position }) => ({ ...subgraph.outputs[position]!, name })),
        inputPositions: inputs.map(({ position }) => position),
        outputPositions: outputs.map(({ position }) => position),
        aliases: inputs.map(({ position }) => subgraph.inputs[position]!.name),
        missing: subgraph.inputs
          .filter((_, i) => !inputs.some(({ position }) => position === i))
          .map((info) => info.name),
      });
    }
    this.main = this.mainEntry(signatures, main);
    this.inputs = this.main.inputs;
    this.outputs = this.main.outputs;
    this.signatures = Object.fromEntries(
      [...this.entries].map(([key, { inputs, outputs }]) => [key, { inputs, outputs }]),
    );
    this.metadata = metadata;
    this.threads = threads;
  }

  /**
   * The main subgraph's inputs and outputs in the file's order; a model's only signature names
   * them.
   */
  private mainEntry(
    signatures: SignatureMap[],
    main: { inputs: TensorInfo[]; outputs: TensorInfo[] },
  ): Entry {
    const only =
      signatures.length === 1 && signatures[0]!.subgraph === 0 ? signatures[0] : undefined;
    const rename = (
      infos: TensorInfo[],
      names: { name: string; position: number }[] | undefined,
    ): TensorInfo[] =>
      infos.map((info, position) => ({
        ...info,
        name: names?.find((entry) => entry.position === position)?.name ?? info.name,
      }));
    return {
      subgraph: 0,
      inputs: rename(main.inputs, only?.inputs),
      outputs: rename(main.outputs, only?.outputs),
      inputPositions: main.inputs.map((_, i) => i),
      outputPositions: main.outputs.map((_, i) => i),
      aliases: main.inputs.map((info) => info.name),
      missing: [],
    };
  }

  get memory(): number {
    return this.disposed ? 0 : this.engine.memory;
  }

  // `never` fits each of the interface's overloads.
  run(inputs: RunInputs, options: RunOptions = {}): Promise<never> {
    return this.enqueue(async () => {
      const { signal, strings = 'text' } = options;
      checkAborted(signal);
      const entry = this.entryFor(inputs, options.signature);
      const raw = this.rawInputs(entry, inputs);
      const outputs = await orAborted(this.engine.run(entry.subgraph, raw, strings), signal);
      const ordered = entry.outputPositions.map((position) => outputs[position]!);
      if (!isNamed(inputs, entry.inputs)) return ordered;
      const named: NamedTensors = {};
      entry.outputs.forEach((info, i) => (named[info.name] = ordered[i] as Tensor));
      return named;
    }) as Promise<never>;
  }

  reset(): Promise<void> {
    return this.enqueue(() => this.engine.reset());
  }

  profile(
    inputs: RunInputs,
    options: { runs?: number; signature?: string } = {},
  ): Promise<Profile> {
    return this.enqueue(() => {
      const { runs = 10 } = options;
      if (!Number.isInteger(runs) || runs < 1) {
        throw badInput(`runs is ${runs}, wanted a whole number of at least 1`);
      }
      const entry = this.entryFor(inputs, options.signature);
      return this.engine.profile(entry.subgraph, this.rawInputs(entry, inputs), runs);
    });
  }

  async dispose(): Promise<void> {
    if (this.disposed) return;
    this.disposed = true;
    await this.queue.catch(() => {});
    await this.engine.dispose();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  /** Calls of one model follow each other in the order in which they were made. */
  private enqueue<T>(work: () => Promise<T>): Promise<T> {
    if (this.disposed) {
      return Promise.reject(
        new ZeoliteError('disposed', 'the model has been disposed: load it again'),
      );
    }
    const result = this.queue.then(work);
    this.queue = result.catch(() => {});
    return result;
  }

  private entryFor(inputs: RunInputs, signature: string | undefined): Entry {
    if (signature === undefined) {
      if (this.entries.size === 1 && isNamed(inputs, this.inputs)) {
        return [...this.entries.values()][0]!;
      }
      return this.main;
    }
    const entry = this.entries.get(signature);
    if (entry) return entry;
    const known = [...this.entries.keys()].map((key) => `'${key}'`).join(', ') || 'none';
    throw badInput(`the model has no signature '${signature}' (it has ${known})`);
  }

  /** The inputs in the subgraph's own order. */
  private rawInputs(entry: Entry, inputs: RunInputs): RawInput[] {
    if (entry.missing.length) {
      throw new ZeoliteError(
        'corrupt',
        `the signature gives no value to the inputs ${entry.missing.map((name) => `'${name}'`).join(', ')}: run without it`,
      );
    }
    const raw: RawInput[] = [];
    inOrder(inputs, entry.inputs, entry.aliases).forEach((value, i) => {
      raw[entry.inputPositions[i]!] = toRaw(entry.inputs[i]!, value);
    });
    return raw;
  }
}
