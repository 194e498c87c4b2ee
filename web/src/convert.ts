// convert() and inspect(): here or in a worker of their own.
import { convertHere, type ConvertRequest } from './convert_local.js';
import { describe } from './dtypes.js';
import { badInput, checkAborted, ZeoliteError } from './error.js';
import { inspectHere, type InspectionData } from './inspect_local.js';
import {
  callOrEnd,
  endWhenForgotten,
  giveBack,
  ownFiles,
  spareWorkerOf,
  workerOrPlace,
} from './remote.js';
import { sizeOf, toFiles, type OriginFile } from './sources.js';
import type {
  ConvertOptions,
  ConvertResult,
  ConvertSource,
  InspectOptions,
  Inspection,
  TensorStats,
} from './types.js';

const formats = ['keras-h5', 'keras', 'keras-json', 'tflite'];
const modes = ['none', 'float16', 'dynamic', 'int8', 'int16x8', 'int4'];

/**
 * Converts a model to `.tflite`.
 *
 *     const { tflite, report } = await convert('model.keras');
 *
 * @throws ZeoliteError 'not-a-model', 'corrupt', 'unsupported' (with all layers that can't be
 *     converted), 'bad-input', 'out-of-memory', 'aborted', 'environment'
 */
export async function convert(
  source: ConvertSource,
  options: ConvertOptions = {},
): Promise<ConvertResult> {
  const { signal, onProgress } = options;
  const request: ConvertRequest = { files: [], options: checkOptions(options) };
  request.files = await toFiles(source, signal, onProgress);
  const client = await workerOrPlace(options.worker);
  if (!client) return convertHere(request, signal, onProgress);
  const small = await areSmall(request.files);
  try {
    const own = ownFiles(request.files);
    return (await callOrEnd(
      client,
      'convert',
      [{ ...request, files: own.files }],
      own.transfer,
      signal,
      onProgress,
    )) as ConvertResult;
  } finally {
    // The memory of a large conversion is given back at once.
    if (small) void giveBack(client, false);
    else client.terminate(new ZeoliteError('disposed', 'the conversion is over'));
  }
}

/** Whether the files together leave little memory behind in a worker that goes on. */
async function areSmall(files: readonly OriginFile[]): Promise<boolean> {
  let total = 0;
  for (const { origin } of files) total += (await sizeOf(origin)) ?? Infinity;
  return total <= 16 * 2 ** 20;
}

function checkOptions(options: ConvertOptions): ConvertRequest['options'] {
  const { format, inputShapes, outputs, quantize, sparsify, minRuntime } = options;
  if (format !== undefined && !formats.includes(format)) {
    throw badInput(`format is ${describe(format)}, wanted one of ${formats.join(', ')}`);
  }
  for (const [name, shape] of Object.entries(inputShapes ?? {})) {
    if (!Array.isArray(shape) || shape.some((size) => !Number.isInteger(size) || size < -1)) {
      throw badInput(
        `inputShapes: the shape of '${name}' is ${describe(shape)}, wanted a list of sizes, -1 where they are free`,
      );
    }
  }
  if (
    outputs !== undefined &&
    (!Array.isArray(outputs) || outputs.some((name) => typeof name !== 'string'))
  ) {
    throw badInput(`outputs is ${describe(outputs)}, wanted a list of names`);
  }
  const mode = typeof quantize === 'object' ? quantize.mode : quantize;
  if (mode !== undefined && !modes.includes(mode)) {
    throw badInput(`quantize is ${describe(mode)}, wanted one of ${modes.join(', ')}`);
  }
  const missing = [
    mode !== undefined && mode !== 'none' ? `quantize: '${mode}'` : '',
    options.representativeData !== undefined ? 'representativeData' : '',
    options.customLayers !== undefined ? 'customLayers' : '',
    options.metadata !== undefined ? 'metadata' : '',
  ].filter(Boolean);
  if (missing.length) {
    throw new ZeoliteError(
      'unsupported',
      `not implemented in this version: ${missing.join(', ')}; leave it away`,
    );
  }
  return {
    ...(format === undefined ? {} : { format }),
    ...(inputShapes === undefined ? {} : { inputShapes }),
    ...(outputs === undefined ? {} : { outputs }),
    ...(sparsify === undefined ? {} : { sparsify: Boolean(sparsify) }),
    ...(minRuntime === undefined ? {} : { minRuntime: String(minRuntime) }),
  };
}

/**
 * Reads what a model holds without converting or running it: a source model or a `.tflite`.
 *
 *     const { graphs, parameters } = await inspect('model.tflite');
 *
 * @throws ZeoliteError 'not-a-model', 'corrupt', 'bad-input', 'out-of-memory', 'aborted',
 * 'environment'
 */
export async function inspect(
  source: ConvertSource,
  options: InspectOptions = {},
): Promise<Inspection> {
  const { signal, onProgress, format, stage } = options;
  if (format !== undefined && !formats.includes(format)) {
    throw badInput(`format is ${describe(format)}, wanted one of ${formats.join(', ')}`);
  }
  const data = {
    ...(format === undefined ? {} : { format }),
    ...(stage === undefined ? {} : { stage }),
  };
  const files = await toFiles(source, signal, onProgress);
  const client = await workerOrPlace(options.worker);
  if (!client) {
    const local = await inspectHere(files, data, signal, onProgress);
    return {
      ...local.data,
      stats: async (graph, tensor) => local.stats(graph, tensor),
      dispose: async () => local.dispose(),
    };
  }
  let disposed = false;
  const end = (): void => {
    disposed = true;
    client.terminate(new ZeoliteError('disposed', 'the inspection has been disposed'));
  };
  try {
    const own = ownFiles(files);
    const found = (await callOrEnd(
      client,
      'inspect',
      [own.files, data],
      own.transfer,
      signal,
      onProgress,
    )) as InspectionData;
    checkAborted(signal);
    const inspection: Inspection = {
      ...found,
      stats: async (graph, tensor) => {
        if (disposed) throw new ZeoliteError('disposed', 'the inspection has been disposed');
        return (await client.call('stats', [graph, tensor])) as TensorStats;
      },
      async dispose() {
        if (disposed) return;
        disposed = true;
        spareWorkerOf(inspection);
        await giveBack(client, false);
      },
    };
    endWhenForgotten(inspection, client);
    return inspection;
  } catch (error) {
    end();
    throw error;
  }
}
