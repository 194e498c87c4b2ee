// What configure() set for the whole package.
import { badInput, ZeoliteError } from './error.js';
import { describe } from './dtypes.js';
import type { Configuration } from './types.js';

export const settings: {
  wasmBase?: string | undefined;
  threads?: number | 'auto';
  worker?: boolean;
} = {};

/**
 * Defaults for everything after this call: where the package's files lie (`wasmBase`, for bundlers
 * that don't copy them), how many threads, whether work runs in workers.
 *
 *     configure({ wasmBase: '/assets/zeolite/' });
 */
export function configure(configuration: Configuration): void {
  const { wasmBase, threads, worker } = configuration;
  if (wasmBase !== undefined) {
    const base =
      typeof document === 'object'
        ? document.baseURI
        : (globalThis.location as Location | undefined)?.href;
    try {
      settings.wasmBase = new URL('.', new URL(String(wasmBase), base)).href;
    } catch {
      throw badInput(
        `configure: wasmBase is ${describe(wasmBase)}, wanted an address that ends with a slash`,
      );
    }
  }
  if (threads !== undefined) settings.threads = checkThreads(threads);
  if (worker !== undefined) settings.worker = worker;
}

export function checkThreads(threads: unknown): number | 'auto' {
  if (
    threads === 'auto' ||
    (Number.isInteger(threads) && (threads as number) >= 1 && (threads as number) <= 64)
  ) {
    return threads as number | 'auto';
  }
  throw new ZeoliteError(
    'bad-input',
    `threads is ${describe(threads)}, wanted 'auto' or a whole number from 1 to 64`,
  );
}
