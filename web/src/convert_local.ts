// Conversions in this thread: the converter does one step at a time, so that others get their turn
// and an AbortSignal is heard between steps.
import { checkAborted, parseReply, ZeoliteError } from './error.js';
import { openSources, SourceFiles } from './files.js';
import { release, type ConvertSession, type Instance } from './modules.js';
import type { OriginFile } from './sources.js';
import type { ConvertOptions, ConvertReport, ConvertResult, Progress } from './types.js';

export interface ConvertRequest {
  files: OriginFile[];
  /** Those options that are data. */
  options: Pick<
    ConvertOptions,
    'format' | 'inputShapes' | 'outputs' | 'quantize' | 'sparsify' | 'minRuntime'
  >;
}

interface Step extends Progress {
  finished: boolean;
}

/** How long the thread may be kept from others, in milliseconds. */
const turn = 12;

export async function convertHere(
  request: ConvertRequest,
  signal?: AbortSignal,
  onProgress?: (progress: Progress) => void,
): Promise<ConvertResult> {
  const files = await SourceFiles.open(request.files, signal, onProgress);
  const { instance, session } = await openSources<ConvertSession>('ConvertSession', files);
  try {
    instance.call(() => parseReply(session.start(JSON.stringify(request.options))));
    onProgress?.({ stage: 'read', done: 0, total: files.total });
    const others = new Turns(signal);
    for (;;) {
      const { finished, stage, done, total } = instance.call(() =>
        files.answer<Step>(session.step()),
      );
      onProgress?.({ stage, done, total });
      if (finished) break;
      await others.haveTheirs();
    }
    checkAborted(signal);
    const report = instance.call(() => parseReply<ConvertReport>(session.report()));
    return { tflite: await collect(instance, session, others), report };
  } finally {
    files.rest();
    if (!instance.broken) instance.call(() => session.delete());
    release(instance);
  }
}

/**
 * The result, whose pieces lie all over the module's memory: it is put together here, outside of
 * it.
 */
async function collect(
  instance: Instance,
  session: ConvertSession,
  others: Turns,
): Promise<Uint8Array> {
  const size = instance.call(() => session.resultSize()),
    count = instance.call(() => session.resultPieceCount());
  const table = instance.call(() => session.resultPieces());
  const { buffer } = instance.memory;
  const words = new Uint32Array(buffer, table, 3 * count);
  let tflite: Uint8Array;
  try {
    tflite = new Uint8Array(size);
  } catch (error) {
    throw new ZeoliteError(
      'out-of-memory',
      `not enough memory for the result of ${size} bytes`,
      [],
      error,
    );
  }
  for (let i = 0; i < words.length; i += 3) {
    tflite.set(new Uint8Array(buffer, words[i + 1], words[i + 2]), words[i]);
    await others.haveTheirs();
  }
  return tflite;
}

/** Keeps the thread no longer than a turn from others. */
class Turns {
  private since = performance.now();

  constructor(private readonly signal: AbortSignal | undefined) {}

  async haveTheirs(): Promise<void> {
    if (performance.now() - this.since <= turn) return;
    await nextTurn();
    checkAborted(this.signal);
    this.since = performance.now();
  }
}

/**
 * Lets the event loop turn; unlike timers, messages are not held back in nested calls or hidden
 * pages.
 */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
