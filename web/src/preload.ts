// Everything ahead of its first use.
import { autoThreads, defaultWorker, runtimeBuild, workersWork } from './environment.js';
import { compileAhead, type ModuleName } from './modules.js';
import { startIdle } from './remote.js';

/** A source and a result that are looked at, a conversion, a model that runs. */
const workers = 4;

/**
 * Fetches and compiles the modules and starts workers that wait, so that what follows starts at
 * once and, while no work is aborted and no file is large, asks the network for nothing.
 *
 *     await preload();
 *
 * @throws ZeoliteError 'environment' when a file can't be fetched
 */
export async function preload(): Promise<void> {
  const threads = autoThreads();
  const names = new Set<ModuleName>([
    'converter',
    `runtime-${runtimeBuild(1)}`,
    `runtime-${runtimeBuild(threads)}`,
  ]);
  await Promise.all([...names].map(compileAhead));
  if (defaultWorker() && workersWork()) await startIdle(workers, threads);
}
