// Light, dark or as the system; theme.js applies what was chosen before the first paint.

export type Theme = 'system' | 'light' | 'dark';
export const kThemes: readonly Theme[] = ['system', 'light', 'dark'];

const systemIsDark = matchMedia('(prefers-color-scheme: dark)');
const listeners = new Set<() => void>();

export function theme(): Theme {
  const chosen = document.documentElement.dataset.theme;
  return chosen === 'light' || chosen === 'dark' ? chosen : 'system';
}

export function setTheme(next: Theme): void {
  const { dataset } = document.documentElement;
  if (next === 'system') delete dataset.theme;
  else dataset.theme = next;
  dataset.scheme = next !== 'system' ? next : systemIsDark.matches ? 'dark' : 'light';
  try {
    if (next === 'system') localStorage.removeItem('theme');
    else localStorage.setItem('theme', next);
  } catch {
    // No storage: it holds until the reload.
  }
  changed();
}

function changed(): void {
  for (const listener of listeners) listener();
}

/** Calls `listener` whenever the colours change. */
export function onTheme(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

// After the listener of theme.js, which has set the colours by then.
systemIsDark.addEventListener('change', changed);
