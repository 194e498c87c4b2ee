// Small drawings as inline SVG.
import { short } from './format.js';
import { t } from './strings/index.js';

const kNamespace = 'http://www.w3.org/2000/svg';

function svg(name: string, attributes: Record<string, string | number>): SVGElement {
  const element = document.createElementNS(kNamespace, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}

/** Bars from the least to the greatest value; heights by the square root, so that pruned weights'
 * peak at zero leaves the others visible. */
export function histogram(counts: readonly number[], min: number, max: number): HTMLElement {
  const width = 240;
  const height = 56;
  const root = svg('svg', {
    viewBox: `0 0 ${width} ${height}`,
    class: 'histogram',
    role: 'img',
    'aria-label': t.panel.histogram(short(min), short(max)),
    preserveAspectRatio: 'none',
  });
  const highest = Math.sqrt(Math.max(1, ...counts));
  const step = width / Math.max(1, counts.length);
  counts.forEach((count, i) => {
    if (count === 0) return;
    const tall = Math.max(1, (Math.sqrt(count) / highest) * height);
    root.append(
      svg('rect', {
        x: i * step,
        y: height - tall,
        width: Math.max(0.5, step - 0.5),
        height: tall,
      }),
    );
  });
  const figure = document.createElement('figure');
  figure.className = 'histogram-figure';
  const scale = document.createElement('figcaption');
  const left = document.createElement('span');
  left.textContent = short(min);
  const right = document.createElement('span');
  right.textContent = short(max);
  scale.append(left, right);
  figure.append(root, scale);
  return figure;
}

/** Counts of `values` in `bins` equal steps, and their range. */
export function binned(
  values: ArrayLike<number>,
  bins: number,
): { counts: number[]; min: number; max: number; mean: number } {
  let min = Infinity;
  let max = -Infinity;
  let sum = 0;
  let finite = 0;
  for (let i = 0; i < values.length; ++i) {
    const value = values[i]!;
    if (!Number.isFinite(value)) continue;
    min = Math.min(min, value);
    max = Math.max(max, value);
    sum += value;
    finite++;
  }
  const counts = new Array<number>(bins).fill(0);
  if (finite === 0) return { counts, min: NaN, max: NaN, mean: NaN };
  const step = (max - min) / bins || 1;
  for (let i = 0; i < values.length; ++i) {
    const value = values[i]!;
    if (Number.isFinite(value)) counts[Math.min(bins - 1, Math.floor((value - min) / step))]!++;
  }
  return { counts, min, max, mean: sum / finite };
}
