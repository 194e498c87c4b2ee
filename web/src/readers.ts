// Files that the converter reads as it needs them: anywhere, and at once, since WebAssembly can't
// wait.
import { discard } from './discard.js';
import { isNode, nodeModule } from './environment.js';
import { ZeoliteError } from './error.js';
import { fileTrouble, readAll, sizeOf, type Origin } from './sources.js';

export interface Reader {
  readonly size: number;
  /** Fills `target` with the bytes from `offset` on, which lie within the size. */
  read(offset: number, target: Uint8Array): void;
  /** Lets go of what it holds open; a later read takes it up again. */
  rest(): void;
}

class BytesReader implements Reader {
  constructor(private readonly bytes: Uint8Array) {}

  get size(): number {
    return this.bytes.length;
  }

  read(offset: number, target: Uint8Array): void {
    target.set(this.bytes.subarray(offset, offset + target.length));
  }

  rest(): void {}
}

class PathReader implements Reader {
  private file: number | undefined;

  constructor(
    private readonly fs: typeof import('node:fs'),
    private readonly path: string,
    readonly size: number,
  ) {}

  read(offset: number, target: Uint8Array): void {
    try {
      this.file ??= this.fs.openSync(this.path, 'r');
      for (let done = 0; done < target.length;) {
        const size = this.fs.readSync(this.file, target, done, target.length - done, offset + done);
        if (size === 0) {
          throw new ZeoliteError('environment', `${this.path} became shorter while it was read`);
        }
        done += size;
      }
    } catch (error) {
      if (error instanceof ZeoliteError) throw error;
      throw new ZeoliteError(
        'environment',
        fileTrouble(this.path, error as NodeJS.ErrnoException),
        [],
        error,
      );
    }
  }

  rest(): void {
    if (this.file !== undefined) this.fs.closeSync(this.file);
    this.file = undefined;
  }
}

/** What workers of pages have to read blobs without waiting. */
declare const FileReaderSync:
  undefined | (new () => { readAsArrayBuffer(blob: Blob): ArrayBuffer });

/** Each reading of a blob asks another process: what lies next is taken along. */
const blobWindow = 2 ** 20;

class BlobReader implements Reader {
  private readonly reader = new FileReaderSync!();
  private start = 0;
  private held = new Uint8Array(0);

  constructor(private readonly blob: Blob) {}

  get size(): number {
    return this.blob.size;
  }

  read(offset: number, target: Uint8Array): void {
    for (let done = 0; done < target.length; ) {
      const at = offset + done;
      if (at < this.start || at >= this.start + this.held.length) {
        // Large targets are read in pieces too, so that no second copy of them is ever whole.
        this.rest();
        try {
          this.held = new Uint8Array(
            this.reader.readAsArrayBuffer(this.blob.slice(at, at + blobWindow)),
          );
        } catch (error) {
          throw new ZeoliteError(
            'environment',
            `the file could not be read: ${(error as Error).message}`,
            [],
            error,
          );
        }
        this.start = at;
        if (this.held.length === 0) {
          throw new ZeoliteError('environment', 'the file became shorter while it was read');
        }
      }
      const part = this.held.subarray(at - this.start, at - this.start + target.length - done);
      target.set(part, done);
      done += part.length;
    }
  }

  rest(): void {
    discard(this.held.buffer);
    this.held = new Uint8Array(0);
  }
}

/** A reader of the file; one that can't be read at once is read into memory first. */
export async function openReader(
  origin: Origin,
  signal?: AbortSignal,
  report?: (done: number, total: number) => void,
): Promise<Reader> {
  if (origin.kind === 'blob' && typeof FileReaderSync === 'function') {
    return new BlobReader(origin.blob);
  }
  if (origin.kind === 'path' && isNode) {
    // Pipes have no size, and folders are refused by who reads them.
    const size = await sizeOf(origin);
    if (size !== undefined) {
      return new PathReader(await nodeModule<typeof import('node:fs')>('fs'), origin.path, size);
    }
  }
  return new BytesReader(await readAll(origin, signal, report));
}
