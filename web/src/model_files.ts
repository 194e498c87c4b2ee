// The files of a .tflite: which of several is the model, and where those lie that it keeps weights
// in.
import { badInput, ZeoliteError } from './error.js';
import { nodeModule } from './environment.js';
import type { Instance } from './modules.js';
import { openReader } from './readers.js';
import { readAll, readInto, sizeOf, type Origin, type OriginFile } from './sources.js';
import type { Issue } from './types.js';

type Report = (done: number, total: number) => void;

/** Where a file lies in a module's memory. */
export interface Place {
  offset: number;
  size: number;
}

/** A file that is there, with its number of bytes. */
export interface Measured {
  origin: Origin;
  size: number;
}

/** What a session says of the files beside its model. */
export interface WantsFiles {
  wantedFiles(): string;
  reserveWanted(index: number, size: number): number;
}

/** A file whose size only reading tells is read here: what comes of it has its bytes. */
export async function measured(
  origin: Origin,
  signal?: AbortSignal,
  report?: Report,
): Promise<Measured> {
  const size = await sizeOf(origin);
  if (size !== undefined) return { origin, size };
  const bytes = await readAll(origin, signal, report);
  return {
    origin: { kind: 'bytes', bytes, ...(origin.kind === 'url' ? { url: origin.url } : {}) },
    size: bytes.length,
  };
}

export async function isTflite(origin: Origin): Promise<boolean> {
  return String.fromCharCode(...(await headOf(origin)).subarray(4, 8)) === 'TFL3';
}

/** The first bytes of a file whose size is known. */
async function headOf(origin: Origin): Promise<Uint8Array> {
  if (origin.kind === 'blob') return new Uint8Array(await origin.blob.slice(0, 8).arrayBuffer());
  const reader = await openReader(origin);
  const head = new Uint8Array(Math.min(8, reader.size));
  reader.read(0, head);
  reader.rest();
  return head;
}

/** Those of the files that are a .tflite by their content. */
export async function tflitesOf(files: readonly OriginFile[]): Promise<OriginFile[]> {
  const are = await Promise.all(files.map(({ origin }) => isTflite(origin)));
  return files.filter((_, i) => are[i]);
}

/**
 * The model among its files; a single file is it whatever its content, so that its error says more.
 */
export async function modelOf(files: readonly OriginFile[]): Promise<OriginFile> {
  if (files.length === 1) return files[0]!;
  const models = await tflitesOf(files);
  const list = (some: readonly OriginFile[]): string =>
    some
      .slice(0, 8)
      .map(({ path }) => `'${path}'`)
      .join(', ') + (some.length > 8 ? ' ...' : '');
  if (models.length === 0) {
    throw new ZeoliteError('not-a-model', `none of the files is a .tflite: ${list(files)}`);
  }
  if (models.length > 1) {
    throw badInput(`the source holds several models, wanted one: ${list(models)}`);
  }
  return models[0]!;
}

/**
 * The files that `model` calls `names`: among those given with it, or else beside it. Of each that
 * is missing, in place of the file, the reason.
 */
export async function findWanted(
  names: readonly string[],
  model: OriginFile,
  files: readonly OriginFile[],
  signal?: AbortSignal,
  report?: Report,
): Promise<(Measured | ZeoliteError)[]> {
  const found: (Measured | ZeoliteError)[] = [];
  for (const name of names) {
    try {
      const origin =
        given(
          name,
          files.filter((file) => file !== model),
        ) ?? (await beside(name, model.origin));
      found.push(await measured(origin, signal, report));
    } catch (error) {
      if (
        !(error instanceof ZeoliteError) ||
        error.code === 'aborted' ||
        error.code === 'out-of-memory'
      ) {
        throw error;
      }
      found.push(error);
    }
  }
  return found;
}

/** What was found, or one error about all files that are missing. */
export function allFound(
  names: readonly string[],
  found: readonly (Measured | ZeoliteError)[],
): Measured[] {
  const issues: Issue[] = [];
  const there = found.filter((file, i): file is Measured => {
    if (file instanceof ZeoliteError) {
      issues.push({ index: -1, name: names[i]!, reason: file.message, help: '' });
    }
    return !(file instanceof ZeoliteError);
  });
  if (issues.length === 0) return there;
  throw new ZeoliteError(
    'environment',
    `the model keeps weights in files of their own, which are missing: ${issues
      .map(({ name, reason }) => `'${name}' (${reason})`)
      .join(', ')}; put them where the model lies, or give all files together, ` +
      `such as loadModel({ 'model.tflite': bytes, '${issues[0]!.name}': bytes })`,
    issues,
  );
}

const baseOf = (path: string): string => path.split(/[\\/]/).pop()!;

function given(name: string, files: readonly OriginFile[]): Origin | undefined {
  const same = files.filter(({ path }) => baseOf(path) === baseOf(name));
  const exact = same.filter(({ path }) => path === name || path.endsWith(`/${name}`));
  const [file, other] = exact.length > 0 ? exact : same;
  if (file && other) throw badInput(`'${file.path}' and '${other.path}' both have its name`);
  return file?.origin;
}

/** The file of this name, which the model says, where the model lies: never anywhere else. */
async function beside(name: string, model: Origin): Promise<Origin> {
  const base = model.kind === 'url' ? model.url : model.kind === 'bytes' ? model.url : undefined;
  if (model.kind !== 'path' && !/^(https?|file):/i.test(base ?? '')) {
    throw new ZeoliteError(
      'environment',
      'it was not given, and the model comes from nowhere that has files beside it',
    );
  }
  const parts = name.split('/');
  if (
    /^[a-z][a-z\d+.-]*:|[\\\0]/i.test(name) ||
    parts.some((part) => part === '' || part === '.' || part === '..')
  ) {
    throw new ZeoliteError(
      'environment',
      'it was not given, and is not looked for: this is no name of a file beside the model',
    );
  }
  if (model.kind === 'path') {
    const { dirname, join } = await nodeModule<typeof import('node:path')>('path');
    return { kind: 'path', path: join(dirname(model.path), ...parts) };
  }
  return { kind: 'url', url: new URL(parts.map(encodeURIComponent).join('/'), base).href };
}

/** Writes a file where `reserve` gives it memory. */
export async function writeInto(
  instance: Instance,
  name: string,
  reserve: (size: number) => number,
  { origin }: Measured,
  signal?: AbortSignal,
  report?: Report,
): Promise<Place> {
  const place = { offset: 0, size: 0 };
  let position = 0;
  await readInto(
    origin,
    {
      start: (size) => {
        place.size = size;
        place.offset = instance.call(() => reserve(size));
        if (place.offset === 0) {
          throw new ZeoliteError(
            'out-of-memory',
            `not enough memory for the file '${name}' of ${size} bytes`,
          );
        }
      },
      write: (chunk) => {
        if (position + chunk.length > place.size) {
          throw new ZeoliteError(
            'environment',
            `the file '${name}' became longer while it was read`,
          );
        }
        new Uint8Array(instance.memory.buffer, place.offset + position, chunk.length).set(chunk);
        position += chunk.length;
      },
    },
    signal,
    report,
  );
  return place;
}

/**
 * More files than the weights of any model are spread over: each of them may be asked for over the
 * network.
 */
const maxFiles = 1000;

/** The names of the files that the model written into the session wants. */
export function wantedBy(instance: Instance, session: WantsFiles): string[] {
  const names = JSON.parse(instance.call(() => session.wantedFiles())) as string[];
  if (names.length > maxFiles) {
    throw new ZeoliteError(
      'unsupported',
      `the model keeps weights in ${names.length} files: over ${maxFiles} are not looked for`,
    );
  }
  return names;
}
