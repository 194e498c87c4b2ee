// The files of a model -> a session of the module that reads them.
import { checkAborted, parseReply, ZeoliteError } from './error.js';
import { acquireConverter, acquireRuntime, release, type ConvertSession, type Instance, type SourceInspectSession, type TfliteInspectSession } from './modules.js';
import { openReader, type Reader } from './readers.js';
import { readAll, readInto, sizeOf, type Origin, type OriginFile } from './sources.js';
import type { Progress } from './types.js';

/** A model's files, which stay where they are: the module takes of them what it needs. */
export class SourceFiles {
  /** Bytes of all files. */
  readonly total: number;
  /** Why a file could not be read, which says more than what the module makes of it. */
  private trouble: unknown;
  private taken = 0;

  private constructor(private readonly files: readonly { path: string; reader: Reader }[]) {
    this.total = files.reduce((sum, { reader }) => sum + reader.size, 0);
  }

  static async open(files: readonly OriginFile[], signal?: AbortSignal, onProgress?: (progress: Progress) => void): Promise<SourceFiles> {
    const opened = [];
    for (const { path, origin } of files) {
      checkAborted(signal);
      opened.push({ path, reader: await openReader(origin, signal, (done, total) => onProgress?.({ stage: 'read', done, total })) });
    }
    return new SourceFiles(opened);
  }

  /** Gives the files to a session of the converter. `onRead` hears how much was read so far. */
  giveTo(instance: Instance, session: ConvertSession | SourceInspectSession, onRead?: (done: number, total: number) => void): void {
    for (const { path, reader } of this.files) {
      const read = (offset: number, address: number, size: number): boolean => {
        try {
          reader.read(offset, new Uint8Array(instance.memory.buffer, address, size));
        } catch (error) {
          // An exception must not cross WebAssembly.
          this.trouble ??= error;
          return false;
        }
        onRead?.(Math.min(this.taken += size, this.total), this.total);
        return true;
      };
      this.answer(instance.call(() => session.addFile(path, reader.size, read)));
    }
  }

  /** What the module says, unless it failed because a file could not be read. */
  answer<T>(text: string): T {
    const { trouble } = this;
    this.trouble = undefined;
    if (trouble !== undefined) throw trouble;
    return parseReply<T>(text);
  }

  /** Closes what is open until somebody reads again. */
  rest(): void {
    for (const { reader } of this.files) reader.rest();
  }
}

/** A session of the converter's module with these files. */
export async function openSources<Session extends ConvertSession | SourceInspectSession>(
  kind: 'ConvertSession' | 'InspectSession', files: SourceFiles, onRead?: (done: number, total: number) => void,
): Promise<{ instance: Instance; session: Session }> {
  return openSession<Session>(await acquireConverter(), kind, (instance, session) => files.giveTo(instance, session, onRead));
}

/**
 * A session of the runtime's module that looks at a `.tflite`: its bytes are written into the module's
 * memory as they come. Undefined when the files are something else.
 */
export async function openTflite(
  files: readonly OriginFile[], format: string | undefined, signal?: AbortSignal, onProgress?: (progress: Progress) => void,
): Promise<{ instance: Instance; session: TfliteInspectSession } | undefined> {
  const [file] = files;
  if (files.length !== 1 || !file || (format !== undefined && format !== 'tflite')) return undefined;
  let { origin } = file, size = await sizeOf(origin);
  if (size === undefined) {
    const bytes = await readAll(origin, signal, (done, total) => onProgress?.({ stage: 'read', done, total }));
    origin = { kind: 'bytes', bytes };
    size = bytes.length;
    file.origin = origin;  // It came over the network: whoever reads it next has it.
  }
  if (format === undefined && !isTflite(await headOf(origin))) return undefined;
  const total = size;
  return openSession<TfliteInspectSession>(await acquireRuntime(1), 'InspectSession', async (instance, session) => {
    let offset = 0, position = 0;
    await readInto(origin, {
      start: () => {
        offset = instance.call(() => session.addFile(file.path, total));
        if (offset === 0) throw new ZeoliteError('out-of-memory', `not enough memory for the file '${file.path}' of ${total} bytes`);
      },
      write: (chunk) => {
        if (position + chunk.length > total) throw new ZeoliteError('environment', `the file '${file.path}' became longer while it was read`);
        new Uint8Array(instance.memory.buffer, offset + position, chunk.length).set(chunk);
        position += chunk.length;
      },
    }, signal, (done) => onProgress?.({ stage: 'read', done, total }));
  });
}

const isTflite = (head: Uint8Array): boolean => String.fromCharCode(...head.subarray(4, 8)) === 'TFL3';

/** The first bytes of a file whose size is known. */
async function headOf(origin: Origin): Promise<Uint8Array> {
  if (origin.kind === 'blob') return new Uint8Array(await origin.blob.slice(0, 8).arrayBuffer());
  const reader = await openReader(origin);
  const head = new Uint8Array(Math.min(8, reader.size));
  reader.read(0, head);
  reader.rest();
  return head;
}

async function openSession<Session extends { delete(): void }>(
  instance: Instance, kind: 'ConvertSession' | 'InspectSession', begin: (instance: Instance, session: Session) => void | Promise<void>,
): Promise<{ instance: Instance; session: Session }> {
  let session: Session | undefined;
  try {
    const Class = (instance.exports as { [name: string]: new () => Session })[kind]!;
    const opened = session = instance.call(() => new Class());
    await begin(instance, opened);
    return { instance, session: opened };
  } catch (error) {
    if (!instance.broken) session?.delete();
    release(instance);
    throw error;
  }
}
