// Pictures -> inputs: decoded, turned as their EXIF says, fitted to the input's size, normalised.
import { decode as decodePng } from 'fast-png';
import { decode as decodeJpeg } from 'jpeg-js';

import type { Tensor, TensorInfo } from '../types.js';

/** Red, green, blue from 0 to 255, row by row; alpha is flattened onto white. */
export interface Picture {
  width: number;
  height: number;
  rgb: Float32Array;
}

export const isPng = (bytes: Uint8Array): boolean => bytes[0] === 0x89 && bytes[1] === 0x50;
export const isJpeg = (bytes: Uint8Array): boolean => bytes[0] === 0xff && bytes[1] === 0xd8;

export function decodePicture(bytes: Uint8Array, what: string): Picture {
  try {
    return isPng(bytes) ? readPng(bytes) : readJpeg(bytes);
  } catch (error) {
    throw new Error(`${what} can't be decoded: ${(error as Error).message}`);
  }
}

function readPng(bytes: Uint8Array): Picture {
  const { width, height, data, depth, channels, palette, transparency } = decodePng(bytes);
  const top = depth === 16 ? 65535 : palette ? 255 : 2 ** depth - 1;
  const rgb = new Float32Array(width * height * 3);
  // Samples of fewer than 8 bits are packed, each row beginning with a byte.
  const rowBytes = Math.ceil((width * channels * depth) / 8);
  const sample = (pixel: number, channel: number): number => {
    if (depth >= 8) return data[pixel * channels + channel]!;
    const bit = (pixel % width) * depth, at = Math.floor(pixel / width) * rowBytes + (bit >> 3);
    return (data[at]! >> (8 - depth - (bit & 7))) & (2 ** depth - 1);
  };
  for (let pixel = 0; pixel < width * height; pixel++) {
    let color: number[], alpha = 1;
    if (palette) {
      const entry = palette[sample(pixel, 0)] ?? [0, 0, 0];
      color = entry.slice(0, 3);
      alpha = (entry[3] ?? 255) / 255;
    } else {
      const grey = channels < 3;
      const stored = grey
        ? [sample(pixel, 0)]
        : [sample(pixel, 0), sample(pixel, 1), sample(pixel, 2)];
      if (channels === 2 || channels === 4) alpha = sample(pixel, channels - 1) / top;
      else if (transparency && stored.every((one, i) => one === transparency[i])) alpha = 0;
      color = (grey ? [stored[0]!, stored[0]!, stored[0]!] : stored).map(
        (one) => (one / top) * 255,
      );
    }
    color.forEach((one, i) => (rgb[pixel * 3 + i] = one * alpha + 255 * (1 - alpha)));
  }
  return { width, height, rgb };
}

function readJpeg(bytes: Uint8Array): Picture {
  const { width, height, data } = decodeJpeg(bytes, {
    useTArray: true,
    formatAsRGBA: false,
    maxMemoryUsageInMB: 2048,
  });
  return turned({ width, height, rgb: Float32Array.from(data) }, jpegOrientation(bytes));
}

/** EXIF's orientation, 1 to 8; 1 when the file has none. */
export function jpegOrientation(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (
    let at = 2;
    at + 4 <= view.byteLength && view.getUint8(at) === 0xff;
    at += 2 + view.getUint16(at + 2)
  ) {
    const marker = view.getUint8(at + 1);
    if (marker === 0xda) break;
    if (marker !== 0xe1 || at + 18 > view.byteLength || view.getUint32(at + 4) !== 0x45786966) {
      continue;
    }
    const tiff = at + 10,
      little = view.getUint16(tiff) === 0x4949;
    const directory = tiff + view.getUint32(tiff + 4, little);
    if (directory + 2 > view.byteLength) break;
    const count = view.getUint16(directory, little);
    for (let i = 0; i < count && directory + 14 + 12 * i <= view.byteLength; i++) {
      const entry = directory + 2 + 12 * i;
      if (view.getUint16(entry, little) === 0x0112) {
        const value = view.getUint16(entry + 8, little);
        return value >= 1 && value <= 8 ? value : 1;
      }
    }
  }
  return 1;
}

/** The picture as it is meant to be seen. */
function turned(picture: Picture, orientation: number): Picture {
  if (orientation === 1) return picture;
  const { width, height, rgb } = picture;
  const swap = orientation >= 5;
  const result: Picture = {
    width: swap ? height : width,
    height: swap ? width : height,
    rgb: new Float32Array(rgb.length),
  };
  for (let y = 0; y < result.height; y++) {
    for (let x = 0; x < result.width; x++) {
      // Where the pixel (x, y) of the result lies in the file.
      const [u, v] = swap ? [y, x] : [x, y];
      const fromX = [2, 3, 7, 8].includes(orientation) ? width - 1 - u : u;
      const fromY = [3, 4, 6, 7].includes(orientation) ? height - 1 - v : v;
      for (let c = 0; c < 3; c++) {
        result.rgb[(y * result.width + x) * 3 + c] = rgb[(fromY * width + fromX) * 3 + c]!;
      }
    }
  }
  return result;
}

/**
 * Another size: each pixel is the mean of what it covers, or between its neighbours when growing.
 */
export function resized(picture: Picture, width: number, height: number): Picture {
  if (picture.width === width && picture.height === height) return picture;
  const across = weights(picture.width, width), down = weights(picture.height, height);
  const middle = new Float32Array(picture.height * width * 3);
  for (let y = 0; y < picture.height; y++) {
    for (let x = 0; x < width; x++) {
      for (const [from, weight] of across[x]!) {
        for (let c = 0; c < 3; c++) {
          middle[(y * width + x) * 3 + c]! +=
            weight * picture.rgb[(y * picture.width + from) * 3 + c]!;
        }
      }
    }
  }
  const rgb = new Float32Array(height * width * 3);
  for (let y = 0; y < height; y++) {
    for (const [from, weight] of down[y]!) {
      for (let i = 0; i < width * 3; i++) {
        rgb[y * width * 3 + i]! += weight * middle[from * width * 3 + i]!;
      }
    }
  }
  return { width, height, rgb };
}

/**
 * For each of `to` places, which of `from` places count how much: a triangle as wide as the larger
 * step.
 */
function weights(from: number, to: number): [number, number][][] {
  const scale = from / to, reach = Math.max(1, scale);
  return Array.from({ length: to }, (_, i) => {
    const center = (i + 0.5) * scale - 0.5;
    const list: [number, number][] = [];
    for (let at = Math.ceil(center - reach); at <= Math.floor(center + reach); at++) {
      const weight = 1 - Math.abs(at - center) / reach;
      if (weight > 0) list.push([Math.max(0, Math.min(from - 1, at)), weight]);
    }
    const sum = list.reduce((total, [, weight]) => total + weight, 0);
    return list.map(([at, weight]) => [at, weight / sum]);
  });
}

/**
 * The picture as the input `info` takes it: [1, height, width, channels] or without the first.
 * Floats are (value - mean) / std of values from 0 to 255; uint8 takes them as they are, int8 less
 * 128.
 */
export function pictureTensor(
  picture: Picture,
  info: TensorInfo,
  mean: number,
  std: number,
): Tensor {
  const batch = info.shape.length === 4 ? [1] : [];
  const [rows = -1, columns = -1, channels = 3] = info.shape.slice(-3);
  if (info.shape.length < 3 || info.shape.length > 4 || ![1, 3, -1].includes(channels)) {
    throw new Error(
      `input '${info.name}' of shape [${info.shape.join(',')}] takes no picture: wanted [1,height,width,3]`,
    );
  }
  const { width, height, rgb } = resized(
    picture,
    columns > 0 ? columns : picture.width,
    rows > 0 ? rows : picture.height,
  );
  const depth = channels === 1 ? 1 : 3;
  const values = new Float32Array(width * height * depth);
  for (let i = 0; i < width * height; i++) {
    if (depth === 1) {
      values[i] = 0.299 * rgb[3 * i]! + 0.587 * rgb[3 * i + 1]! + 0.114 * rgb[3 * i + 2]!;
    } else for (let c = 0; c < 3; c++) values[3 * i + c] = rgb[3 * i + c]!;
  }
  const shape = [...batch, height, width, depth];
  if (info.dtype === 'float32') {
    return { dtype: 'float32', shape, data: values.map((value) => (value - mean) / std) };
  }
  if (info.dtype === 'uint8') {
    return { dtype: 'uint8', shape, data: Uint8Array.from(values, Math.round) };
  }
  if (info.dtype === 'int8') {
    return {
      dtype: 'int8',
      shape,
      data: Int8Array.from(values, (value) => Math.round(value) - 128),
    };
  }
  throw new Error(`input '${info.name}' of type ${info.dtype} takes no picture`);
}
