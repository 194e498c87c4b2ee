// The editor of one input: a picture where the shape says so, else numbers from where one likes.
import type { TensorInfo, TensorInput } from 'zeolite';
import { fill, h, uniqueId } from '../dom.js';
import { integer, shape as shapeText, shapeOf } from '../format.js';
import { icon } from '../icons.js';
import { t } from '../strings/index.js';
import { readArrayFile } from './array_file.js';
import { encode, isNumeric } from './elements.js';
import { decodePicture, fitPicture, toValues, type Fit, type Normalisation } from './picture.js';

export interface InputEditor {
  element: HTMLElement;
  info: TensorInfo;
  /** What the model gets; undefined while nothing was chosen. */
  value(): TensorInput | undefined;
  /** Takes a picture from outside: the sample's images. */
  usePicture?(blob: Blob): Promise<void>;
}

/** Height, width and channels of an input that pictures fit into: [N, H, W, 1, 3 or 4]. */
export function imageSize(
  info: TensorInfo,
): { height: number; width: number; channels: number } | undefined {
  const [, height, width, channels] = info.shape;
  if (
    info.shape.length !== 4 ||
    height === undefined ||
    width === undefined ||
    channels === undefined
  ) {
    return undefined;
  }
  if (![1, 3, 4].includes(channels) || !isNumeric(info.dtype) || info.dtype === 'bool') {
    return undefined;
  }
  const large = (size: number): boolean => size === -1 || size >= 8;
  return large(height) && large(width) ? { height, width, channels } : undefined;
}

const kPresets: Record<string, { times: number[]; plus: number[] }> = {
  unit: { times: [1 / 255], plus: [0] },
  signed: { times: [1 / 127.5], plus: [-1] },
  bytes: { times: [1], plus: [0] },
  imagenet: {
    times: [1 / (255 * 0.229), 1 / (255 * 0.224), 1 / (255 * 0.225)],
    plus: [-0.485 / 0.229, -0.456 / 0.224, -0.406 / 0.225],
  },
};

const kFreeSize = 224;
const kFreeLength = 16;

function numbers(text: string): number[] | undefined {
  const list = text.split(/[,;\s]+/).filter(Boolean).map(Number);
  return list.length > 0 && list.every(Number.isFinite) ? list : undefined;
}

const written = (list: readonly number[]): string =>
  list.map((value) => String(Number(value.toPrecision(7)))).join(', ');

function field(label: string, control: HTMLElement): HTMLElement {
  const id = uniqueId('field');
  control.id = id;
  return h('div', { class: 'field' }, h('label', { for: id }, label), control);
}

/** Number fields for the free dimensions; `changed` after every edit. */
function shapeField(
  info: TensorInfo,
  start: readonly number[],
  changed: (shape: number[]) => void,
): HTMLElement | null {
  if (!info.shape.includes(-1)) return null;
  const current = [...start];
  const parts = info.shape.map((dimension, i) => {
    if (dimension !== -1) return h('span', { class: 'mono' }, dimension);
    const box = h('input', {
      type: 'number',
      min: 1,
      max: 65536,
      value: current[i],
      class: 'size-box',
      'aria-label': `${t.run.shape} ${i}`,
    });
    box.addEventListener('change', () => {
      const value = Math.floor(Number(box.value));
      if (value >= 1 && value <= 65536) current[i] = value;
      box.value = String(current[i]);
      changed([...current]);
    });
    return box;
  });
  return h(
    'div',
    { class: 'field', role: 'group', 'aria-label': t.run.shapeHelp },
    h('span', { class: 'label' }, t.run.shape),
    h(
      'span',
      { class: 'shape-boxes' },
      parts.map((part, i) => [i > 0 ? '×' : null, part]),
    ),
  );
}

export interface PicturePreset {
  times: number;
  plus: number;
}

export function makeInput(
  info: TensorInfo,
  preset: PicturePreset | undefined,
  changed: () => void,
  failed: (message: string) => void,
): InputEditor {
  if (info.dtype === 'string') return textInput(info, changed);
  return imageSize(info)
    ? imageInput(info, preset, changed, failed)
    : arrayInput(info, changed, failed);
}

function head(info: TensorInfo): HTMLElement {
  return h(
    'div',
    { class: 'input-head' },
    h('strong', null, info.name),
    h('span', { class: 'mono quiet' }, `${info.dtype} ${shapeOf(info)}`),
  );
}

function textInput(info: TensorInfo, changed: () => void): InputEditor {
  const box = h('textarea', { rows: 3, spellcheck: 'false' });
  box.addEventListener('change', changed);
  const free = info.unranked || info.shape.includes(-1);
  // A single text may have lines of its own.
  const single = !free && info.shape.every((dimension) => dimension === 1);
  const count = info.shape.reduce((product, dimension) => product * Math.abs(dimension), 1);
  return {
    info,
    element: h(
      'div',
      { class: 'input' },
      head(info),
      field(single ? t.run.text : free ? t.run.texts : t.run.textsOf(count), box),
    ),
    value() {
      if (single) return { data: [box.value], shape: [...info.shape] };
      const lines = box.value.split('\n');
      // Lines that were not written are empty texts; too many are for the model to refuse.
      if (!free) while (lines.length < count) lines.push('');
      const at = info.shape.indexOf(-1);
      const shape = info.unranked
        ? [lines.length]
        : info.shape.map((dimension, i) =>
            i === at ? Math.ceil(lines.length / count) : Math.abs(dimension),
          );
      if (at >= 0) while (lines.length % count !== 0) lines.push('');
      return { data: lines, shape };
    },
  };
}

function chooser(accept: string, take: (file: File) => void): HTMLInputElement {
  const input = h('input', {
    type: 'file',
    accept,
    class: 'out-of-sight',
    tabindex: '-1',
    'aria-hidden': 'true',
  });
  input.addEventListener('change', () => {
    const file = input.files?.[0];
    if (file) take(file);
    input.value = '';
  });
  return input;
}

function arrayInput(
  info: TensorInfo,
  changed: () => void,
  failed: (message: string) => void,
): InputEditor {
  let shape = info.shape.map((dimension, i) =>
    dimension === -1 ? (i === 0 ? 1 : kFreeLength) : dimension,
  );
  let made: TensorInput | undefined;
  const said = h('p', { class: 'quiet input-said' });
  const count = (): number => shape.reduce((product, d) => product * d, 1);
  let again: (() => void) | undefined;
  const take = (values: ArrayLike<number>, words: string): void => {
    made = { data: encode(values, info), shape: [...shape] };
    said.textContent = `${words} · ${shapeText(shape)}`;
    changed();
  };
  const random = (): void => {
    again = random;
    // Whole numbers stay small: they are mostly indices into tables of unknown length.
    const whole = /^u?int/.test(info.dtype) && !info.quantization;
    const span = info.quantization ? 255 * (info.quantization.scale[0] ?? 1) : 2;
    take(
      Float32Array.from({ length: count() }, () =>
        whole ? Math.floor(Math.random() * 2) : (Math.random() - 0.5) * span,
      ),
      t.run.source.random,
    );
  };
  const zeros = (): void => {
    again = zeros;
    take(new Float32Array(count()), t.run.source.zeros);
  };
  const file = chooser('.npy,.json', (chosen) => {
    readArrayFile(chosen).then(
      (array) => {
        const free =
          info.shape.length === array.shape.length &&
          info.shape.every((d, i) => d === -1 || d === array.shape[i]);
        if (free) shape = [...array.shape];
        if (array.values.length !== count()) {
          failed(t.run.wrongCount(count(), array.values.length));
          return;
        }
        again = undefined;
        take(array.values, `${t.run.source.file} ${chosen.name}`);
      },
      (error: Error) => failed(error.message),
    );
  });
  const button = (name: 'dice' | 'minus' | 'file', label: string, click: () => void): HTMLElement =>
    h(
      'button',
      { class: 'button small', type: 'button', on: { click } },
      icon(name),
      h('span', null, label),
    );
  const numeric = isNumeric(info.dtype);
  return {
    info,
    element: h(
      'div',
      { class: 'input' },
      head(info),
      shapeField(info, shape, (next) => {
        shape = next;
        again?.();
      }),
      h(
        'div',
        { class: 'buttons' },
        numeric
          ? [
              button('dice', t.run.random, random),
              button('minus', t.run.zeros, zeros),
              button('file', t.run.file, () => file.click()),
            ]
          : null,
        file,
      ),
      said,
    ),
    value() {
      if (!made && numeric) {
        made = {
          data: encode(
            Float32Array.from({ length: count() }, () => 0),
            info,
          ),
          shape: [...shape],
        };
        said.textContent = `${t.run.source.zeros} · ${shapeText(shape)}`;
        again = zeros;
      }
      return made;
    },
  };
}

function imageInput(
  info: TensorInfo,
  preset: PicturePreset | undefined,
  changed: () => void,
  failed: (message: string) => void,
): InputEditor {
  const size = imageSize(info)!;
  let shape = info.shape.map((dimension, i) =>
    dimension === -1 ? (i === 0 ? 1 : kFreeSize) : dimension,
  );
  // A quantized input takes what the training took, most often 0 to 1; plain bytes stay bytes.
  const first =
    preset ??
    (info.dtype === 'uint8' && !info.quantization
      ? { times: 1, plus: 0 }
      : { times: 1 / 255, plus: 0 });
  let how: Normalisation = { times: [first.times], plus: [first.plus], order: 'rgb' };
  let fit: Fit = 'cover';
  let picture: ImageBitmap | undefined;
  let made: TensorInput | undefined;

  const preview = h('canvas', {
    class: 'preview',
    width: 1,
    height: 1,
    role: 'img',
    'aria-label': t.run.asModelSees,
  });
  const said = h('p', { class: 'quiet input-said' });
  const times = h('input', {
    type: 'text',
    inputmode: 'decimal',
    class: 'number-box',
    spellcheck: 'false',
  });
  const plus = h('input', {
    type: 'text',
    inputmode: 'decimal',
    class: 'number-box',
    spellcheck: 'false',
  });
  const presets = h(
    'select',
    { class: 'select' },
    ['unit', 'signed', 'bytes', 'imagenet', 'custom'].map((key) =>
      h('option', { value: key }, t.run.presets[key as keyof typeof t.run.presets]),
    ),
  );
  const fits = h(
    'select',
    { class: 'select' },
    (['cover', 'contain', 'stretch'] as const).map((key) =>
      h('option', { value: key }, t.run.fits[key]),
    ),
  );
  const order = h(
    'select',
    { class: 'select' },
    h('option', { value: 'rgb' }, t.run.rgb),
    h('option', { value: 'bgr' }, t.run.bgr),
  );

  const showNumbers = (): void => {
    times.value = written(how.times);
    plus.value = written(how.plus);
    const same = (a: readonly number[], b: readonly number[]): boolean =>
      a.length === b.length && a.every((value, i) => Math.abs(value - b[i]!) < 1e-6);
    presets.value =
      Object.keys(kPresets).find(
        (key) => same(kPresets[key]!.times, how.times) && same(kPresets[key]!.plus, how.plus),
      ) ?? 'custom';
  };
  const remake = (): void => {
    const [, height, width] = shape;
    if (!picture || !height || !width) return;
    const pixels = fitPicture(picture, width, height, fit);
    preview.width = width;
    preview.height = height;
    preview
      .getContext('2d')
      ?.putImageData(new ImageData(pixels.data as ImageDataArray, width, height), 0, 0);
    element.classList.add('with-picture');
    const values = toValues(pixels, size.channels, how);
    const batch = shape[0] ?? 1;
    const all = new Float32Array(values.length * batch);
    for (let i = 0; i < batch; ++i) all.set(values, i * values.length);
    made = { data: encode(all, info), shape: [...shape] };
    said.textContent = `${integer(picture.width)}×${integer(picture.height)} → ${width}×${height}`;
    changed();
  };
  const usePicture = async (blob: Blob): Promise<void> => {
    try {
      const decoded = await decodePicture(blob);
      picture?.close();
      picture = decoded;
    } catch {
      failed(t.run.badPicture);
      return;
    }
    remake();
  };
  const random = (): void => {
    const [batch = 1, height = 1, width = 1] = shape;
    const pixels = { width, height, data: new Uint8ClampedArray(4 * width * height) };
    for (let i = 0; i < pixels.data.length; ++i) {
      pixels.data[i] = i % 4 === 3 ? 255 : Math.random() * 256;
    }
    void createImageBitmap(new ImageData(pixels.data as ImageDataArray, width, height)).then(
      (bitmap) => {
        picture?.close();
        picture = bitmap;
        if (batch > 0) remake();
      },
    );
  };

  presets.addEventListener('change', () => {
    const chosen = kPresets[presets.value];
    if (!chosen) return;
    how = { ...how, ...chosen };
    showNumbers();
    remake();
  });
  const edited = (): void => {
    how = {
      ...how,
      times: numbers(times.value) ?? how.times,
      plus: numbers(plus.value) ?? how.plus,
    };
    showNumbers();
    remake();
  };
  times.addEventListener('change', edited);
  plus.addEventListener('change', edited);
  fits.addEventListener('change', () => {
    fit = fits.value as Fit;
    remake();
  });
  order.addEventListener('change', () => {
    how = { ...how, order: order.value as 'rgb' | 'bgr' };
    remake();
  });
  showNumbers();

  const file = chooser('image/*', (chosen) => void usePicture(chosen));
  const drop = h(
    'button',
    { class: 'picture-drop', type: 'button', on: { click: () => file.click() } },
    preview,
    h('span', { class: 'picture-words' }, icon('image'), h('span', null, t.run.picture)),
  );
  drop.addEventListener('dragover', (event) => event.preventDefault());
  drop.addEventListener('drop', (event) => {
    const dropped = [...(event.dataTransfer?.files ?? [])].find((one) =>
      one.type.startsWith('image/'),
    );
    if (!dropped) return; // A model: the page opens it.
    event.preventDefault();
    void usePicture(dropped);
  });
  const element = h(
    'div',
    { class: 'input image-input' },
    head(info),
    h(
      'div',
      { class: 'picture-row' },
      drop,
      h(
        'div',
        { class: 'picture-side' },
        h(
          'div',
          { class: 'buttons' },
          h(
            'button',
            { class: 'button small', type: 'button', on: { click: random } },
            icon('dice'),
            h('span', null, t.run.random),
          ),
        ),
        said,
      ),
    ),
    file,
    h(
      'div',
      { class: 'fields' },
      field(t.run.fit, fits),
      field(t.run.values, presets),
      field(t.run.multiply, times),
      field(t.run.add, plus),
      h('p', { class: 'quiet formula' }, t.run.formula),
      size.channels === 3 ? field(t.run.order, order) : null,
      shapeField(info, shape, (next) => {
        shape = next;
        remake();
      }),
    ),
  );
  return { info, element, value: () => made, usePicture };
}

/** Puts editors into `parent`. */
export function mountInputs(parent: HTMLElement, editors: readonly InputEditor[]): void {
  fill(parent, editors.map((editor) => editor.element));
}
