// The files of a model -> the memory of a module that reads them.
import { nodeModule } from './environment.js';
import { checkAborted, ZeoliteError } from './error.js';
import { acquireConverter, acquireRuntime, type ConvertSession, type InspectSession, type Instance, release } from './modules.js';
import { readAll, readInto, sizeOf, type Origin, type OriginFile } from './sources.js';
import type { Progress } from './types.js';

export interface OpenedFiles<Session> {
  instance: Instance;
  session: Session;
}

/** A source with its size known: what comes over the network is read here. */
async function sized(files: OriginFile[], signal: AbortSignal | undefined, report: (done: number, total: number) => void): Promise<{ path: string; origin: Origin; size: number }[]> {
  const result = [];
  for (const { path, origin } of files) {
    const size = await sizeOf(origin);
    if (size !== undefined) {
      result.push({ path, origin, size });
      continue;
    }
    const bytes = await readAll(origin, signal, report);
    result.push({ path, origin: { kind: 'bytes', bytes } as Origin, size: bytes.length });
  }
  return result;
}

/** The first bytes of a file. */
async function head(origin: Origin): Promise<Uint8Array> {
  const length = 8;
  if (origin.kind === 'bytes') return origin.bytes.subarray(0, length);
  if (origin.kind === 'blob') return new Uint8Array(await origin.blob.slice(0, length).arrayBuffer());
  if (origin.kind === 'url') return new Uint8Array(0);
  const fs = await nodeModule<typeof import('node:fs')>('fs');
  const file = fs.openSync(origin.path, 'r');
  try {
    const bytes = new Uint8Array(length);
    return bytes.subarray(0, fs.readSync(file, bytes, 0, length, 0));
  } finally {
    fs.closeSync(file);
  }
}

const isTflite = (bytes: Uint8Array): boolean => String.fromCharCode(...bytes.subarray(4, 8)) === 'TFL3';

/**
 * Opens a session of the module that reads these files and gives it their bytes. Only a `.tflite`
 * that is looked at is the runtime's: the converter's module is not loaded for it.
 */
export async function openFiles<Session extends InspectSession | ConvertSession>(
  files: OriginFile[], format: string | undefined, purpose: 'inspect' | 'convert',
  signal?: AbortSignal, onProgress?: (progress: Progress) => void,
): Promise<OpenedFiles<Session>> {
  checkAborted(signal);
  const known = await sized(files, signal, (done, total) => onProgress?.({ stage: 'read', done, total }));
  const total = known.reduce((sum, file) => sum + file.size, 0);
  const plain = purpose === 'inspect' && known.length === 1 && (format === 'tflite' || (format === undefined && isTflite(await head(known[0]!.origin))));
  const instance: Instance = plain ? await acquireRuntime(1) : await acquireConverter();
  let session: Session | undefined;
  try {
    const Class = (instance.exports as { [name: string]: new () => Session })[purpose === 'convert' ? 'ConvertSession' : 'InspectSession']!;
    const opened = session = instance.call(() => new Class());
    let before = 0;
    for (const { path, origin, size } of known) {
      let offset = 0, position = 0;
      await readInto(origin, {
        start: () => {
          offset = instance.call(() => opened.addFile(path, size));
          if (offset === 0) throw new ZeoliteError('out-of-memory', `not enough memory for the file '${path}' of ${size} bytes`);
        },
        write: (chunk) => {
          if (position + chunk.length > size) throw new ZeoliteError('environment', `the file '${path}' became longer while it was read`);
          new Uint8Array(instance.memory.buffer, offset + position, chunk.length).set(chunk);
          position += chunk.length;
        },
      }, signal, (done) => onProgress?.({ stage: 'read', done: before + done, total }));
      before += size;
    }
    return { instance, session: opened };
  } catch (error) {
    if (!instance.broken) session?.delete();
    release(instance);
    throw error;
  }
}
