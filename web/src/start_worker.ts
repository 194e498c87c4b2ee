// Starting workers from dist/worker.js, wherever it lies.
import { isNode, nodeModule } from './environment.js';
import { settings } from './settings.js';

/** True in dist/worker.js: set by the build. */
declare const __ZEOLITE_WORKER__: boolean;

let workerThreads: typeof import('node:worker_threads') | undefined;

/** Has to be done before nodeWorker(). */
export async function prepareNodeWorkers(): Promise<void> {
  if (isNode) {
    workerThreads ??= await nodeModule<typeof import('node:worker_threads')>('worker_threads');
  }
}

export function nodeWorker(): import('node:worker_threads').Worker {
  const url = __ZEOLITE_WORKER__
    ? new URL(import.meta.url)
    : new URL('./worker.js', import.meta.url);
  // Flags of the parent, such as --test, are not for the worker.
  return new workerThreads!.Worker(
    settings.wasmBase ? new URL('worker.js', settings.wasmBase) : url,
    { execArgv: workerFlags() },
  );
}

/** Flags that change what WebAssembly can do hold in every thread; the others stay behind. */
const workerFlags = (): string[] =>
  (globalThis as { process?: { execArgv?: string[] } }).process?.execArgv?.filter((flag) =>
    flag.startsWith('--experimental-wasm'),
  ) ?? [];

/**
 * Whether this worker is a classic script, as some bundlers make of a module: those can import
 * scripts.
 */
function isClassicWorker(): boolean {
  try {
    (globalThis as unknown as { importScripts(): void }).importScripts();
    return true;
  } catch {
    return false;
  }
}

let blobAddress: string | undefined;

/** A worker of a page, or of a worker of a page. Throws where even a blob is forbidden. */
export function pageWorker(): Worker {
  // A worker starts others from its own address, be it a bundle's or a blob's, and as what it is
  // itself.
  if (__ZEOLITE_WORKER__) {
    return new Worker(globalThis.location.href, isClassicWorker() ? {} : { type: 'module' });
  }
  try {
    if (settings.wasmBase) {
      return new Worker(new URL('worker.js', settings.wasmBase), { type: 'module' });
    }
    return new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  } catch {
    // The package comes from another origin: a worker has to be of the page's own.
    const url = settings.wasmBase
      ? new URL('worker.js', settings.wasmBase).href
      : new URL('./worker.js', import.meta.url).href;
    // It is not revoked: the worker may start others from the same address.
    blobAddress ??= URL.createObjectURL(
      new Blob([`import ${JSON.stringify(url)};`], { type: 'text/javascript' }),
    );
    return new Worker(blobAddress, { type: 'module' });
  }
}
