// Memory that goes at once.
import { isNode } from './environment.js';

let nowhere: MessagePort | undefined;

/**
 * Gives back the memory of a buffer that nobody needs any more. A file read in pieces leaves so
 * many that the garbage collector, which goes by its own heap, would let them grow to the file's
 * size. It is sent to a port that nobody listens to: detaching it otherwise leaves the memory with
 * whatever else in the engine knows the buffer.
 */
export function discard(buffer: ArrayBufferLike): void {
  // Node frees such memory by its size, and may have other views of it.
  if (isNode || !(buffer instanceof ArrayBuffer) || buffer.byteLength === 0) return;
  if (!nowhere) {
    const { port1, port2 } = new MessageChannel();
    port2.close();
    nowhere = port1;
  }
  nowhere.postMessage(null, [buffer]);
}
