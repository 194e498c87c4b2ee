// Outputs by what they look like: a ranking, a picture, else numbers.
import type { QuantizationInfo, Tensor, TensorInfo } from 'zeolite';
import { binned, histogram } from '../charts.js';
import { h } from '../dom.js';
import { percent, shape, short } from '../format.js';
import { t } from '../strings/index.js';
import { decode } from './elements.js';
import { fromValues } from './picture.js';

const kTop = 5;
const kShown = 48;

export interface OutputView {
  element: HTMLElement;
  /** The result in a few words, for readers. */
  words: string;
}

/** The index of the greatest value. */
export function greatest(values: ArrayLike<number>): number {
  let best = 0;
  for (let i = 1; i < values.length; ++i) if (values[i]! > values[best]!) best = i;
  return best;
}

export function isRanking(
  values: ArrayLike<number>,
  dimensions: readonly number[],
  labels: readonly string[],
  quantization?: QuantizationInfo,
): boolean {
  const count = dimensions.at(-1) ?? 0;
  if (count < 2 || values.length !== count) return false;
  if (labels.length === count) return true;
  // Eight bits are too few for a sum of 1, but SOFTMAX and LOGISTIC have steps of their own.
  if (
    quantization?.scale.length === 1 &&
    quantization.scale[0] === 1 / 256 &&
    [0, -128].includes(quantization.zeroPoint[0]!)
  ) {
    return true;
  }
  let sum = 0;
  for (let i = 0; i < count; ++i) {
    if (!(values[i]! >= -1e-4 && values[i]! <= 1.0001)) return false;
    sum += values[i]!;
  }
  return Math.abs(sum - 1) < 0.02;
}

export function showOutput(
  name: string,
  tensor: Tensor,
  info: TensorInfo | undefined,
  labels: readonly string[],
): OutputView {
  const values = decode(tensor, info?.quantization);
  const head = h(
    'div',
    { class: 'input-head' },
    h('strong', null, name),
    h('span', { class: 'mono quiet' }, `${tensor.dtype} ${shape(tensor.shape)}`),
  );
  if (!values) {
    const texts =
      tensor.dtype === 'string' ? (tensor.data as string[]).slice(0, kShown).join('\n') : '';
    return {
      element: h('div', { class: 'output' }, head, h('pre', null, texts)),
      words: texts.slice(0, 80),
    };
  }
  if (isRanking(values, tensor.shape, labels, info?.quantization)) {
    const { element, words } = ranking(values, labels);
    return { element: h('div', { class: 'output' }, head, element), words };
  }
  const [batch, height, width, channels] = tensor.shape;
  const isPicture =
    tensor.shape.length === 4 &&
    batch === 1 &&
    height! >= 8 &&
    width! >= 8 &&
    [1, 3, 4].includes(channels!);
  return {
    element: h(
      'div',
      { class: 'output' },
      head,
      isPicture ? picture(values, width!, height!, channels!) : null,
      numbersOf(values),
    ),
    words: `${name} ${shape(tensor.shape)}`,
  };
}

function ranking(
  values: Float64Array,
  labels: readonly string[],
): { element: HTMLElement; words: string } {
  const order = Array.from(values.keys())
    .sort((a, b) => values[b]! - values[a]!)
    .slice(0, kTop);
  const probabilities = order.every((i) => values[i]! >= -1e-4 && values[i]! <= 1.0001);
  const most = Math.max(...order.map((i) => Math.abs(values[i]!)), 1e-12);
  const nameOf = (i: number): string => labels[i] ?? t.run.class(i);
  const items = order.map((i) => {
    const bar = h('span', { class: 'meter-fill' });
    bar.style.transform = `scaleX(${Math.max(0, probabilities ? values[i]! : values[i]! / most)})`;
    return h(
      'li',
      null,
      h('span', { class: 'rank-name' }, nameOf(i)),
      h('span', { class: 'meter', 'aria-hidden': 'true' }, bar),
      h('span', { class: 'rank-value' }, probabilities ? percent(values[i]!) : short(values[i]!)),
    );
  });
  const first = order[0]!;
  return {
    element: h('ol', { class: 'ranking', 'aria-label': t.run.top(items.length) }, items),
    words: `${nameOf(first)}, ${probabilities ? percent(values[first]!) : short(values[first]!)}`,
  };
}

function picture(
  values: Float64Array,
  width: number,
  height: number,
  channels: number,
): HTMLElement {
  const canvas = h('canvas', {
    class: 'output-picture',
    width,
    height,
    role: 'img',
    'aria-label': t.run.asPicture,
  });
  canvas.getContext('2d')?.putImageData(fromValues(values, width, height, channels), 0, 0);
  return canvas;
}

function numbersOf(values: Float64Array): HTMLElement {
  const { counts, min, max, mean } = binned(values, 48);
  const some = Array.from(values.subarray(0, kShown), short).join('  ');
  return h(
    'div',
    { class: 'numbers' },
    values.length > 8 && Number.isFinite(min) ? histogram(counts, min, max) : null,
    values.length > 8 &&
      h(
        'p',
        { class: 'quiet' },
        `${t.run.count(values.length)} · ${t.panel.min} ${short(min)} · ${t.panel.max} ${short(max)} · ${t.panel.mean} ${short(mean)}`,
      ),
    h('p', { class: 'mono values' }, some, values.length > kShown ? ' …' : ''),
  );
}
