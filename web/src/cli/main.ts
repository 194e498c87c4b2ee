// Chooses the command, and turns errors into text and exit status.
import { version, ZeoliteError } from '../index.js';
import { UsageError } from './arguments.js';
import { bench } from './bench.js';
import { convertCommand } from './convert.js';
import { inspectCommand } from './inspect.js';
import { runCommand } from './run.js';
import { serve } from './serve.js';

/** A command gets its own arguments; `help` is what --help prints. */
export interface Command {
  help: string;
  run(args: string[]): Promise<void>;
}

const commands: { readonly [name: string]: Command } = {
  convert: convertCommand, run: runCommand, inspect: inspectCommand, bench, serve,
};

const overview = `zeolite ${version}: convert models to TensorFlow Lite, look inside and run them

Usage: zeolite COMMAND ...

  convert IN        convert a model to .tflite
  run MODEL         run a .tflite on files, pictures or random numbers
  inspect FILE      what a model holds, and what stands in its way
  bench MODEL       latency, speed and memory
  serve             the studio, in your browser

Options: --help (also after a command), --version
ZEOLITE_DEBUG=1 adds stack traces to errors.`;

/** Exit status: 0, 1 when the work failed, 2 when the call is wrong. */
export async function main(args: string[]): Promise<number> {
  const [name, ...rest] = args;
  // A reader that leaves early, such as head, is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) =>
    process.exit(error.code === 'EPIPE' ? 0 : 1),
  );
  try {
    if (name === '--version' || name === '-V') console.log(version);
    else if (name === '--help' || name === '-h' || name === 'help') {
      console.log(commands[rest[0] ?? '']?.help ?? overview);
    } else if (name === undefined) throw new UsageError(`which command?\n\n${overview}`);
    else if (!Object.hasOwn(commands, name)) {
      throw new UsageError(`there is no command '${name}'; zeolite --help lists them`);
    } else if (rest.includes('--help') || rest.includes('-h')) console.log(commands[name]!.help);
    else await commands[name]!.run(rest);
    return 0;
  } catch (error) {
    process.stderr.write(`${errorText(error)}\n`);
    if (process.env.ZEOLITE_DEBUG === '1') console.error(error);
    if (error instanceof UsageError) {
      if (name !== undefined && Object.hasOwn(commands, name)) {
        process.stderr.write(`zeolite ${name} --help says how to call it\n`);
      }
      return 2;
    }
    return 1;
  }
}

function errorText(error: unknown): string {
  if (!(error instanceof ZeoliteError)) {
    return `zeolite: ${error instanceof Error ? error.message : String(error)}`;
  }
  // The message goes on with the reasons, which a list shows better.
  const head = error.issues.length > 0 ? error.message.split(/\n|\. /)[0]! : error.message;
  const lines = [`zeolite: ${head}`];
  for (const { operator, layer, index, name, reason, help } of error.issues) {
    if (head.includes(reason)) continue;
    const subject = [operator ?? layer, name && `'${name}'`].filter(Boolean).join(' ');
    const where = operator !== undefined && index >= 0 ? `operator ${index} ${subject}` : subject;
    lines.push(`  - ${where ? `${where}: ` : ''}${reason}${help ? ` (${help})` : ''}`);
  }
  return lines.join('\n');
}
