/// <reference lib="esnext.disposable" preserve="true" />
// The package's public types: what every function takes and gives. Types only, no code.

/** Why something failed: the `code` of a `ZeoliteError`. */
export type ErrorCode =
  /** The bytes are of no format that Zeolite knows. */
  | 'not-a-model'
  /** The format is known, but the file contradicts itself or ends early. */
  | 'corrupt'
  /** The file is sound, but needs something that is not there; `issues` lists all of it. */
  | 'unsupported'
  /** An argument does not fit the model or the function. */
  | 'bad-input'
  | 'out-of-memory'
  /** The caller's `AbortSignal` ended the work. */
  | 'aborted'
  /** The model was disposed before this call. */
  | 'disposed'
  /** The surroundings lack what is needed: a file, WebAssembly SIMD, a worker. */
  | 'environment';

/** One reason of a failure. An error carries all reasons, not the first. */
export interface Issue {
  /** Set when the reason lies with an operator of a `.tflite`: its type, such as `CONV_2D`. */
  operator?: string;
  /**
   * Set when the reason lies with a layer or node of a source model: its class, such as `Lambda`.
   */
  layer?: string;
  /** Index of the operator or layer in its graph; -1 when it has none. */
  index: number;
  /** The operator's output tensor, or the layer's path. */
  name: string;
  reason: string;
  /** What the user can do about it; may be empty. */
  help: string;
}

/** The array that holds a tensor's elements, by element type. */
export interface TensorDataMap {
  float32: Float32Array;
  /** The bits of each half-precision number. */
  float16: Uint16Array;
  /** The bits of each bfloat16 number: the upper half of a float32. */
  bfloat16: Uint16Array;
  float64: Float64Array;
  /** One value a byte, -2 to 1. */
  int2: Int8Array;
  /** One value a byte, -8 to 7. */
  int4: Int8Array;
  /** One value a byte, 0 to 15. */
  uint4: Uint8Array;
  int8: Int8Array;
  uint8: Uint8Array;
  int16: Int16Array;
  uint16: Uint16Array;
  int32: Int32Array;
  uint32: Uint32Array;
  int64: BigInt64Array;
  uint64: BigUint64Array;
  /** 0 or 1. */
  bool: Uint8Array;
  /** Text; `run(…, { strings: 'bytes' })` gives the bytes instead. */
  string: string[] | Uint8Array[];
  /** Real and imaginary parts in turn. */
  complex64: Float32Array;
  /** Real and imaginary parts in turn. */
  complex128: Float64Array;
  /** The bits. */
  float8_e4m3fn: Uint8Array;
  /** The bits. */
  float8_e5m2: Uint8Array;
}

/** An element type. */
export type DType = keyof TensorDataMap;

/** A tensor's elements, shape and element type. Outputs are the caller's own copies. */
export type Tensor<D extends DType = DType> = {
  [K in D]: { dtype: K; shape: number[]; data: TensorDataMap[K] };
}[D];

/** Any view that can hold elements (`Float16Array` counts too, where the engine has it). */
export type TypedArray =
  | Int8Array
  | Uint8Array
  | Uint8ClampedArray
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | Float32Array
  | Float64Array
  | BigInt64Array
  | BigUint64Array;

/**
 * Elements as inputs take them: the typed array that belongs to the element type, or a plain list
 * of numbers, bigints (int64, uint64), booleans (bool), strings or bytes (string).
 */
export type InputData =
  | TypedArray
  | readonly number[]
  | readonly bigint[]
  | readonly boolean[]
  | readonly string[]
  | readonly Uint8Array[];

/**
 * One input: the elements alone take the shape that the model declares, and their number settles
 * at most one free dimension; with `shape` the model is resized to it. `dtype` may be left out;
 * given, it has to be the model's.
 */
export type TensorInput =
  | InputData
  | { readonly data: InputData; readonly shape: readonly number[]; readonly dtype?: DType };

/** By name, in the model's order, or the only one. */
export type RunInputs =
  { readonly [name: string]: TensorInput } | readonly TensorInput[] | TensorInput;

/**
 * real = scale * (stored - zeroPoint): one pair for the whole tensor, or one per index of `axis`.
 */
export interface QuantizationInfo {
  scale: number[];
  zeroPoint: number[];
  axis: number;
}

/** What is known of an input or output before it has a value. */
export interface TensorInfo {
  name: string;
  dtype: DType;
  /** Outermost first; -1 is a free dimension. */
  shape: number[];
  /**
   * True when not even the number of dimensions is known: then `shape` is empty and says nothing.
   */
  unranked?: boolean;
  quantization?: QuantizationInfo;
}

/** One named way to call the model. */
export interface SignatureInfo {
  inputs: TensorInfo[];
  outputs: TensorInfo[];
}

/** A file that a model carries with it, such as a list of labels. */
export interface AssociatedFile {
  name: string;
  description: string;
  bytes: Uint8Array;
}

/** What the file says about itself. */
export interface ModelMetadata {
  name: string;
  description: string;
  version: string;
  author: string;
  license: string;
  /** Class names, one an index of the output; empty when the file carries none. */
  labels: string[];
  files: AssociatedFile[];
  /** Entries of the file's metadata table that Zeolite does not interpret, by name. */
  entries: { [name: string]: Uint8Array };
}

/** How far the work is: `done` of `total` units of this stage (bytes or steps; 0 when unknown). */
export interface Progress {
  stage: string;
  done: number;
  total: number;
}

/**
 * Where bytes come from: an address that is fetched (in Node also a path), a response, a stream, a
 * blob or file, or bytes. Bytes are not changed and not taken away from the caller.
 */
export type Source =
  | string
  | URL
  | Response
  | ReadableStream<Uint8Array>
  | Blob
  | ArrayBufferLike
  | ArrayBufferView;

/** A page's FileList; in this form so that the types need no library of a page's types. */
export interface FileListLike {
  readonly length: number;
  item(index: number): File | null;
}

/** A drop's DataTransferItemList. */
export interface DropItems {
  readonly length: number;
  readonly [index: number]: { readonly kind: string; getAsFile(): File | null };
}

/**
 * The same, or the several files of one model: a list of files, the items of a drop (directories
 * are read), bytes by path, or in Node the path of a folder.
 */
export type ConvertSource =
  | Source
  | readonly File[]
  | FileListLike
  | DropItems
  | { readonly [path: string]: ArrayBufferLike | ArrayBufferView | Blob };

/** A custom operator: both functions are synchronous. */
export interface CustomOperator {
  /**
   * The outputs' types and shapes. `options` are the operator's own bytes; FlexBuffers arrive
   * parsed in `parsed`.
   */
  infer(inputs: TensorInfo[], options: Uint8Array, parsed?: unknown): TensorInfo[];
  eval(inputs: Tensor[], options: Uint8Array, parsed?: unknown): Tensor[];
}

export interface LoadOptions {
  /**
   * How many threads a run may use; 'auto' (default) takes half of the processor's, four at most,
   * and one for small models. Without shared memory it is one: `features()` says why.
   */
  threads?: number | 'auto';
  /** Whether the work runs in a worker: by default true in pages, false in Node and in workers. */
  worker?: boolean;
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
  /** Most bytes of WebAssembly memory that the model may take, files and activations together. */
  memoryLimit?: number;
  /** Functions (the model then runs where it was loaded), or the URL of a module exporting them. */
  customOps?: { readonly [name: string]: CustomOperator } | URL | string;
}

export interface RunOptions {
  /** Which signature; a model's only one is the default. */
  signature?: string;
  signal?: AbortSignal;
  /** What string outputs are: text (default) or bytes. */
  strings?: 'text' | 'bytes';
}

/** Outputs by name (the signature's names, or the tensors' names without signatures). */
export interface NamedTensors {
  [name: string]: Tensor;
}

/** One operator's share of a run. */
export interface OperatorProfile {
  subgraph: number;
  /** Index in its subgraph. */
  index: number;
  /** The operator's type, such as `CONV_2D`. */
  name: string;
  /** The name of its output tensor. */
  tensor: string;
  /** The kernel that was chosen for it. */
  kernel: string;
  /** Milliseconds, the median over the runs. */
  time: number;
  /** Billions of multiplications and additions a second; absent where it does not apply. */
  gflops?: number;
  /** Billions of bytes read and written a second. */
  gbps?: number;
}

export interface Profile {
  runs: number;
  threads: number;
  /** Milliseconds of a whole run, the median. */
  time: number;
  operators: OperatorProfile[];
  /** Bytes of the activations' arena, of packed weights, and of the file. */
  memory: { arena: number; packed: number; file: number };
}

/** A loaded model. Calls queue in order. */
export interface Model {
  readonly inputs: TensorInfo[];
  readonly outputs: TensorInfo[];
  readonly signatures: { readonly [key: string]: SignatureInfo };
  readonly metadata: ModelMetadata;
  /** Bytes of WebAssembly memory that the model's instance holds. */
  readonly memory: number;
  /** Threads that a run may use. */
  readonly threads: number;

  /** Inputs in the model's order give outputs in the model's order. */
  run(inputs: readonly TensorInput[] | TypedArray, options?: RunOptions): Promise<Tensor[]>;
  /** A single tensor counts as a list of one. */
  run(
    inputs: { readonly data: InputData; readonly shape: readonly number[]; readonly dtype?: DType },
    options?: RunOptions,
  ): Promise<Tensor[]>;
  /** Named inputs give named outputs. */
  run(
    inputs: { readonly [name: string]: TensorInput },
    options?: RunOptions,
  ): Promise<NamedTensors>;

  /** Forgets variables and recurrent state. */
  reset(): Promise<void>;
  /** Runs the model `runs` times (default 10) and gives each operator's time. */
  profile(inputs: RunInputs, options?: { runs?: number; signature?: string }): Promise<Profile>;
  /** Frees everything; a later call fails with the code 'disposed'. */
  dispose(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

export type QuantizeMode = 'none' | 'float16' | 'dynamic' | 'int8' | 'int16x8' | 'int4';

export interface QuantizeOptions {
  mode: QuantizeMode;
}

/**
 * What a file can be taken for: Keras' HDF5 file, its zip archive (.keras), its architecture as
 * JSON beside the weights, or a `.tflite`.
 */
export type Format = 'keras-h5' | 'keras' | 'keras-json' | 'tflite';

export interface ConvertOptions {
  /** Forces the format; by default the content decides. */
  format?: Format;
  /** Shapes of inputs by name; -1 leaves a dimension free. */
  inputShapes?: { readonly [name: string]: readonly number[] };
  /** Names of layers or tensors to end at, in place of the model's own outputs. */
  outputs?: readonly string[];
  quantize?: QuantizeMode | QuantizeOptions;
  /** Inputs that calibrate a full integer quantization. */
  representativeData?: Iterable<RunInputs> | AsyncIterable<RunInputs>;
  /** Stores weights that are sparse enough in TFLite's sparse encoding. */
  sparsify?: boolean;
  /** The oldest TensorFlow runtime that must run the file, such as '2.10.0'. */
  minRuntime?: string;
  /** How to build layers of your own, by class name. */
  customLayers?: { readonly [className: string]: unknown };
  /** What the file shall say about itself. */
  metadata?: Partial<Omit<ModelMetadata, 'entries'>>;
  /** Whether the work runs in a worker of its own: by default true in pages, false in Node. */
  worker?: boolean;
  onProgress?: (progress: Progress) => void;
  /** Ends the conversion; in a worker its memory is given back at once. */
  signal?: AbortSignal;
}

/**
 * A fact about a layer, an operator or a file beside the model that someone who converts or runs it
 * should know.
 */
export interface Compatibility {
  /** `file`: one that holds weights, as the model calls it. */
  subject: { layer?: string; operator?: string; file?: string };
  severity: 'ok' | 'note' | 'blocks';
  reason: string;
  help: string;
}

/** What became of one layer of the source model. */
export interface ReportLayer {
  /** Unique: of nested and shared layers too. */
  path: string;
  name: string;
  class: string;
  /** The operators of the file that it became, or that it was folded into. */
  operators: { subgraph: number; operator: number }[];
  /** Says into what, when the layer has no operator of its own. */
  folded?: string;
}

export interface ConvertReport {
  format: string;
  producer: string;
  bytesIn: number;
  bytesOut: number;
  parameters: number;
  /** Share of the parameters that are zero, 0 to 1. */
  zeros: number;
  /** How many operators of each type the file has. */
  operators: { [name: string]: number };
  layers: ReportLayer[];
  /** The first TensorFlow version whose runtime runs the file. */
  minRuntime: string;
  warnings: string[];
  compatibility: Compatibility[];
}

export interface ConvertResult {
  tflite: Uint8Array;
  report: ConvertReport;
}

/** What a node is for; decides its colour. */
export type NodeFamily =
  | 'convolution'
  | 'dense'
  | 'recurrent'
  | 'pooling'
  | 'activation'
  | 'normalisation'
  | 'shape'
  | 'arithmetic'
  | 'other';

export type AttributeValue =
  string | number | boolean | null | AttributeValue[] | { [key: string]: AttributeValue };

export interface GraphNode {
  /** Unique within the inspection. */
  path: string;
  name: string;
  /** Layer class or operator type, such as `Conv2D` or `CONV_2D`. */
  class: string;
  family: NodeFamily;
  attributes: { [key: string]: AttributeValue };
  /** `tensor` is an index into the graph's `tensors`, or -1 for an absent optional input. */
  inputs: { role: string; tensor: number }[];
  outputs: { role: string; tensor: number }[];
}

export interface GraphTensor {
  name: string;
  dtype: DType;
  shape: number[];
  /** As in TensorInfo. */
  unranked?: boolean;
  quantization?: QuantizationInfo;
  constant: boolean;
  /** Keeps its values from run to run. */
  variable?: true;
  /** Bytes stored in the file; 0 when there are none. */
  bytes: number;
  /** The file beside the `.tflite` that holds the values, as the model calls it. */
  file?: string;
}

export interface InspectedGraph {
  name: string;
  /** Indices into `tensors`. */
  inputs: number[];
  outputs: number[];
  nodes: GraphNode[];
  tensors: GraphTensor[];
}

export interface TensorStats {
  min: number;
  max: number;
  mean: number;
  std: number;
  /** How many elements are exactly zero. */
  zeros: number;
  /** Elements in equal steps from min to max. */
  histogram: number[];
}

/** What a file holds, in the same shape for a source model and a `.tflite`. */
export interface Inspection {
  format: string;
  producer: string;
  bytes: number;
  parameters: number;
  /** Share of the parameters that are zero, 0 to 1. */
  zeros: number;
  /** Of a `.tflite`: the first TensorFlow version whose runtime runs it, where there is one. */
  minRuntime?: string;
  graphs: InspectedGraph[];
  signatures: { [key: string]: SignatureInfo };
  metadata: ModelMetadata;
  compatibility: Compatibility[];
  /** Statistics of a constant tensor, counted when asked for. */
  stats(graph: number, tensor: number): Promise<TensorStats>;
  /** Frees what `stats` needs; garbage collection does so too, later. */
  dispose(): Promise<void>;
}

export interface InspectOptions {
  format?: Format;
  /** Gives the graph as it is after this stage of the converter, in place of the source's own. */
  stage?: string;
  worker?: boolean;
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
}

/** What this engine and page give; see `features()`. */
export interface Features {
  /** WebAssembly SIMD: without it nothing runs. */
  simd: boolean;
  /** Relaxed SIMD: faster multiplications and additions. */
  relaxedSimd: boolean;
  /** Shared memory between threads. */
  threads: boolean;
  crossOriginIsolated: boolean;
  /** Whether work can run in a worker here. */
  worker: boolean;
  /** The most threads that 'auto' takes here. */
  maxThreads: number;
  /** The build of the runtime that models load with, such as 'relaxed-threads'. */
  build: 'simd' | 'relaxed' | 'simd-threads' | 'relaxed-threads' | 'none';
  /** Why something above is missing, in words. */
  reasons: string[];
}

export interface Configuration {
  /** Where the package's files lie, for bundlers that don't copy them; ends with a slash. */
  wasmBase?: string | URL;
  /** Default of `LoadOptions.threads`. */
  threads?: number | 'auto';
  /** Default of `worker` everywhere. */
  worker?: boolean;
}
