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
  const role: ThreadRole = { thread: name };
  if (isNode) {
    const worker = nodeWorker();
    const wrapper: ThreadWorker = {
      onmessage: null,
      onerror: null,
      postMessage: (message, transfer) => worker.postMessage(message, transfer as never),
      terminate: () => void worker.terminate(),
      unref: () => worker.unref(),
    };
    worker.on('message', (data: unknown) => wrapper.onmessage?.({ data }));
    worker.on('error', fail);
    worker.postMessage(role);
    return wrapper;
  }
  const worker = pageWorker() as Worker & ThreadWorker;
  worker.unref = () => {};
  worker.addEventListener('error', (event) => fail(new Error(event.message || 'a thread could not be started')));
  worker.postMessage(role);
  return worker;
}
