// The files of a model -> a session of the module that reads them.
import { checkAborted, parseReply, ZeoliteError } from './error.js';
import {
  acquireConverter,
  acquireRuntime,
  release,
  type ConvertSession,
  type Instance,
  type SourceInspectSession,
  type TfliteInspectSession,
} from './modules.js';
import { findWanted, isTflite, measured, tflitesOf, wantedBy, writeInto } from './model_files.js';
import { openReader, type Reader } from './readers.js';
import type { OriginFile } from './sources.js';
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

  static async open(
    files: readonly OriginFile[],
    signal?: AbortSignal,
    onProgress?: (progress: Progress) => void,
  ): Promise<SourceFiles> {
    const opened = [];
    for (const { path, origin } of files) {
      checkAborted(signal);
      opened.push({
        path,
        reader: await openReader(origin, signal, (done, total) =>
          onProgress?.({ stage: 'read', done, total }),
        ),
      });
    }
    return new SourceFiles(opened);
  }

  /** Gives the files to a session of the converter. `onRead` hears how much was read so far. */
  giveTo(
    instance: Instance,
    session: ConvertSession | SourceInspectSession,
    onRead?: (done: number, total: number) => void,
  ): void {
    for (const { path, reader } of this.files) {
      const read = (offset: number, address: number, size: number): boolean => {
        try {
          reader.read(offset, new Uint8Array(instance.memory.buffer, address, size));
        } catch (error) {
          // An exception must not cross WebAssembly.
          this.trouble ??= error;
          return false;
        }
        onRead?.(Math.min((this.taken += size), this.total), this.total);
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
  kind: 'ConvertSession' | 'InspectSession',
  files: SourceFiles,
  onRead?: (done: number, total: number) => void,
): Promise<{ instance: Instance; session: Session }> {
  return openSession<Session>(await acquireConverter(), kind, (instance, session) =>
    files.giveTo(instance, session, onRead),
  );
}

/**
 * A session of the runtime's module that looks at a `.tflite`: its bytes, and those of the files
 * beside it that are there, are written into the module's memory as they come. Undefined when the
 * files are something else.
 */
export async function openTflite(
  files: readonly OriginFile[],
  format: string | undefined,
  signal?: AbortSignal,
  onProgress?: (progress: Progress) => void,
): Promise<{ instance: Instance; session: TfliteInspectSession } | undefined> {
  if (format !== undefined && format !== 'tflite') return undefined;
  const report = (done: number, total: number): void =>
    onProgress?.({ stage: 'read', done, total });
  const [model, other] = files.length === 1 ? files : await tflitesOf(files);
  if (!model || other) return undefined;
  const file = await measured(model.origin, signal, report);
  model.origin = file.origin; // If it came over the network, whoever reads it next has it.
  if (format === undefined && !(await isTflite(file.origin))) return undefined;
  let alone = false;
  const opened = await openSession<TfliteInspectSession>(
    await acquireRuntime(1),
    'InspectSession',
    async (instance, session) => {
      await writeInto(
        instance,
        model.path,
        (size) => session.addFile(model.path, size),
        file,
        signal,
        report,
      );
      const names = wantedBy(instance, session);
      alone = names.length === 0;
      const found = await findWanted(names, model, files, signal, report);
      for (const [i, name] of names.entries()) {
        const wanted = found[i]!;
        if (!(wanted instanceof ZeoliteError)) {
          await writeInto(
            instance,
            name,
            (size) => session.reserveWanted(i, size),
            wanted,
            signal,
            report,
          );
        }
      }
    },
  );
  if (files.length === 1 || !alone) return opened;
  // The files belong together, but not to this one.
  if (!opened.instance.broken) opened.session.delete();
  release(opened.instance);
  return undefined;
}

async function openSession<Session extends { delete(): void }>(
  instance: Instance,
  kind: 'ConvertSession' | 'InspectSession',
  begin: (instance: Instance, session: Session) => void | Promise<void>,
): Promise<{ instance: Instance; session: Session }> {
  let session: Session | undefined;
  try {
    const Class = (instance.exports as { [name: string]: new () => Session })[kind]!;
    const opened = (session = instance.call(() => new Class()));
    await begin(instance, opened);
    return { instance, session: opened };
  } catch (error) {
    if (!instance.broken) session?.delete();
    release(instance);
    throw error;
  }
}
