// Reading a command's arguments.
import { parseArgs } from 'node:util';

/** The call is wrong: exit status 2. */
export class UsageError extends Error {}

type Kind = 'flag' | 'value' | 'values';

export interface Arguments {
  positionals: string[];
  flag(name: string): boolean;
  value(name: string): string | undefined;
  values(name: string): string[];
  /** A whole number of at least `least`. */
  count(name: string, least: number): number | undefined;
}

/** `options` by name; `short` letters for some. `--json` and `--help` are everywhere. */
export function parse(
  args: string[],
  options: { readonly [name: string]: Kind },
  positionals: [least: number, most: number],
  short: { readonly [name: string]: string } = {},
): Arguments {
  const all: { [name: string]: Kind } = { json: 'flag', ...options };
  let parsed;
  try {
    parsed = parseArgs({
      args,
      allowPositionals: true,
      strict: true,
      options: Object.fromEntries(
        Object.entries(all).map(([name, kind]) => [
          name,
          {
            type: kind === 'flag' ? ('boolean' as const) : ('string' as const),
            multiple: kind === 'values',
            ...(short[name] ? { short: short[name] } : {}),
          },
        ]),
      ),
    });
  } catch (error) {
    throw new UsageError(
      (error as Error).message
        .replace(/\. To specify[^]*$/, '')
        .replace(/^./, (letter) => letter.toLowerCase()),
    );
  }
  const [least, most] = positionals;
  if (parsed.positionals.length < least) throw new UsageError('which file?');
  if (parsed.positionals.length > most) {
    throw new UsageError(`'${parsed.positionals[most]}' is one argument too many`);
  }
  const { values } = parsed;
  return {
    positionals: parsed.positionals,
    flag: (name) => values[name] === true,
    value: (name) => values[name] as string | undefined,
    values: (name) => (values[name] as unknown as string[] | undefined) ?? [],
    count(name, minimum) {
      const text = values[name] as string | undefined;
      if (text === undefined) return undefined;
      if (!/^\d+$/.test(text) || Number(text) < minimum) {
        throw new UsageError(
          `--${name} is '${text}', wanted a whole number of at least ${minimum}`,
        );
      }
      return Number(text);
    },
  };
}

/** Splits NAME=REST at the first '='; `name` is empty without one. */
export function assignment(text: string): { name: string; rest: string } {
  const at = text.indexOf('=');
  return at < 0 ? { name: '', rest: text } : { name: text.slice(0, at), rest: text.slice(at + 1) };
}

export function threadsOption(args: Arguments): { threads?: number } {
  const threads = args.count('threads', 1);
  return threads === undefined ? {} : { threads };
}
