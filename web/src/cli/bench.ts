// zeolite bench
import { features, loadModel } from '../index.js';
import type { Profile } from '../types.js';
import { parse, threadsOption } from './arguments.js';
import type { Command } from './main.js';
import { json, size, table } from './output.js';
import { randomTensor } from './run_inputs.js';

const help = `zeolite bench MODEL [--threads N] [--runs N] [--profile] [--json]

Runs a .tflite on random numbers: latency, speed, memory.

  --threads N   how many threads
  --runs N      how many runs are measured, 20 by default
  --profile     the time of each operator

Example: zeolite bench model.tflite --threads 2 --profile`;

async function run(list: string[]): Promise<void> {
  const args = parse(list, { threads: 'value', runs: 'value', profile: 'flag' }, [1, 1]);
  const runs = args.count('runs', 1) ?? 20;
  const begin = performance.now();
  const model = await loadModel(args.positionals[0]!, threadsOption(args));
  const load = performance.now() - begin;
  try {
    const inputs = model.inputs.map(randomTensor);
    const times: number[] = [];
    const once = async (): Promise<number> => {
      const start = performance.now();
      await model.run(inputs);
      return performance.now() - start;
    };
    const first = await once();
    // The engine compiles again what runs often: the first runs say little.
    for (let i = 0; i < Math.min(runs, 5); i++) await once();
    for (let i = 0; i < runs; i++) times.push(await once());
    times.sort((a, b) => a - b);
    const profile = await model.profile(inputs, { runs: Math.min(runs, 10) });
    const flop = profile.operators.reduce(
      (sum, one) => sum + (one.gflops ?? 0) * one.time * 1e6,
      0,
    );
    const { build } = await features();
    const result = {
      build,
      threads: model.threads,
      runs,
      load,
      first,
      median: times[times.length >> 1]!,
      least: times[0]!,
      most: times.at(-1)!,
      ...(flop > 0 ? { gflops: flop / times[0]! / 1e6 } : {}),
      memory: model.memory,
      ...profile.memory,
    };
    if (args.flag('json')) {
      console.log(
        json(args.flag('profile') ? { ...result, operators: profile.operators } : result),
      );
      return;
    }
    const ms = (time: number): string => `${time.toFixed(time < 10 ? 3 : 1)} ms`;
    console.log(
      `load ${ms(load)}, first run ${ms(first)}; ${model.threads} thread${model.threads === 1 ? '' : 's'}, build ${build}`,
    );
    console.log(
      `${runs} runs: median ${ms(result.median)}, least ${ms(result.least)}, most ${ms(result.most)}${result.gflops ? `; ${result.gflops.toFixed(1)} GFLOP/s at best` : ''}`,
    );
    console.log(
      `memory ${size(model.memory)}: file ${size(profile.memory.file)}, packed weights ${size(profile.memory.packed)}, activations ${size(profile.memory.arena)}`,
    );
    if (args.flag('profile')) console.log(`\n${operatorTable(profile)}`);
  } finally {
    await model.dispose();
  }
}

function operatorTable(profile: Profile): string {
  const total = profile.operators.reduce((sum, one) => sum + one.time, 0);
  const rows = profile.operators.map((one) => [
    one.index,
    one.name,
    one.kernel,
    one.time.toFixed(3),
    total > 0 ? ((100 * one.time) / total).toFixed(1) : '0',
    one.gflops ? one.gflops.toFixed(1) : '',
    one.gbps ? one.gbps.toFixed(1) : '',
    one.tensor.slice(0, 48),
  ]);
  return table([['#', 'operator', 'kernel', 'ms', '%', 'GFLOP/s', 'GB/s', 'output'], ...rows]);
}

export const bench: Command = { help, run };
