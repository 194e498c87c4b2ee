// zeolite convert
import fs from 'node:fs';
import path from 'node:path';

import { convert, ZeoliteError } from '../index.js';
import type { ConvertOptions, ConvertReport, ConvertSource } from '../types.js';
import { assignment, parse, UsageError } from './arguments.js';
import type { Command } from './main.js';
import { json, percent, ProgressBar, size } from './output.js';

const help = `zeolite convert IN [-o OUT] [options]

Converts a model to TensorFlow Lite. IN is a file or a folder; several files make one model where
architecture and weights lie apart.

  -o, --output OUT             the file to write; IN with .tflite by default
  --force                      overwrite OUT
  --format F                   keras-h5, keras, keras-json or tflite; by default the content decides
  --input-shape NAME=1,32,32,3 the shape of an input, -1 where it stays free (repeat for others)
  --outputs A,B                end at these layers or tensors
  --quantize MODE              float16, dynamic, int8, int16x8 or int4; --data FILE.npz calibrates
                               (not in this version: it says so)
  --sparsify                   store sparse weights in the sparse encoding
  --min-runtime V              the oldest TensorFlow that must run the file, such as 2.10.0
  --report FILE.json           write the whole report
  --json                       print the report as JSON

Example: zeolite convert model.keras -o model.tflite --sparsify`;

function parseShapes(texts: string[]): { [name: string]: number[] } {
  return Object.fromEntries(texts.map((text) => {
    const { name, rest } = assignment(text);
    const shape = rest.split(',').map((one) => (/^-?\d+$/.test(one.trim()) ? Number(one) : NaN));
    if (!name || shape.some((one) => !(one >= -1))) {
      throw new UsageError(
        `--input-shape is '${text}', wanted NAME=1,32,32,3 with -1 for free dimensions`,
      );
    }
    return [name, shape];
  }));
}

async function run(list: string[]): Promise<void> {
  const args = parse(
    list,
    {
      output: 'value',
      force: 'flag',
      format: 'value',
      'input-shape': 'values',
      outputs: 'value',
      quantize: 'value',
      data: 'value',
      sparsify: 'flag',
      'min-runtime': 'value',
      report: 'value',
    },
    [1, 20],
    { output: 'o' },
  );
  const inputs = args.positionals, first = inputs[0]!;
  const output =
    args.value('output') ?? path.join(path.dirname(first), `${path.parse(first).name}.tflite`);
  const bar = new ProgressBar(args.flag('json'));
  const options: ConvertOptions = { onProgress: bar.update };
  const shapes = parseShapes(args.values('input-shape'));
  if (Object.keys(shapes).length) options.inputShapes = shapes;
  if (args.value('format') !== undefined) {
    options.format = args.value('format') as NonNullable<ConvertOptions['format']>;
  }
  if (args.value('outputs') !== undefined) options.outputs = args.value('outputs')!.split(',');
  if (args.value('quantize') !== undefined) {
    options.quantize = args.value('quantize') as NonNullable<ConvertOptions['quantize']>;
  }
  if (args.value('data') !== undefined) options.representativeData = [];
  if (args.value('min-runtime') !== undefined) options.minRuntime = args.value('min-runtime')!;
  if (args.flag('sparsify')) options.sparsify = true;
  for (const target of [output, args.value('report')]) {
    if (target !== undefined && fs.existsSync(target) && !args.flag('force')) {
      throw new Error(`${target} is there already; --force overwrites it`);
    }
  }
  const start = performance.now();
  let result;
  try {
    result = await convert(inputs.length === 1 ? first : filesOf(inputs), options);
  } catch (error) {
    if (error instanceof ZeoliteError && error.code === 'bad-input') {
      throw new UsageError(error.message);
    }
    throw error;
  } finally {
    bar.end();
  }
  fs.writeFileSync(output, result.tflite);
  const report = args.value('report');
  if (report !== undefined) fs.writeFileSync(report, `${json(result.report)}\n`);
  if (args.flag('json')) console.log(json({ output, ...result.report }));
  else console.log(summary(output, result.report, performance.now() - start));
}

function filesOf(inputs: string[]): ConvertSource {
  return Object.fromEntries(
    inputs.map((file) => [path.basename(file), new Uint8Array(fs.readFileSync(file))]),
  );
}

function summary(output: string, report: ConvertReport, time: number): string {
  const operators = Object.entries(report.operators).sort(([, a], [, b]) => b - a);
  const lines = [
    `${output}: ${size(report.bytesOut)} from ${size(report.bytesIn)} (${report.producer || report.format}) in ${(time / 1000).toFixed(2)} s`,
    `${report.parameters.toLocaleString('en')} parameters, ${percent(report.zeros)} of them zero`,
    `${operators.reduce((sum, [, count]) => sum + count, 0)} operators: ${operators.map(([name, count]) => `${count} ${name}`).join(', ')}`,
    `runs since TensorFlow ${report.minRuntime}`,
  ];
  for (const warning of report.warnings) lines.push(`warning: ${warning}`);
  for (const { subject, severity, reason, help: advice } of report.compatibility) {
    if (severity === 'ok') continue;
    lines.push(
      `${severity}: ${subject.layer ?? subject.operator ?? ''}: ${reason}${advice ? ` (${advice})` : ''}`,
    );
  }
  return lines.join('\n');
}

export const convertCommand: Command = { help, run };
