// The page's icons: 20 by 20, drawn with lines in the text's colour.

const kPaths = {
  open: 'M3 5.5h5l1.5 2H17v8H3zM3 9.5h14',
  sun: 'M10 6.5a3.5 3.5 0 1 0 0 7a3.5 3.5 0 1 0 0-7M10 2v1.8M10 16.2V18M2 10h1.8M16.2 10H18M4.3 4.3l1.3 1.3M14.4 14.4l1.3 1.3M4.3 15.7l1.3-1.3M14.4 5.6l1.3-1.3',
  moon: 'M16 11.8A6.6 6.6 0 0 1 8.2 4a6.6 6.6 0 1 0 7.8 7.8z',
  system: 'M2.5 4h15v9.5h-15zM7 17h6M10 13.5V17',
  source: 'M7 5.5L2.5 10L7 14.5M13 5.5l4.5 4.5l-4.5 4.5M11.3 3.5l-2.6 13',
  download: 'M10 3v9.5M5.8 8.7L10 12.9l4.2-4.2M3.5 16.5h13',
  search: 'M8.7 3.5a5.2 5.2 0 1 0 0 10.4a5.2 5.2 0 1 0 0-10.4M12.6 12.6l4 4',
  plus: 'M10 4v12M4 10h12',
  minus: 'M4 10h12',
  fit: 'M3.5 7.5v-4h4M12.5 3.5h4v4M16.5 12.5v4h-4M7.5 16.5h-4v-4',
  list: 'M7 5h10M7 10h10M7 15h10M3.2 5h.6M3.2 10h.6M3.2 15h.6',
  graph: 'M7 3h6v4H7zM3 13h6v4H3zM11 13h6v4h-6zM10 7v3M6 13v-3h8v3',
  close: 'M5 5l10 10M15 5L5 15',
  copy: 'M7 7h9.5v9.5H7zM4.5 13h-1V3.5H13v1',
  check: 'M4 10.5l4 4l8-9',
  warning: 'M10 3.2L17.6 16.5H2.4zM10 8v4M10 14.3v.2',
  blocked: 'M10 2.8a7.2 7.2 0 1 0 0 14.4a7.2 7.2 0 1 0 0-14.4M5 5l10 10',
  lock: 'M5 9h10v7.5H5zM7 9V6.5a3 3 0 0 1 6 0V9',
  play: 'M6 4l10 6l-10 6z',
  image: 'M3 4h14v12H3zM3 13.5l4-4l4 4l2.5-2.5L17 14.5M12.8 7.8h.4',
  arrow: 'M4 10h11.5M11 5.5l4.5 4.5l-4.5 4.5',
  file: 'M5 2.5h6.5L15 6v11.5H5zM11.5 2.5V6H15',
  dice: 'M4 4h12v12H4zM7.2 7.2h.2M12.6 7.2h.2M10 10h.1M7.2 12.6h.2M12.6 12.6h.2',
} as const;

export type IconName = keyof typeof kPaths;

const kNamespace = 'http://www.w3.org/2000/svg';

/** An icon beside a word is hidden from readers; one that stands alone has a `title`. */
export function icon(name: IconName, title?: string): SVGSVGElement {
  const svg = document.createElementNS(kNamespace, 'svg');
  svg.setAttribute('viewBox', '0 0 20 20');
  svg.setAttribute('class', `icon icon-${name}`);
  if (title) {
    svg.setAttribute('role', 'img');
    svg.setAttribute('aria-label', title);
  } else {
    svg.setAttribute('aria-hidden', 'true');
  }
  const path = document.createElementNS(kNamespace, 'path');
  path.setAttribute('d', kPaths[name]);
  svg.appendChild(path);
  return svg;
}
