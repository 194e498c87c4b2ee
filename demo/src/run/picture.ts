// From a picture to the numbers of an image input.

export type Fit = 'cover' | 'contain' | 'stretch';

/** value = byte * times + plus, for every channel or one for each. */
export interface Normalisation {
  times: readonly number[];
  plus: readonly number[];
  order: 'rgb' | 'bgr';
}

export interface Pixels {
  width: number;
  height: number;
  /** Red, green, blue, 255 in turn. */
  data: Uint8ClampedArray;
}

/** Turned as its EXIF says; 16-bit, palette and grey pictures come out as RGB. */
export function decodePicture(blob: Blob): Promise<ImageBitmap> {
  return createImageBitmap(blob, { imageOrientation: 'from-image' });
}

/** The picture at the input's size, transparency on white. */
export function fitPicture(picture: ImageBitmap, width: number, height: number, fit: Fit): Pixels {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (!context) throw new Error('no canvas to draw on');
  context.fillStyle = '#fff';
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = 'high';
  let drawnWidth = width;
  let drawnHeight = height;
  if (fit !== 'stretch') {
    const across = width / picture.width;
    const down = height / picture.height;
    const scale = fit === 'cover' ? Math.max(across, down) : Math.min(across, down);
    drawnWidth = picture.width * scale;
    drawnHeight = picture.height * scale;
  }
  context.drawImage(
    picture,
    (width - drawnWidth) / 2,
    (height - drawnHeight) / 2,
    drawnWidth,
    drawnHeight,
  );
  return { width, height, data: context.getImageData(0, 0, width, height).data };
}

/** The numbers of an input of `channels` channels (1, 3 or 4), channels last. */
export function toValues(pixels: Pixels, channels: number, how: Normalisation): Float32Array {
  const count = pixels.width * pixels.height;
  const values = new Float32Array(count * channels);
  const { data } = pixels;
  for (let i = 0; i < count; ++i) {
    const red = data[4 * i]!;
    const green = data[4 * i + 1]!;
    const blue = data[4 * i + 2]!;
    for (let c = 0; c < channels; ++c) {
      let byte: number;
      if (channels === 1) byte = 0.299 * red + 0.587 * green + 0.114 * blue;
      else if (c === 3) byte = 255;
      else if (c === 1) byte = green;
      else byte = (c === 0) === (how.order === 'rgb') ? red : blue;
      const times = how.times[c % how.times.length] ?? 1;
      const plus = how.plus[c % how.plus.length] ?? 0;
      values[i * channels + c] = byte * times + plus;
    }
  }
  return values;
}

/** A tensor's picture: its range says how to show it. */
export function fromValues(
  values: ArrayLike<number>,
  width: number,
  height: number,
  channels: number,
): ImageData {
  let min = Infinity;
  let max = -Infinity;
  for (let i = 0; i < values.length; ++i) {
    min = Math.min(min, values[i]!);
    max = Math.max(max, values[i]!);
  }
  let scale = 255 / (max - min || 1);
  let offset = -min * scale;
  if (min >= 0 && max <= 1.001) [scale, offset] = [255, 0];
  else if (min >= -1.001 && max <= 1.001) [scale, offset] = [127.5, 127.5];
  else if (min >= 0 && max <= 255) [scale, offset] = [1, 0];
  const image = new ImageData(width, height);
  for (let i = 0; i < width * height; ++i) {
    for (let c = 0; c < 3; ++c) {
      image.data[4 * i + c] = values[i * channels + (channels === 1 ? 0 : c)]! * scale + offset;
    }
    image.data[4 * i + 3] = 255;
  }
  return image;
}
