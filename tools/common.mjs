// What the scripts in tools/ share: where things are, how programs are started.
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const repo = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
export const inRepo = (...parts) => path.join(repo, ...parts);
export const dist = inRepo('dist');

/** What is told in one line, without a trace; `status` is that of the program that failed. */
export class Failure extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/** Runs a program with its output shown; rejects with a Failure when it fails. */
export function run(program, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: repo, stdio: 'inherit', ...options });
    child.on('error', (error) => reject(new Failure(`${program}: ${error.message}`)));
    child.on('exit', (code, signal) => {
      if (code === 0) resolve();
      else {
        reject(
          new Failure(
            `${program} ${args[0] ?? ''} failed (${signal ?? `exit status ${code}`})`,
            code,
          ),
        );
      }
    });
  });
}

const cache =
  process.env.ZEOLITE_CACHE ||
  path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), 'zeolite');
const environmentFile = path.join(cache, 'env.sh');

let environment;
/** The environment in which em++ and flatc are found: what the set-up wrote to env.sh. */
export function toolEnvironment() {
  if (environment) return environment;
  const shell = spawnSync('bash', ['-c', '. "$0" && env -0', environmentFile], {
    encoding: 'utf8',
  });
  if (shell.status !== 0) throw new Failure('the set-up did not run: tools/setup.sh');
  environment = Object.fromEntries(
    shell.stdout
      .split('\0')
      .filter(Boolean)
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
  return environment;
}

/**
 * Finds or installs what is missing; `what` is "build" or "test". Status 3: it said itself what it
 * lacks.
 */
export const setUp = (what) => run('bash', [inRepo('tools/setup.sh'), what]).catch((error) => {
  throw error.status === 3 ? new Failure('', 3) : error;
});

/** Configures a CMake build in `folder` unless that is done, then builds `targets`. */
export async function cmakeBuild(folder, definitions, targets, { wasm = false } = {}) {
  const env = toolEnvironment();
  // A folder that was made for another place or other tools is of no use.
  const key = `${repo}\n${definitions.join(' ')}\n${fs.readFileSync(environmentFile, 'utf8')}`;
  const keyFile = path.join(folder, 'made-for.txt');
  if (
    !fs.existsSync(path.join(folder, 'build.ninja')) ||
    !fs.existsSync(keyFile) ||
    fs.readFileSync(keyFile, 'utf8') !== key
  ) {
    fs.rmSync(folder, { recursive: true, force: true });
    const args = [
      'cmake',
      '-G',
      'Ninja',
      '-S',
      repo,
      '-B',
      folder,
      ...definitions.map((d) => `-D${d}`),
    ];
    if (wasm) args.unshift('emcmake');
    await run(args[0], [...args.slice(1), '--log-level=WARNING'], { env });
    fs.writeFileSync(keyFile, key);
    console.log(`build: all of ${path.relative(repo, folder)}, which takes some minutes ...`);
  }
  // A terminal shows the steps in one line that each writes over; a log wants none of them.
  const quiet = process.stdout.isTTY ? [] : ['--quiet'];
  await run('ninja', ['-C', folder, ...quiet, ...targets], { env });
}

/** Every file below `folder`, as paths relative to it, sorted. */
export function filesBelow(folder) {
  if (!fs.existsSync(folder)) return [];
  return fs.readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath ?? entry.path, entry.name)))
    .sort();
}

/** Runs a script's body: a Failure becomes one line on standard error and exit status 1. */
export async function main(body) {
  try {
    await body();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    if (error.message) console.error(error.message);
    process.exitCode = 1;
  }
}
