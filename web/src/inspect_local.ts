// Inspections in this thread. A .tflite needs the runtime's module only; everything else the
// converter's.
import { readMetadata, type NativeMetadata } from './engine.js';
import { parseReply, ZeoliteError } from './error.js';
import { openFiles, type OpenedFiles } from './files.js';
import type { InspectSession, Instance } from './modules.js';
import { release } from './modules.js';
import type { OriginFile } from './sources.js';
import type { Inspection, Progress, TensorStats } from './types.js';

export type InspectionData = Omit<Inspection, 'stats' | 'dispose'>;

export class LocalInspection {
  private closed = false;

  constructor(readonly data: InspectionData, private readonly instance: Instance, private readonly session: InspectSession) {}

  get memory(): number {
    return this.instance.bytes;
  }

  stats(graph: number, tensor: number): TensorStats {
    if (this.closed) throw new ZeoliteError('disposed', 'the inspection has been disposed');
    return this.instance.call(() => parseReply<TensorStats>(this.session.stats(graph, tensor)));
  }

  dispose(): void {
    if (this.closed) return;
    this.closed = true;
    if (!this.instance.broken) this.instance.call(() => this.session.delete());
    release(this.instance);
  }
}

export async function inspectHere(files: OriginFile[], options: { format?: string; stage?: string }, signal?: AbortSignal, onProgress?: (progress: Progress) => void): Promise<LocalInspection> {
  const opened: OpenedFiles<InspectSession> = await openFiles(files, options.format, 'inspect', signal, onProgress);
  const { instance, session } = opened;
  try {
    type Native = Omit<InspectionData, 'metadata'> & { metadata: NativeMetadata };
    const native = instance.call(() => parseReply<Native>(session.inspect(JSON.stringify(options))));
    const metadata = readMetadata(instance.memory, native.metadata);
    return new LocalInspection({ ...native, metadata }, instance, session);
  } catch (error) {
    if (!instance.broken) session.delete();
    release(instance);
    throw error;
  }
}
