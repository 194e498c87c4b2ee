// The workers that the threads of a threaded module run in.
import { isNode } from './environment.js';
import { nodeWorker, pageWorker } from './start_worker.js';
import type { ModuleName } from './modules.js';

/** What Emscripten's threads need of a worker, on pages and in Node alike. */
export interface ThreadWorker {
  onmessage: ((event: { data: unknown }) => void) | null;
  onerror: ((event: unknown) => void) | null;
  postMessage(message: unknown, transfer?: Transferable[]): void;
  terminate(): void;
  /** From now on it does not keep the process alive. */
  unref(): void;
}

/** The first message to a worker: it becomes a thread of that module. */
export interface ThreadRole {
  thread: ModuleName;
}

/** Starts a worker that waits for Emscripten's first message; `fail` hears when it can't start. */
export function startThreadWorker(name: ModuleName, fail: (error: unknown) => void): ThreadWorker {
  // Not the worker itself: Emscripten would throw its errors where nobody can catch them.
  const wrapper: Pick<ThreadWorker, 'onmessage' | 'onerror'> = { onmessage: null, onerror: null };
  const role: ThreadRole = { thread: name };
  if (isNode) {
    const worker = nodeWorker();
    worker.on('message', (data: unknown) => wrapper.onmessage?.({ data }));
    worker.on('error', fail);
    worker.postMessage(role);
    return Object.assign(wrapper, {
      postMessage: (message: unknown, transfer?: Transferable[]) =>
        worker.postMessage(message, transfer as never),
      terminate: () => void worker.terminate(),
      unref: () => worker.unref(),
    });
  }
  const worker = pageWorker();
  worker.addEventListener('message', ({ data }: MessageEvent<unknown>) =>
    wrapper.onmessage?.({ data }),
  );
  worker.addEventListener('error', (event) => {
    event.preventDefault();
    fail(new Error(event.message || 'a thread could not be started'));
  });
  worker.postMessage(role);
  return Object.assign(wrapper, {
    postMessage: (message: unknown, transfer: Transferable[] = []) =>
      worker.postMessage(message, transfer),
    terminate: () => worker.terminate(),
    unref: () => {},
  });
}
