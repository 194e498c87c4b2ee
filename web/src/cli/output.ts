// Printing for people and for machines.

/** Such as '2.8 MB'. */
export function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`;
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`;
  return `${(bytes / 1e6).toFixed(2)} MB`;
}

export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

export const shapeText = (shape: readonly number[]): string =>
  `[${shape.map((one) => (one < 0 ? '?' : one)).join(',')}]`;

/** Columns as wide as their widest cell; numbers to the right. */
export function table(rows: (string | number)[][]): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, String(cell).length)));
  }
  return rows
    .map((row) =>
      row
        .map((cell, i) =>
          typeof cell === 'number' || /^-?[\d.]+$/.test(cell)
            ? String(cell).padStart(widths[i]!)
            : String(cell).padEnd(widths[i]!),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** JSON that keeps what JSON lacks: bytes as base64, 64-bit integers as text, NaN as text. */
export function json(value: unknown): string {
  return JSON.stringify(value, (_, entry: unknown) => {
    if (typeof entry === 'bigint') return entry.toString();
    if (typeof entry === 'number' && !Number.isFinite(entry)) return String(entry);
    if (entry instanceof Uint8Array) return Buffer.from(entry).toString('base64');
    if (ArrayBuffer.isView(entry)) return Array.from(entry as unknown as ArrayLike<unknown>);
    return entry;
  });
}

/** A bar on a terminal's standard error; nothing when that is no terminal. */
export class ProgressBar {
  private last = 0;
  private shown = false;

  constructor(private readonly quiet: boolean) {}

  readonly update = ({
    stage,
    done,
    total,
  }: {
    stage: string;
    done: number;
    total: number;
  }): void => {
    if (this.quiet || !process.stderr.isTTY) return;
    const now = performance.now();
    if (now - this.last < 50 && done < total) return;
    this.last = now;
    this.shown = true;
    const share = total > 0 ? Math.min(1, done / total) : 0,
      width = 24;
    const filled = Math.round(share * width);
    process.stderr.write(
      `\r\x1b[K${stage.padEnd(10)} [${'#'.repeat(filled)}${' '.repeat(width - filled)}] ${String(Math.round(100 * share)).padStart(3)} %`,
    );
  };

  /** Takes the bar away, so that what follows begins on a clean line. */
  end(): void {
    if (this.shown) process.stderr.write('\r\x1b[K');
  }
}
