// The service worker's page side. It keeps the page's files for use without a network, and on hosts
// that send no headers it adds the policy and the isolation that threads need.

const kPatience = 4000;

function within<T>(promise: Promise<T>, time: number): Promise<T | undefined> {
  return Promise.race([
    promise,
    new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), time)),
  ]);
}

/**
 * Waits until the service worker answers for this page and has kept what was loaded before it came,
 * and says whether it did. Where there is none (a private window, plain http) the page works all
 * the same, with a network.
 */
export async function settleOffline(): Promise<boolean> {
  if (!('serviceWorker' in navigator) || !isSecureContext) return false;
  const container = navigator.serviceWorker;
  try {
    // One level up: the package's files lie there, and its worker is to be kept as well.
    await container.register(new URL('../service_worker.js', import.meta.url), {
      scope: new URL('..', import.meta.url).pathname,
    });
  } catch {
    return false; // Forbidden here: see above.
  }
  if (!container.controller) {
    await within(
      new Promise((resolve) =>
        container.addEventListener('controllerchange', resolve, { once: true }),
      ),
      kPatience,
    );
  }
  const { controller } = container;
  if (!controller) return false;
  if (!crossOriginIsolated && !triedIsolation()) {
    // The document came without headers; from the service worker it comes with them.
    location.reload();
    await new Promise(() => undefined);
  }
  const files = [
    location.href,
    ...performance.getEntriesByType('resource').map((entry) => entry.name),
  ];
  const channel = new MessageChannel();
  const kept = new Promise<MessageEvent>((resolve) => (channel.port1.onmessage = resolve));
  controller.postMessage({ keep: files }, [channel.port2]);
  return (await within(kept, kPatience))?.data === 'kept';
}

/** Whether this tab was reloaded for the headers already: once is enough. */
function triedIsolation(): boolean {
  try {
    if (sessionStorage.getItem('isolating')) return true;
    sessionStorage.setItem('isolating', '1');
    return false;
  } catch {
    return true;
  }
}
