// Where models come from -> bytes, with as few copies as the kind of source allows.
import { discard } from './discard.js';
import { describe } from './dtypes.js';
import { isNode, nodeModule } from './environment.js';
import { badInput, checkAborted, orAborted, ZeoliteError } from './error.js';
import type { ConvertSource, Progress, Source } from './types.js';

/**
 * A source in a form that can be posted to a worker: there it is read without passing through the
 * page's own thread. `bytes` are the caller's own, never changed nor transferred; `url` tells where
 * they were fetched from, for files beside them.
 */
export type Origin =
  | { kind: 'bytes'; bytes: Uint8Array; url?: string }
  | { kind: 'blob'; blob: Blob }
  | { kind: 'url'; url: string }
  | { kind: 'path'; path: string };

/** One file of a model. */
export interface OriginFile {
  /** Relative, with forward slashes; the file's own name when it is the only one. */
  path: string;
  origin: Origin;
}

/** Somewhere to put bytes whose number is known before the first arrives. */
export interface Sink {
  start(size: number): void;
  /** `chunk` is gone afterwards. */
  write(chunk: Uint8Array): void;
}

type Report = (done: number, total: number) => void;

const isBytes = (value: unknown): value is ArrayBufferLike | ArrayBufferView =>
  ArrayBuffer.isView(value) || value instanceof ArrayBuffer ||
  (typeof SharedArrayBuffer === 'function' && value instanceof SharedArrayBuffer);

function viewOf(value: ArrayBufferLike | ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(value)
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : new Uint8Array(value);
}

const isBlob = (value: unknown): value is Blob =>
  typeof Blob === 'function' && value instanceof Blob;

async function collect(
  stream: ReadableStream<Uint8Array>,
  signal: AbortSignal | undefined,
  report: Report,
  total: number,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await orAborted(reader.read(), signal);
      if (done) break;
      if (!isBytes(value)) throw badInput(`the stream gives ${describe(value)}, wanted bytes`);
      const chunk = viewOf(value);
      chunks.push(chunk);
      size += chunk.length;
      report(size, total);
    }
  } catch (error) {
    reader.cancel(error).catch(() => {});
    throw error;
  }
  const result = new Uint8Array(size);
  let position = 0;
  for (const chunk of chunks) {
    result.set(chunk, position);
    position += chunk.length;
  }
  return result;
}

async function readResponse(
  response: Response,
  what: string,
  signal: AbortSignal | undefined,
  report: Report,
): Promise<Uint8Array> {
  if (!response.ok) {
    throw new ZeoliteError(
      'environment',
      `${what} could not be fetched: ${response.status} ${response.statusText}`.trim(),
    );
  }
  if (response.bodyUsed) throw badInput(`${what}: the response's body has been read already`);
  // The length counts encoded bytes: it is only told, never relied on.
  const total = response.headers.get('content-encoding')
    ? 0
    : Number(response.headers.get('content-length') ?? 0);
  return response.body ? collect(response.body, signal, report, total) : new Uint8Array(0);
}

async function fetchBytes(
  url: string,
  signal: AbortSignal | undefined,
  report: Report,
): Promise<Uint8Array> {
  let response: Response;
  try {
    response = await fetch(url, signal ? { signal } : {});
  } catch (error) {
    checkAborted(signal);
    throw new ZeoliteError(
      'environment',
      `${url} could not be fetched: ${(error as Error).message}`,
      [],
      error,
    );
  }
  return readResponse(response, url, signal, report);
}

const hasScheme = (text: string): boolean => /^(https?|file|data|blob):/i.test(text);

/** The source as something that can be posted; responses and streams are read here. */
export async function toOrigin(
  source: Source,
  signal?: AbortSignal,
  onProgress?: (progress: Progress) => void,
): Promise<Origin> {
  checkAborted(signal);
  const report: Report = (done, total) => onProgress?.({ stage: 'read', done, total });
  if (typeof source === 'string' || source instanceof URL) {
    const text = String(source);
    if (isNode) {
      if (!hasScheme(text)) return { kind: 'path', path: text };
      if (/^file:/i.test(text)) {
        const { fileURLToPath } = await nodeModule<typeof import('node:url')>('url');
        return { kind: 'path', path: fileURLToPath(text) };
      }
      return { kind: 'url', url: text };
    }
    const base = typeof document === 'object' ? document.baseURI : globalThis.location?.href;
    try {
      return { kind: 'url', url: new URL(text, base).href };
    } catch {
      throw badInput(`${describe(text)} is no address`);
    }
  }
  if (isBytes(source)) return { kind: 'bytes', bytes: viewOf(source) };
  if (isBlob(source)) return { kind: 'blob', blob: source };
  if (typeof Response === 'function' && source instanceof Response) {
    const bytes = await readResponse(source, source.url || 'the response', signal, report);
    return { kind: 'bytes', bytes, ...(source.url ? { url: source.url } : {}) };
  }
  if (typeof ReadableStream === 'function' && source instanceof ReadableStream) {
    return { kind: 'bytes', bytes: await collect(source, signal, report, 0) };
  }
  throw badInput(
    `a model is given as an address, a response, a stream, a blob or file, or bytes, not as ${describe(source)}`,
  );
}

/** Reads the origin into `sink`: straight from the disk or the blob, in pieces. */
export async function readInto(
  origin: Origin,
  sink: Sink,
  signal?: AbortSignal,
  report: Report = () => {},
): Promise<void> {
  checkAborted(signal);
  switch (origin.kind) {
    case 'bytes':
      sink.start(origin.bytes.length);
      sink.write(origin.bytes);
      return;
    case 'url': {
      const bytes = await fetchBytes(origin.url, signal, report);
      sink.start(bytes.length);
      sink.write(bytes);
      return;
    }
    case 'blob': {
      const { size } = origin.blob;
      sink.start(size);
      // Not in slices: the browser keeps copies of those that it made of memory.
      const reader = (origin.blob.stream() as ReadableStream<Uint8Array>).getReader();
      for (let done = 0; ;) {
        const step = await orAborted(reader.read(), signal).catch((error: unknown) => {
          reader.cancel().catch(() => {});
          throw error instanceof ZeoliteError
            ? error
            : new ZeoliteError(
                'environment',
                `the file could not be read: ${(error as Error).message}`,
                [],
                error,
              );
        });
        if (step.done) return;
        sink.write(step.value);
        report((done += step.value.length), size);
        discard(step.value.buffer);
      }
    }
    case 'path':
      return readPath(origin.path, sink, signal, report);
  }
}

/** The number of bytes, where it is known before reading them. */
export async function sizeOf(origin: Origin): Promise<number | undefined> {
  if (origin.kind === 'bytes') return origin.bytes.length;
  if (origin.kind === 'blob') return origin.blob.size;
  if (origin.kind === 'url') return undefined;
  const fs = await nodeModule<typeof import('node:fs')>('fs');
  const stat = fs.statSync(origin.path, { throwIfNoEntry: false });
  return stat?.isFile() ? stat.size : undefined;
}

async function readPath(
  path: string,
  sink: Sink,
  signal: AbortSignal | undefined,
  report: Report,
): Promise<void> {
  const fs = await nodeModule<typeof import('node:fs')>('fs');
  let file: number | undefined;
  try {
    file = fs.openSync(path, 'r');
    const stat = fs.fstatSync(file);
    if (stat.isDirectory()) throw badInput(`${path} is a folder, wanted a file`);
    if (!stat.isFile()) {
      // A pipe has no size before it ends.
      const bytes = fs.readFileSync(file);
      sink.start(bytes.length);
      sink.write(bytes);
      return;
    }
    sink.start(stat.size);
    const buffer = new Uint8Array(Math.min(stat.size, 1 << 20));
    for (let done = 0; done < stat.size;) {
      const size = fs.readSync(file, buffer, 0, buffer.length, done);
      if (size === 0) {
        throw new ZeoliteError('environment', `${path} became shorter while it was read`);
      }
      sink.write(buffer.subarray(0, Math.min(size, stat.size - done)));
      done += size;
      report(done, stat.size);
      if (done % (64 << 20) < size) {
        // Now and then others get their turn.
        await new Promise((resolve) => setTimeout(resolve));
        checkAborted(signal);
      }
    }
  } catch (error) {
    if (error instanceof ZeoliteError) throw error;
    throw new ZeoliteError(
      'environment',
      fileTrouble(path, error as NodeJS.ErrnoException),
      [],
      error,
    );
  } finally {
    if (file !== undefined) fs.closeSync(file);
  }
}

export function fileTrouble(path: string, error: NodeJS.ErrnoException): string {
  const reasons: { [code: string]: string } = {
    ENOENT: 'no such file',
    EACCES: 'permission denied',
    EISDIR: 'it is a folder',
    ENOTDIR: 'no such file',
  };
  return `${path} could not be read: ${reasons[error.code ?? ''] ?? error.message}`;
}

/** All of an origin's bytes; the caller's own when they were given as bytes. */
export async function readAll(
  origin: Origin,
  signal?: AbortSignal,
  report?: Report,
): Promise<Uint8Array> {
  if (origin.kind === 'bytes') return origin.bytes;
  let bytes = new Uint8Array(0),
    position = 0;
  await readInto(
    origin,
    {
      start: (size) => void (bytes = new Uint8Array(size)),
      write: (chunk) => {
        bytes.set(chunk, position);
        position += chunk.length;
      },
    },
    signal,
    report,
  );
  return bytes;
}

// --- Models of several files ---------------------------------------------------------------------

const isFileLike = (value: unknown): value is File =>
  isBlob(value) && typeof (value as File).name === 'string';

/** More files than any model format has: a wrong folder is told before it is read. */
const maxFiles = 10_000;

/** The files of a source, in a form that can be posted. */
export async function toFiles(
  source: ConvertSource,
  signal?: AbortSignal,
  onProgress?: (progress: Progress) => void,
): Promise<OriginFile[]> {
  checkAborted(signal);
  if (typeof FileList === 'function' && source instanceof FileList) {
    return filesOf(Array.from(source as FileList));
  }
  if (typeof DataTransferItemList === 'function' && source instanceof DataTransferItemList) {
    return droppedFiles(source);
  }
  if (Array.isArray(source)) return filesOf(source);
  if (typeof source === 'string' || source instanceof URL) {
    const origin = await toOrigin(source, signal, onProgress);
    if (origin.kind === 'path') {
      const folder = await folderFiles(origin.path);
      if (folder) return folder;
    }
    return [{ path: nameOf(origin), origin }];
  }
  if (isPlainObject(source)) {
    const files = Object.entries(source).map(([path, value]): OriginFile => {
      if (isBlob(value)) return { path, origin: { kind: 'blob', blob: value } };
      if (isBytes(value)) return { path, origin: { kind: 'bytes', bytes: viewOf(value) } };
      throw badInput(`the file '${path}' is ${describe(value)}, wanted bytes or a blob`);
    });
    if (files.length === 0) throw badInput('the source holds no file');
    return files;
  }
  const single = source as Source;
  const origin = await toOrigin(single, signal, onProgress);
  return [
    {
      path: isFileLike(single)
        ? single.name
        : single instanceof Response
          ? nameOf({ kind: 'url', url: single.url })
          : nameOf(origin),
      origin,
    },
  ];
}

const isPlainObject = (value: unknown): value is { [path: string]: unknown } => {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return (
    prototype === null ||
    prototype === Object.prototype ||
    Object.getPrototypeOf(prototype) === null
  );
};

const nameOf = (origin: Origin): string => {
  const address =
    origin.kind === 'path'
      ? origin.path
      : origin.kind === 'url' && !origin.url.startsWith('data:')
        ? origin.url.replace(/[?#].*$/, '')
        : '';
  return address.split(/[\\/]/).pop() || 'model';
};

function filesOf(list: readonly unknown[]): OriginFile[] {
  if (list.length === 0) throw badInput('the source holds no file');
  return list.map((file) => {
    if (!isFileLike(file)) throw badInput(`the list of files holds ${describe(file)}`);
    return { path: file.webkitRelativePath || file.name, origin: { kind: 'blob', blob: file } };
  });
}

async function folderFiles(path: string): Promise<OriginFile[] | undefined> {
  const fs = await nodeModule<typeof import('node:fs')>('fs');
  try {
    if (!fs.statSync(path).isDirectory()) return undefined;
  } catch (error) {
    throw new ZeoliteError(
      'environment',
      fileTrouble(path, error as NodeJS.ErrnoException),
      [],
      error,
    );
  }
  const files: OriginFile[] = [];
  const walk = (folder: string, prefix: string): void => {
    for (const entry of fs.readdirSync(folder, { withFileTypes: true })) {
      if (entry.isDirectory()) walk(`${folder}/${entry.name}`, `${prefix}${entry.name}/`);
      else if (entry.isFile()) {
        files.push({
          path: prefix + entry.name,
          origin: { kind: 'path', path: `${folder}/${entry.name}` },
        });
      }
      if (files.length > maxFiles) {
        throw badInput(`${path} holds over ${maxFiles} files: it is no model's folder`);
      }
    }
  };
  walk(path.replace(/[\\/]+$/, ''), '');
  if (files.length === 0) throw badInput(`${path} is an empty folder`);
  return files;
}

async function droppedFiles(items: DataTransferItemList): Promise<OriginFile[]> {
  // The list is emptied when the event's handler returns: everything is taken from it before
  // waiting.
  const entries = Array.from(items).map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile());
  const files: OriginFile[] = [];
  const walk = async (entry: FileSystemEntry): Promise<void> => {
    if (files.length > maxFiles) {
      throw badInput(`over ${maxFiles} files were dropped: they are no model`);
    }
    const trouble = (error: unknown): never => {
      throw new ZeoliteError(
        'environment',
        `${entry.fullPath} could not be read: ${(error as Error).message}`,
        [],
        error,
      );
    };
    if (entry.isFile) {
      const file = (await new Promise<File>((resolve, reject) =>
        (entry as FileSystemFileEntry).file(resolve, reject),
      ).catch(trouble)) as File;
      files.push({ path: entry.fullPath.replace(/^\//, ''), origin: { kind: 'blob', blob: file } });
      return;
    }
    const reader = (entry as FileSystemDirectoryEntry).createReader();
    for (;;) {  // It gives a hundred entries at a time.
      const batch = (await new Promise<FileSystemEntry[]>((resolve, reject) =>
        reader.readEntries(resolve, reject),
      ).catch(trouble)) as FileSystemEntry[];
      if (batch.length === 0) return;
      for (const child of batch) await walk(child);
    }
  };
  for (const entry of entries) {
    if (entry === null) continue;
    if (isFileLike(entry)) files.push({ path: entry.name, origin: { kind: 'blob', blob: entry } });
    else await walk(entry as FileSystemEntry);
  }
  if (files.length === 0) throw badInput('what was dropped holds no file');
  return files;
}
