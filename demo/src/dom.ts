// Making elements. The page's policy forbids style attributes: sizes that change go through
// `element.style`, which it allows, and everything else through classes.

export type Child = Node | string | number | null | undefined | false | readonly Child[];

export interface Props {
  class?: string | undefined;
  on?: { [K in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[K]) => void };
  [attribute: string]: unknown;
}

function append(parent: Node, child: Child): void {
  if (child === null || child === undefined || child === false) return;
  if (Array.isArray(child)) for (const one of child) append(parent, one);
  else if (child instanceof Node) parent.appendChild(child);
  else parent.appendChild(document.createTextNode(String(child)));
}

/**
 * An element with attributes (`true` sets an empty one, `false` and undefined none) and children.
 */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props?: Props | null,
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name === 'on') {
      for (const [event, listener] of Object.entries(value as object)) {
        element.addEventListener(event, listener as EventListener);
      }
    } else element.setAttribute(name, value === true ? '' : String(value));
  }
  append(element, children);
  return element;
}

/** Replaces everything in `parent`. */
export function fill(parent: Node, ...children: Child[]): void {
  const fragment = document.createDocumentFragment();
  append(fragment, children);
  while (parent.firstChild) parent.removeChild(parent.firstChild);
  parent.appendChild(fragment);
}

let announcer: HTMLElement | undefined;

/** Says `text` through the page's polite live region. */
export function announce(text: string): void {
  announcer ??= document.getElementById('announcer') ?? undefined;
  if (!announcer) return;
  // The same text twice in a row has to be said twice.
  announcer.textContent = announcer.textContent === text ? `${text}\u00a0` : text;
}

export function reducedMotion(): boolean {
  return matchMedia('(prefers-reduced-motion: reduce)').matches;
}

let nextId = 0;

/** An id for `aria-labelledby`, `for` and the like. */
export function uniqueId(prefix: string): string {
  return `${prefix}-${++nextId}`;
}

/** Offers `blob` as a download called `name`. */
export function download(blob: Blob, name: string): void {
  const url = URL.createObjectURL(blob);
  const link = h('a', { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
