// Conversions in this thread: the converter does one step at a time, so that others get their turn
// and an AbortSignal is heard between steps.
import { checkAborted, parseReply } from './error.js';
import { openFiles } from './files.js';
import { release, type ConvertSession } from './modules.js';
import type { OriginFile } from './sources.js';
import type { ConvertOptions, ConvertReport, ConvertResult, Progress } from './types.js';

export interface ConvertRequest {
  files: OriginFile[];
  /** Those options that are data. */
  options: Pick<ConvertOptions, 'format' | 'inputShapes' | 'outputs' | 'quantize' | 'sparsify' | 'minRuntime'>;
}

interface Step extends Progress {
  finished: boolean;
}

/** How long the thread may be kept from others, in milliseconds. */
const turn = 12;

export async function convertHere(request: ConvertRequest, signal?: AbortSignal, onProgress?: (progress: Progress) => void): Promise<ConvertResult> {
  const { instance, session } = await openFiles<ConvertSession>(request.files, request.options.format, 'convert', signal, onProgress);
  try {
    instance.call(() => parseReply(session.start(JSON.stringify(request.options))));
    for (let since = performance.now(); ; ) {
      const { finished, stage, done, total } = instance.call(() => parseReply<Step>(session.step()));
      onProgress?.({ stage, done, total });
      if (finished) break;
      if (performance.now() - since > turn) {
        await nextTurn();
        checkAborted(signal);
        since = performance.now();
      }
    }
    checkAborted(signal);
    const offset = instance.call(() => session.resultOffset()), size = instance.call(() => session.resultSize());
    const tflite = new Uint8Array(instance.memory.buffer, offset, size).slice();
    const report = instance.call(() => parseReply<ConvertReport>(session.report()));
    return { tflite, report };
  } finally {
    if (!instance.broken) instance.call(() => session.delete());
    release(instance);
  }
}

/** Lets the event loop turn; unlike timers, messages are not held back in nested calls or hidden pages. */
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
