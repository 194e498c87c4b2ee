// What this engine and page give: probed once, when first asked for.
import { settings } from './settings.js';
import type { Features } from './types.js';

interface NodeProcess {
  versions?: { node?: string };
  type?: string;
  getBuiltinModule?: (name: string) => unknown;
}
const process = (globalThis as { process?: NodeProcess }).process;

/** Node and what behaves like it (Bun, Deno's Node layer); not a page of Electron. */
export const isNode =
  process?.versions?.node !== undefined &&
  process.type !== 'renderer' &&
  typeof window === 'undefined';

/** A built-in module of Node, in a form that bundlers for pages don't try to resolve. */
export async function nodeModule<T>(name: string): Promise<T> {
  const builtin = process?.getBuiltinModule?.(`node:${name}`);
  return (builtin ??
    (await import(/* @vite-ignore */ /* webpackIgnore: true */ `node:${name}`))) as T;
}

const bytes = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(text.match(/../g)!, (pair) => parseInt(pair, 16));
// A function () -> v128 each: i8x16.splat(0), then i8x16.popcnt; and f32x4.relaxed_madd of zeros.
const simdProbe =
  '0061736d010000000105016000017b03020100' + '0a0a010800' + '4100' + 'fd0f' + 'fd62' + '0b';
const relaxedProbe =
  '0061736d010000000105016000017b03020100' +
  '0a13011100' +
  '4100fd0f' +
  '4100fd0f' +
  '4100fd0f' +
  'fd8502' +
  '0b';

const isWorker =
  typeof (globalThis as { WorkerGlobalScope?: unknown }).WorkerGlobalScope === 'function' &&
  typeof window === 'undefined';
/** Whether this is a page's own thread, which must not block. */
export const isPage = !isNode && !isWorker;

export const defaultWorker = (): boolean => settings.worker ?? isPage;

/** Computed when first asked for: a page that needs no threads is not to pay for their probe. */
function once<T>(compute: () => T): () => T {
  let value: { is: T } | undefined;
  return () => (value ??= { is: compute() }).is;
}

const validates = (hex: string): boolean =>
  typeof WebAssembly === 'object' && WebAssembly.validate(bytes(hex));
const hasRelaxedSimd = once(() => validates(relaxedProbe));
// What takes relaxed SIMD takes SIMD.
export const hasSimd = once(() => hasRelaxedSimd() || validates(simdProbe));

const hasSharedMemory = once(() => {
  // Node shares memory always; pages only where they are isolated.
  if (
    typeof WebAssembly !== 'object' ||
    typeof SharedArrayBuffer !== 'function' ||
    !(isNode || globalThis.crossOriginIsolated)
  ) {
    return false;
  }
  try {
    return (
      new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer instanceof
      SharedArrayBuffer
    );
  } catch {
    return false;
  }
});

/** Set when a worker could not be started: why. */
let workerTrouble: string | undefined;
export function noteWorkerTrouble(reason: string): void {
  workerTrouble = reason;
}

/** Set when the threads of a module could not be started: why. From then on there is one. */
let threadTrouble: string | undefined;
export function noteThreadTrouble(reason: string): void {
  threadTrouble = reason;
}
const threadsWork = (): boolean => hasSharedMemory() && threadTrouble === undefined;

export const workersWork = (): boolean =>
  workerTrouble === undefined && (isNode || typeof Worker === 'function');

/** The most threads that 'auto' takes. */
export function autoThreads(): number {
  const cores =
    (globalThis.navigator as { hardwareConcurrency?: number } | undefined)?.hardwareConcurrency ??
    1;
  return threadsWork() ? Math.max(1, Math.min(4, Math.floor(cores / 2))) : 1;
}

/** A file below this size is worth no second thread. */
const smallModel = 256 * 1024;

/** How many threads a model of `size` bytes gets. */
export function threadsFor(wanted: number | 'auto' | undefined, size: number): number {
  const threads = wanted ?? settings.threads ?? 'auto';
  if (threads === 'auto') return size < smallModel ? 1 : autoThreads();
  return threads > 1 && threadsWork() ? threads : 1;
}

export type RuntimeBuild = 'simd' | 'relaxed' | 'simd-threads' | 'relaxed-threads';

export function runtimeBuild(threads: number): RuntimeBuild {
  return `${hasRelaxedSimd() ? 'relaxed' : 'simd'}${threads > 1 ? '-threads' : ''}` as RuntimeBuild;
}

/** What is here and what is missing, with the reasons. */
export async function features(): Promise<Features> {
  const simd = hasSimd(), relaxedSimd = hasRelaxedSimd(), sharedMemory = hasSharedMemory();
  const isolated = globalThis.crossOriginIsolated === true;
  const maxThreads = autoThreads();
  const reasons: string[] = [];
  if (!simd) {
    reasons.push(
      'This engine has no WebAssembly SIMD, so models cannot run: use a newer browser or Node 20 or newer.',
    );
  }
  if (simd && !relaxedSimd) {
    reasons.push(
      'This engine has no relaxed SIMD: float models run at about four fifths of the speed.',
    );
  }
  if (!sharedMemory) {
    reasons.push(
      isNode || isolated
        ? 'One thread: this engine has no shared WebAssembly memory.'
        : 'One thread: the page is not cross-origin isolated. Serve it with Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp.',
    );
  } else if (maxThreads === 1 && !threadTrouble) {
    reasons.push(
      'One thread by default: the processor has fewer than four hardware threads; { threads: 2 } asks for more.',
    );
  }
  if (workerTrouble) reasons.push(workerTrouble);
  if (threadTrouble) reasons.push(threadTrouble);
  return {
    simd, relaxedSimd, threads: threadsWork(), crossOriginIsolated: isolated,
    worker: workersWork(), maxThreads, build: simd ? runtimeBuild(maxThreads) : 'none', reasons,
  };
}
