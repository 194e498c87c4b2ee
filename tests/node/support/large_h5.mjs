// A Keras .h5 of any size: dense layers in a row. Written by hand, with the oldest structures of
// the format, which need no checksums; link messages stand in for symbol tables.

const kVersion1 = 1,
  kDataSpace = 1,
  kLinkInfo = 2,
  kDataType = 3,
  kLink = 6,
  kLayout = 8,
  kAttribute = 12;
const kFloat32 = [0x11, 0x20, 31, 0, 4, 0, 0, 0, 0, 0, 32, 0, 23, 8, 0, 23, 127, 0, 0, 0];

const u16 = (value) => [value & 255, value >> 8];
const u32 = (value) => [...u16(value & 0xffff), ...u16(value >>> 16)];
const u64 = (value) => [...u32(value % 2 ** 32), ...u32(Math.floor(value / 2 ** 32))];
const padded = (bytes) => [...bytes, ...new Array((8 - (bytes.length % 8)) % 8).fill(0)];
const dataSpace = (shape) => [1, shape.length, 0, 0, 0, 0, 0, 0, ...shape.flatMap(u64)];
const text = (value) => [...Buffer.from(value)];

function attribute(name, values, isList) {
  const size = Math.max(1, ...values.map((value) => value.length));
  const type = [0x13, 0, 0, 0, ...u32(size)], space = dataSpace(isList ? [values.length] : []);
  const data = values.flatMap((value) => text(value.padEnd(size, '\0')));
  return [
    kAttribute,
    [
      1,
      0,
      ...u16(name.length + 1),
      ...u16(type.length),
      ...u16(space.length),
      ...padded([...text(name), 0]),
      ...padded(type),
      ...padded(space),
      ...data,
    ],
  ];
}

const link = (name, address) => [kLink, [1, 0, name.length, ...text(name), ...u64(address)]];

const none = new Array(8).fill(255);
/** Says of a group that its links are messages like this one. */
const linkInfo = [kLinkInfo, [0, 0, ...none, ...none]];

/** The file, with `layers` dense layers of `width` inputs and outputs. */
export function largeH5(layers, width) {
  const kernel = width * width * 4, bias = width * 4;
  const file = Buffer.alloc(layers * (kernel + bias + 4096) + 8192 + layers * 512);
  let end = 96;
  const place = (bytes) => {
    const address = end;
    file.set(bytes, address);
    end += Math.ceil(bytes.length / 8) * 8;
    return address;
  };
  const object = (messages) => {
    const bodies = messages.map(([type, data]) => {
      const body = padded(data);
      return [...u16(type), ...u16(body.length), 0, 0, 0, 0, ...body];
    }).flat();
    return place([
      kVersion1,
      0,
      ...u16(messages.length),
      ...u32(1),
      ...u32(bodies.length),
      0,
      0,
      0,
      0,
      ...bodies,
    ]);
  };
  const dataset = (shape, value) => {
    const count = shape.reduce((a, b) => a * b, 1), at = end;
    for (let i = 0; i < count; i++) file.writeFloatLE(value(i), at + 4 * i);
    end += count * 4;
    return object([
      [kDataSpace, dataSpace(shape)],
      [kDataType, kFloat32],
      [kLayout, [3, 1, ...u64(at), ...u64(count * 4)]],
    ]);
  };
  const names = Array.from({ length: layers }, (_, i) => `dense_${i}`);
  const groups = names.map((name, layer) => {
    const inner = object([
      linkInfo,
      link('kernel:0', dataset([width, width], (i) => Math.sin(i * (layer + 1)) / width)),
      link('bias:0', dataset([width], (i) => (i - layer) / width)),
    ]);
    return object([
      linkInfo,
      attribute('weight_names', [`${name}/kernel:0`, `${name}/bias:0`], true),
      link(name, inner),
    ]);
  });
  const weights = object([
    linkInfo,
    attribute('layer_names', names, true),
    ...groups.map((address, i) => link(names[i], address)),
  ]);
  const config = {
    class_name: 'Sequential',
    config: {
      name: 'large',
      layers: names.map((name, i) => ({
        class_name: 'Dense',
        config: {
          name,
          units: width,
          activation: 'relu',
          use_bias: true,
          dtype: 'float32',
          ...(i === 0 ? { batch_input_shape: [null, width] } : {}),
        },
      })),
    },
  };
  const root = object([
    linkInfo,
    attribute('model_config', [JSON.stringify(config)], false),
    attribute('keras_version', ['2.13.1'], false),
    link('model_weights', weights),
  ]);
  file.set([
    0x89,
    ...text('HDF\r\n'),
    0x1a,
    10,
    0,
    0,
    0,
    0,
    0,
    8,
    8,
    0,
    ...u16(4),
    ...u16(16),
    ...u32(0),
    ...u64(0),
    ...none,
    ...u64(end),
    ...none,
    ...u64(0),
    ...u64(root),
    ...u32(0),
    ...u32(0),
    ...new Array(16).fill(0),
  ]);
  return file.subarray(0, end);
}
