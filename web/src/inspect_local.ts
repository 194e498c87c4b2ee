// Inspections in this thread. A .tflite needs the runtime's module only; everything else the
// converter's.
import { readMetadata, type NativeMetadata } from './engine.js';
import { parseReply, ZeoliteError } from './error.js';
import { openSources, openTflite, SourceFiles } from './files.js';
import {
  release,
  type InspectSession,
  type Instance,
  type SourceInspectSession,
} from './modules.js';
import type { OriginFile } from './sources.js';
import type { Inspection, Progress, TensorStats } from './types.js';

export type InspectionData = Omit<Inspection, 'stats' | 'dispose'>;

export class LocalInspection {
  private closed = false;

  constructor(
    readonly data: InspectionData,
    /** Those of a source model; a .tflite is in the module's memory. */
    private readonly files: SourceFiles | undefined,
    private readonly instance: Instance,
    private readonly session: InspectSession,
  ) {}

  get memory(): number {
    return this.instance.bytes;
  }

  stats(graph: number, tensor: number): TensorStats {
    if (this.closed) throw new ZeoliteError('disposed', 'the inspection has been disposed');
    try {
      return this.instance.call(() =>
        answer<TensorStats>(this.files, this.session.stats(graph, tensor)),
      );
    } finally {
      this.files?.rest();
    }
  }

  dispose(): void {
    if (this.closed) return;
    this.closed = true;
    if (!this.instance.broken) this.instance.call(() => this.session.delete());
    release(this.instance);
  }
}

export async function inspectHere(
  origins: OriginFile[],
  options: { format?: string; stage?: string },
  signal?: AbortSignal,
  onProgress?: (progress: Progress) => void,
): Promise<LocalInspection> {
  const onRead = (done: number, total: number): void =>
    onProgress?.({ stage: 'read', done, total });
  const tflite = await openTflite(origins, options.format, signal, onProgress);
  const files = tflite ? undefined : await SourceFiles.open(origins, signal, onProgress);
  const { instance, session } =
    tflite ?? (await openSources<SourceInspectSession>('InspectSession', files!, onRead));
  try {
    type Native = Omit<InspectionData, 'metadata'> & { metadata: NativeMetadata };
    const native = instance.call(() =>
      answer<Native>(files, session.inspect(JSON.stringify(options))),
    );
    const metadata = readMetadata(instance.memory, native.metadata);
    return new LocalInspection({ ...native, metadata }, files, instance, session);
  } catch (error) {
    if (!instance.broken) session.delete();
    release(instance);
    throw error;
  } finally {
    files?.rest();
  }
}

const answer = <T>(files: SourceFiles | undefined, text: string): T =>
  files ? files.answer<T>(text) : parseReply<T>(text);
