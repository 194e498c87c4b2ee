// The one error class, and its form between threads and from WebAssembly.
import type { ErrorCode, Issue } from './types.js';

/**
 * What every function of the package throws. `code` is for programs, `message` says what went
 * wrong, where, and what helps, and `issues` lists all reasons.
 */
export class ZeoliteError extends Error {
  readonly code: ErrorCode;
  readonly issues: readonly Issue[];

  constructor(code: ErrorCode, message: string, issues: readonly Issue[] = [], cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.issues = issues;
  }
}
// On the prototype, so that minified class names don't show.
Object.defineProperty(ZeoliteError.prototype, 'name', {
  value: 'ZeoliteError',
  configurable: true,
  writable: true,
});

/** An error as plain data. */
export interface WireError {
  code: ErrorCode;
  message: string;
  issues?: readonly Issue[];
}

export function toWire(error: unknown): WireError {
  if (error instanceof ZeoliteError) {
    return { code: error.code, message: error.message, issues: error.issues };
  }
  return {
    code: 'environment',
    message: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
  };
}

export function fromWire(error: WireError): ZeoliteError {
  return new ZeoliteError(error.code, error.message, error.issues ?? []);
}

/** What WebAssembly gives back: a JSON text that is either an error or the answer. */
export function parseReply<T>(text: string): T {
  const reply = JSON.parse(text) as { error?: WireError } & T;
  if (reply.error) throw fromWire(reply.error);
  return reply;
}

export const badInput = (message: string): ZeoliteError => new ZeoliteError('bad-input', message);

/** Throws when `signal` has ended the work. */
export function checkAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw aborted(signal);
}

export function aborted(signal: AbortSignal): ZeoliteError {
  return new ZeoliteError('aborted', 'the work was ended by its AbortSignal', [], signal.reason);
}

/** Settles as `promise` does, but rejects at once when `signal` fires. */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  if (signal.aborted) {
    promise.catch(() => {});  // Its outcome interests nobody any more.
    return Promise.reject(aborted(signal));
  }
  return new Promise<T>((resolve, reject) => {
    const stop = (): void => reject(aborted(signal));
    signal.addEventListener('abort', stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
