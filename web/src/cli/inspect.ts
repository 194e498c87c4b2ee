// zeolite inspect
import { inspect } from '../index.js';
import type { InspectOptions, Inspection } from '../types.js';
import { parse } from './arguments.js';
import type { Command } from './main.js';
import { json, percent, shapeText, size, table } from './output.js';

const help = `zeolite inspect FILE [--format F] [--stage STAGE] [--json]

What a model holds: format, inputs, outputs, layers or operators, sizes, and what stands in the way
of running or converting it.

  --format F     keras-h5, keras, keras-json or tflite; by default the content decides
  --stage STAGE  the graph after this stage of the converter
  --json         everything, as JSON

Example: zeolite inspect model.tflite`;

async function run(list: string[]): Promise<void> {
  const args = parse(list, { format: 'value', stage: 'value' }, [1, 1]);
  const options: InspectOptions = {};
  if (args.value('format') !== undefined) {
    options.format = args.value('format') as NonNullable<InspectOptions['format']>;
  }
  if (args.value('stage') !== undefined) options.stage = args.value('stage')!;
  const inspection = await inspect(args.positionals[0]!, options);
  console.log(args.flag('json') ? json(inspection) : summary(args.positionals[0]!, inspection));
  await inspection.dispose();
}

function summary(file: string, found: Inspection): string {
  const lines = [
    `${file}: ${found.format}${found.producer ? `, ${found.producer}` : ''}${found.bytes > 0 ? `, ${size(found.bytes)}` : ''}`,
    `${found.parameters.toLocaleString('en')} parameters, ${percent(found.zeros)} of them zero`,
  ];
  for (const graph of found.graphs) {
    const counts = new Map<string, number>();
    for (const node of graph.nodes) counts.set(node.class, (counts.get(node.class) ?? 0) + 1);
    const side = (indices: number[]): string => indices.map((index) => {
      const tensor = graph.tensors[index];
      return tensor
        ? `${tensor.name} ${tensor.dtype}${tensor.unranked ? ' of unknown shape' : shapeText(tensor.shape)}`
        : '?';
    }).join(', ');
    lines.push(
      '',
      `graph ${graph.name || '(no name)'}: ${graph.nodes.length} nodes`,
      `  inputs:  ${side(graph.inputs)}`,
      `  outputs: ${side(graph.outputs)}`,
    );
    lines.push(
      table([...counts].sort(([, a], [, b]) => b - a).map(([name, count]) => [`  ${name}`, count])),
    );
  }
  for (const [key, signature] of Object.entries(found.signatures)) {
    lines.push(
      '',
      `signature ${key}: (${signature.inputs.map((one) => one.name).join(', ')}) -> (${signature.outputs.map((one) => one.name).join(', ')})`,
    );
  }
  const attention = found.compatibility.filter(({ severity }) => severity !== 'ok');
  if (attention.length) lines.push('');
  for (const { subject, severity, reason, help: advice } of attention) {
    const node = found.graphs
      .flatMap(({ nodes }) => nodes)
      .find(({ path }) => path === subject.operator);
    const about =
      subject.layer ??
      (node ? `operator ${node.path} ${node.class} '${node.name}'` : subject.operator);
    lines.push(
      `${severity}: ${about === undefined ? '' : `${about}: `}${reason}${advice ? ` (${advice})` : ''}`,
    );
  }
  return lines.join('\n');
}

export const inspectCommand: Command = { help, run };
