// The page's side of its own worker.
import type { Jobs, Reply } from '../page_worker.js';

let worker: Worker | undefined;
let lastId = 0;
const waiting = new Map<
  number,
  { resolve: (output: never) => void; reject: (error: Error) => void }
>();

/** Starts the worker, so that its file is there before anyone counts on it. */
export function startBackground(): Worker {
  if (worker) return worker;
  worker = new Worker(new URL('./page_worker.js', import.meta.url), {
    type: 'module',
    name: 'page',
  });
  worker.addEventListener('message', (event: MessageEvent<Reply>) => {
    const reply = event.data;
    const job = waiting.get(reply.id);
    waiting.delete(reply.id);
    if ('error' in reply) job?.reject(new Error(reply.error));
    else job?.resolve(reply.output as never);
  });
  worker.addEventListener('error', (event) => {
    for (const job of waiting.values()) {
      job.reject(new Error(event.message || 'the page’s worker failed'));
    }
    waiting.clear();
    worker = undefined;
  });
  return worker;
}

/** Does a job in the worker. */
export function inBackground<K extends keyof Jobs>(
  kind: K,
  input: Jobs[K]['input'],
): Promise<Jobs[K]['output']> {
  return new Promise((resolve, reject) => {
    const id = ++lastId;
    waiting.set(id, { resolve, reject });
    startBackground().postMessage({ id, kind, input });
  });
}
