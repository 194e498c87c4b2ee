// A .tflite of any number of operators, for the graph's figures: blocks of four branches with a way
// round them. Written with a FlatBuffers builder of its own, back to front as the format's own are.

class Builder {
  constructor(capacity) {
    this.bytes = Buffer.alloc(capacity);
    this.head = capacity;
  }

  /** How far from the end the next byte would be. */
  get offset() {
    return this.bytes.length - this.head;
  }

  /** Makes room so that, after `more` bytes, what follows is aligned to `size`. */
  align(size, more = 0) {
    while ((this.offset + more) % size !== 0) this.head--;
  }

  put(kind, value) {
    const size = { i8: 1, i32: 4, u32: 4, u16: 2, off: 4 }[kind];
    this.align(size);
    this.head -= size;
    if (kind === 'i8') this.bytes.writeInt8(value, this.head);
    else if (kind === 'u16') this.bytes.writeUInt16LE(value, this.head);
    else if (kind === 'off') this.bytes.writeUInt32LE(this.offset - value, this.head);
    else if (kind === 'i32') this.bytes.writeInt32LE(value, this.head);
    else this.bytes.writeUInt32LE(value, this.head);
    return this.offset;
  }

  vector(kind, values) {
    this.align(4, values.length * 4);
    for (const value of [...values].reverse()) this.put(kind, value);
    return this.put('u32', values.length);
  }

  string(text) {
    const bytes = Buffer.from(text);
    this.align(4, bytes.length + 1);
    this.head -= bytes.length + 1;
    bytes.copy(this.bytes, this.head);
    return this.put('u32', bytes.length);
  }

  /** `fields`: [slot, kind, value]. */
  table(fields) {
    const places = [];
    this.align(4);
    const end = this.offset;
    for (const [slot, kind, value] of fields) places[slot] = this.put(kind, value);
    const start = this.put('i32', 0);
    const slots = places.length;
    for (let slot = slots - 1; slot >= 0; --slot) {
      this.put('u16', places[slot] === undefined ? 0 : start - places[slot]);
    }
    this.put('u16', start - end);
    const vtable = this.put('u16', 4 + 2 * slots);
    this.bytes.writeInt32LE(vtable - start, this.bytes.length - start);
    return start;
  }

  finish(root) {
    this.align(4, 8);
    this.head -= 4;
    this.bytes.write('TFL3', this.head, 'latin1');
    this.put('off', root);
    return this.bytes.subarray(this.head);
  }
}

const kAdd = 0, kLogistic = 14, kRelu = 19, kAddOptions = 11;

export function largeModel(operatorCount) {
  const b = new Builder(operatorCount * 400 + 4096);
  const operators = [];
  let tensors = 1, last = 0;
  const add = (code, inputs) => {
    operators.push({ code, inputs, output: tensors });
    return tensors++;
  };
  while (operators.length < operatorCount) {
    const ends = [];
    for (let branch = 0; branch < 4; ++branch) {
      let at = last;
      for (let k = 0; k <= branch; ++k) at = add((branch + k) % 2 ? kLogistic : kRelu, [at]);
      ends.push(at);
    }
    last = ends.reduce((sum, end) => add(kAdd, [sum, end]), last);
  }
  const codes = [kAdd, kLogistic, kRelu];
  const shape = b.vector('i32', [1, 8, 8, 16]);
  const tensorTables = Array.from({ length: tensors }, (_, i) => {
    const name = b.string(`block/tensor_${i}`);
    return b.table([[0, 'off', shape], [3, 'off', name], [2, 'u32', 0], [1, 'i8', 0]]);
  });
  const addOptions = b.table([[0, 'i8', 0]]);
  const operatorTables = operators.map(({ code, inputs, output }) => {
    const ins = b.vector('i32', inputs), outs = b.vector('i32', [output]);
    const options = code === kAdd ? [[4, 'off', addOptions], [3, 'i8', kAddOptions]] : [];
    return b.table([
      [0, 'u32', codes.indexOf(code)],
      [1, 'off', ins],
      [2, 'off', outs],
      ...options,
    ]);
  });
  const subgraph = b.table([
    [0, 'off', b.vector('off', tensorTables)],
    [1, 'off', b.vector('i32', [0])],
    [2, 'off', b.vector('i32', [last])],
    [3, 'off', b.vector('off', operatorTables)],
    [4, 'off', b.string('main')],
  ]);
  const codeTables = codes.map((code) =>
    b.table([
      [0, 'i8', code],
      [2, 'i32', 1],
      [3, 'i32', code],
    ]),
  );
  const buffers = b.vector('off', [b.table([])]);
  const opcodes = b.vector('off', codeTables),
    subgraphs = b.vector('off', [subgraph]),
    description = b.string('large');
  return b.finish(
    b.table([
      [1, 'off', opcodes],
      [2, 'off', subgraphs],
      [3, 'off', description],
      [4, 'off', buffers],
      [0, 'u32', 3],
    ]),
  );
}
