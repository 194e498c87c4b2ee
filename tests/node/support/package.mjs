// The built package, as its users import it.
import path from 'node:path';
import { pathToFileURL } from 'node:url';

import { repo } from './cases.mjs';

export const dist = path.join(repo, 'dist');
export const zeolite = await import(pathToFileURL(path.join(dist, 'index.js')).href);
export const cli = path.join(dist, 'cli.js');
