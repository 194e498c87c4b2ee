// Gets everything that the page needs before it says that it is ready: its own files into the
// cache, the package's worker and modules into memory. From then on nothing is fetched.
import { features, preload, type Features } from 'zeolite';
import { startBackground } from './background.js';
import { settleOffline } from './offline.js';

/** `rest` is whatever else has to be there, such as the sample. */
export async function startEngine(
  rest: Promise<unknown>,
): Promise<{ features: Features; offline: boolean }> {
  const offline = await settleOffline();
  startBackground();
  await preload();
  const found = await features();
  await rest;
  return { features: found, offline };
}
