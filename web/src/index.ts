// The package's entry.
export { convert, inspect } from './convert.js';
export { features } from './environment.js';
export { ZeoliteError } from './error.js';
export { loadModel } from './model.js';
export { preload } from './preload.js';
export { configure } from './settings.js';
export type * from './types.js';

declare const __ZEOLITE_VERSION__: string;
/** The package's version. */
export const version: string = __ZEOLITE_VERSION__;
