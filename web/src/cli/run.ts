// zeolite run
import fs from 'node:fs';

import { loadModel } from '../index.js';
import type { NamedTensors, Tensor } from '../types.js';
import { parse, threadsOption, UsageError } from './arguments.js';
import type { Command } from './main.js';
import { writeNpz } from './npy.js';
import { json, shapeText } from './output.js';
import { readInputs } from './run_inputs.js';

const help = `zeolite run MODEL --input NAME=FILE ... [options]

Runs a .tflite and prints its outputs; the best five where the model carries labels.

  --input NAME=FILE       a .npy, .npz, .png, .jpg or .json, or the word random (repeat for others);
                          NAME= may be left out where the model has one input, or for a whole .npz
  --normalize MEAN,STD    pictures: (value - MEAN) / STD of values from 0 to 255; 0,255 by default
  --signature S           which signature
  --threads N             how many threads
  -o, --output OUT.npz    write the outputs (--force overwrites)
  --json                  print the outputs as JSON

Example: zeolite run model.tflite --input image=cat.png --normalize 127.5,127.5`;

async function run(list: string[]): Promise<void> {
  const args = parse(
    list,
    {
      input: 'values',
      normalize: 'value',
      signature: 'value',
      threads: 'value',
      output: 'value',
      force: 'flag',
    },
    [1, 1],
    { output: 'o', input: 'i' },
  );
  const output = args.value('output');
  if (output !== undefined && !/\.npz$/i.test(output)) {
    throw new UsageError(`--output is '${output}', wanted a name that ends with .npz`);
  }
  if (output !== undefined && fs.existsSync(output) && !args.flag('force')) {
    throw new Error(`${output} is there already; --force overwrites it`);
  }
  const normalize = (args.value('normalize') ?? '0,255').split(',').map(Number);
  if (normalize.length !== 2 || !normalize.every(Number.isFinite) || normalize[1] === 0) {
    throw new UsageError(
      `--normalize is '${args.value('normalize')}', wanted MEAN,STD such as 127.5,127.5`,
    );
  }
  const model = await loadModel(args.positionals[0]!, threadsOption(args));
  try {
    const key = args.value('signature');
    const signature = key === undefined ? undefined : model.signatures[key];
    if (key !== undefined && !signature) {
      throw new UsageError(
        `the model has no signature '${key}' (it has ${Object.keys(model.signatures).join(', ') || 'none'})`,
      );
    }
    const inputs = readInputs(
      args.values('input'),
      (signature ?? model).inputs,
      normalize as [number, number],
    );
    const outputs = await model.run(inputs, key === undefined ? {} : { signature: key });
    if (output !== undefined) fs.writeFileSync(output, writeNpz(outputs));
    if (args.flag('json')) console.log(json(outputs));
    else print(outputs, model.metadata.labels);
  } finally {
    await model.dispose();
  }
}

function print(outputs: NamedTensors, labels: string[]): void {
  for (const [name, tensor] of Object.entries(outputs)) {
    console.log(`${name} ${tensor.dtype}${shapeText(tensor.shape)}`);
    const top =
      labels.length > 0 && tensor.dtype !== 'string' && tensor.shape.at(-1) === labels.length
        ? best(tensor, labels)
        : undefined;
    console.log(top ?? `  ${preview(tensor)}`);
  }
}

/** The five largest values of each row with their labels. */
function best(tensor: Tensor, labels: string[]): string {
  const values = Array.from(tensor.data as ArrayLike<number | bigint>, Number);
  const lines: string[] = [];
  for (let row = 0; row < values.length; row += labels.length) {
    const order = labels
      .map((label, i) => ({ label, value: values[row + i]! }))
      .sort((a, b) => b.value - a.value)
      .slice(0, 5);
    if (row > 0) lines.push('');
    for (const { label, value } of order) {
      lines.push(`  ${value.toPrecision(4).padStart(10)}  ${label}`);
    }
  }
  return lines.join('\n');
}

function preview(tensor: Tensor): string {
  const most = 16;
  const shown = Array.from({ length: Math.min(most, tensor.data.length) }, (_, i) => {
    const value: unknown = tensor.data[i];
    return typeof value === 'number'
      ? Number(value.toPrecision(6)).toString()
      : JSON.stringify(String(value));
  });
  return shown.join(' ') + (tensor.data.length > most ? ` ... (${tensor.data.length} values)` : '');
}

export const runCommand: Command = { help, run };
