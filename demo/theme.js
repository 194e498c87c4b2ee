// Sets the theme before the first paint: `data-theme` is what the reader chose (src/theme.ts has
// the switch), `data-scheme` what follows from it and from the system, light or dark, for the
// styles.
(() => {
  const root = document.documentElement;
  const dark = matchMedia('(prefers-color-scheme: dark)');
  let chosen = null;
  try {
    chosen = localStorage.getItem('theme');
  } catch {
    // No storage in this browser: the system's theme it is.
  }
  if (chosen === 'light' || chosen === 'dark') root.dataset.theme = chosen;
  const follow = () => {
    root.dataset.scheme = root.dataset.theme ?? (dark.matches ? 'dark' : 'light');
  };
  follow();
  dark.addEventListener('change', follow);
})();
