// Files out of drops, choosers and the clipboard, folders included.

/** The files of a drop by their paths; to be called while the event lasts. */
export async function droppedFiles(transfer: DataTransfer): Promise<Map<string, File>> {
  const entries: FileSystemEntry[] = [];
  for (const item of transfer.items) {
    const entry = item.kind === 'file' ? item.webkitGetAsEntry() : null;
    if (entry) entries.push(entry);
  }
  if (entries.length === 0) return listed(transfer.files);
  const found = new Map<string, File>();
  // One folder dropped alone is the model: its own name is no part of the paths.
  const single = entries.length === 1 && entries[0]!.isDirectory ? entries[0]!.fullPath : '';
  await Promise.all(entries.map((entry) => walk(entry, single, found)));
  return found;
}

async function walk(entry: FileSystemEntry, base: string, found: Map<string, File>): Promise<void> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) =>
      (entry as FileSystemFileEntry).file(resolve, reject),
    );
    found.set(entry.fullPath.slice(base.length).replace(/^\//, ''), file);
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    // A reader gives its entries in batches until it gives none.
    const batch = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (batch.length === 0) return;
    await Promise.all(batch.map((child) => walk(child, base, found)));
  }
}

export function listed(files: Iterable<File> | ArrayLike<File>): Map<string, File> {
  return new Map(Array.from(files).map((file) => [file.webkitRelativePath || file.name, file]));
}
