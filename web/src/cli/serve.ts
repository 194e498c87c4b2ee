// zeolite serve: the studio on loopback, with the headers that isolate it and keep it offline.
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { parse, UsageError } from './arguments.js';
import type { Command } from './main.js';
import { json } from './output.js';

const help = `zeolite serve [--port N] [--json]

Serves the studio to browsers on this machine and prints its address. Models that are opened there
stay in the browser.

  --port N   the port; without it 8642, or a free one where that is taken

Example: zeolite serve --port 9000`;

const defaultPort = 8642;

const types: { readonly [extension: string]: string } = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.wasm': 'application/wasm',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.webmanifest': 'application/manifest+json',
  '.ico': 'image/x-icon',
  '.md': 'text/plain; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
};

/** On every file: a worker takes its policy from its own response. */
const headers = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; img-src 'self' blob: data:; style-src 'self'; base-uri 'none'; form-action 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cache-Control': 'no-cache',
};

/** Answers requests for files below `root`. */
function handler(root: string): http.RequestListener {
  return (request, response) => {
    const fail = (status: number, text: string): void => {
      response
        .writeHead(status, { ...headers, 'Content-Type': 'text/plain; charset=utf-8' })
        .end(`${text}\n`);
    };
    // Another site's name that points here is no reason to answer it.
    const host = (request.headers.host ?? '').replace(/:\d+$/, '');
    if (!['localhost', '127.0.0.1', '[::1]'].includes(host)) {
      return fail(403, 'only for this machine');
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') return fail(405, 'only GET');
    let name: string;
    try {
      name = decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname);
    } catch {
      return fail(400, 'no such address');
    }
    if (name === '/') {
      response.writeHead(302, { ...headers, Location: '/demo/' }).end();
      return;
    }
    const file = path.join(root, path.normalize(name), name.endsWith('/') ? 'index.html' : '');
    const inside = file.startsWith(root + path.sep) && !name.includes('\0');
    const stat = inside ? fs.statSync(file, { throwIfNoEntry: false }) : undefined;
    if (!stat?.isFile()) return fail(404, 'no such file');
    const tag = `"${stat.size.toString(36)}-${stat.mtimeMs.toString(36)}"`;
    if (request.headers['if-none-match'] === tag) {
      response.writeHead(304, { ...headers, ETag: tag }).end();
      return;
    }
    response.writeHead(200, {
      ...headers,
      ETag: tag,
      'Content-Type': types[path.extname(file).toLowerCase()] ?? 'application/octet-stream',
      'Content-Length': stat.size,
    });
    if (request.method === 'HEAD') response.end();
    else fs.createReadStream(file).on('error', () => response.destroy()).pipe(response);
  };
}

async function run(list: string[]): Promise<void> {
  const args = parse(list, { port: 'value' }, [0, 0]);
  const port = args.count('port', 0);
  if (port !== undefined && port > 65535) {
    throw new UsageError(`--port is ${port}, wanted at most 65535`);
  }
  const root = path.dirname(fileURLToPath(import.meta.url));
  if (!fs.existsSync(path.join(root, 'demo', 'index.html'))) {
    throw new Error('this build has no studio: dist/demo is missing');
  }
  const server = http.createServer(handler(root));
  const listen = (wanted: number): Promise<void> => new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(wanted, '127.0.0.1', () => {
      server.off('error', reject);
      resolve();
    });
  });
  try {
    await listen(port ?? defaultPort);
  } catch (error) {
    const taken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
    if (!taken) throw error;
    if (port !== undefined) throw new Error(`port ${port} is taken: choose another with --port`);
    await listen(0);
  }
  const { port: actual } = server.address() as { port: number };
  const address = `http://localhost:${actual}/demo/`;
  console.log(
    args.flag('json') ? json({ address }) : `The studio is at ${address} (Ctrl+C ends it)`,
  );
  await new Promise((resolve) => server.once('close', resolve));
}

export const serve: Command = { help, run };
