// The page's own worker: what would otherwise keep the page from answering.
import { layout, type LayoutInput, type LayoutResult } from './src/graph/layout.js';

/** The jobs, with what they take and give. */
export interface Jobs {
  layout: { input: LayoutInput; output: LayoutResult };
  /** Bytes that `blob` takes when compressed as servers do. */
  gzip: { input: Blob; output: number };
}

export interface Request<K extends keyof Jobs = keyof Jobs> {
  id: number;
  kind: K;
  input: Jobs[K]['input'];
}

export type Reply = { id: number; output: unknown } | { id: number; error: string };

async function gzipSize(blob: Blob): Promise<number> {
  const reader = blob.stream().pipeThrough(new CompressionStream('gzip')).getReader();
  let total = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return total;
    total += value.byteLength;
  }
}

self.addEventListener('message', (event: MessageEvent<Request>) => {
  const { id, kind, input } = event.data;
  const work =
    kind === 'layout' ? async () => layout(input as LayoutInput) : () => gzipSize(input as Blob);
  work().then(
    (output) => self.postMessage({ id, output } satisfies Reply),
    (error: unknown) => self.postMessage({ id, error: String(error) } satisfies Reply),
  );
});
