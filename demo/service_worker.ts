// Keeps the page's files, so that it works without a network, and sends the policy and the
// isolation with every response: static hosts send neither, and a worker takes its policy from its
// own response, not from the page.
//
// Every visit asks the host once for each file, so that a reload shows what the host has; what was
// fetched in a visit is not fetched again in it, and without a network the kept files do.

// The page is compiled for documents; these are what this file needs of a service worker's globals.
interface ExtendableEvent extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface FetchEvent extends ExtendableEvent {
  readonly request: Request;
  respondWith(response: Promise<Response>): void;
}
interface ServiceWorkerScope {
  readonly registration: ServiceWorkerRegistration;
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
  addEventListener(type: 'install' | 'activate', listener: (event: ExtendableEvent) => void): void;
  addEventListener(type: 'fetch', listener: (event: FetchEvent) => void): void;
  addEventListener(
    type: 'message',
    listener: (event: ExtendableEvent & MessageEvent) => void,
  ): void;
}
const scope = self as unknown as ServiceWorkerScope;

const kCache = 'zeolite';

const kHeaders: readonly (readonly [string, string])[] = [
  [
    'Content-Security-Policy',
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; img-src 'self' blob: data:; style-src 'self'; base-uri 'none'; form-action 'none'",
  ],
  ['Cross-Origin-Opener-Policy', 'same-origin'],
  ['Cross-Origin-Embedder-Policy', 'require-corp'],
  ['Cross-Origin-Resource-Policy', 'same-origin'],
];

/** The same response under the page's policy. */
function guarded(response: Response): Response {
  if (response.type === 'opaqueredirect' || response.status === 0 || response.redirected) {
    return response;
  }
  const headers = new Headers(response.headers);
  for (const [name, value] of kHeaders) headers.set(name, value);
  return new Response(response.body, {
    status: response.status,
    statusText: response.statusText,
    headers,
  });
}

/** Queries and fragments name no other file here. */
function keyOf(url: string): string {
  const key = new URL(url);
  key.search = key.hash = '';
  return key.href;
}

/** Under this key lies when the page was last navigated to. */
const visitKey = (): string => new URL('.visit', scope.registration.scope).href;

const kKeptAt = 'X-Kept-At';

/** Keeps a copy, with the time. */
async function store(cache: Cache, key: string, response: Response): Promise<void> {
  const headers = new Headers(response.headers);
  headers.set(kKeptAt, String(Date.now()));
  await cache.put(key, new Response(response.body, { status: 200, headers }));
}

/** The file under `key` if it was fetched in this visit; a visit begins with a navigation. */
async function ofThisVisit(cache: Cache, key: string): Promise<Response | undefined> {
  const [kept, visit] = await Promise.all([cache.match(key), cache.match(visitKey())]);
  if (!kept) return undefined;
  const began = visit ? Number(await visit.text()) : 0;
  return Number(kept.headers.get(kKeptAt)) >= began ? kept : undefined;
}

async function answer(request: Request): Promise<Response> {
  const cache = await caches.open(kCache);
  const key = keyOf(request.url);
  if (request.mode === 'navigate') {
    await cache.put(visitKey(), new Response(String(Date.now())));
  } else {
    const kept = await ofThisVisit(cache, key);
    if (kept) return guarded(kept);
  }
  try {
    const response = await fetch(request);
    if (response.status === 200 && !response.redirected) await store(cache, key, response.clone());
    return guarded(response);
  } catch (error) {
    const kept = await cache.match(key);
    if (kept) return guarded(kept);
    throw error;
  }
}

/** Keeps what the page loaded before this service worker answered for it. */
async function keep(urls: readonly string[]): Promise<void> {
  const cache = await caches.open(kCache);
  const own = urls.map(keyOf).filter((url) => url.startsWith(scope.registration.scope));
  await Promise.all(
    [...new Set(own)].map(async (url) => {
      if (await cache.match(url)) return;
      const response = await fetch(url);
      if (response.status === 200) await store(cache, url, response);
    }),
  );
}

scope.addEventListener('install', (event) => event.waitUntil(scope.skipWaiting()));
scope.addEventListener('activate', (event) => event.waitUntil(scope.clients.claim()));

scope.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method !== 'GET' || !request.url.startsWith(scope.registration.scope)) return;
  event.respondWith(answer(request));
});

scope.addEventListener('message', (event) => {
  const { keep: urls } = event.data as { keep?: string[] };
  if (!urls) return;
  const [port] = event.ports;
  event.waitUntil(
    keep(urls).then(
      () => port?.postMessage('kept'),
      () => port?.postMessage('not kept'),
    ),
  );
});
