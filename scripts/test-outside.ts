/**
 * Runs test suites that nobody here wrote, as they are and with afork beneath them, twice each. A test that passes both
 * times as it is and fails both times with afork is afork's fault, and the exit status is 1; one that does now this and
 * now that is flaky. It fetches nothing: the suite is a checkout with its dependencies installed.
 * Usage: scripts/node scripts/test-outside.ts PATH [FILTER]. PATH: a checkout of Node.js, of CPython, of a package whose
 * tests run by ava or node:test (execa, zx), or the folder of Debian's libpython3-testsuite. FILTER: a regular expression
 * for the names of its files or test modules.
 */

import { spawn } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const TOP = fileURLToPath(new URL('..', import.meta.url));
const REGISTER = join(TOP, 'native/afork/register.cjs');
const PRELOAD = join(TOP, 'native/preload/build/libafork-preload.so');
const FILE_SECONDS = 120;
const MODULE_SECONDS = 600;

/** The name of each test, and whether it passed; those that were skipped are left out. */
type Results = ReadonlyMap<string, boolean>;
type Environment = Readonly<Record<string, string>>;

interface Suite {
  readonly hook: Environment;
  readonly run: (environment: Environment) => Promise<Results>;
}

interface Ended {
  readonly output: string;
  readonly isSuccess: boolean;
}

function run(command: readonly string[], cwd: string, environment: Environment, seconds: number): Promise<Ended> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  const killGroup = (): void => {
    try {
      process.kill(-(child.pid ?? 0), 'SIGKILL');
    } catch {
      // Nothing of it is left.
    }
  };
  const timer = setTimeout(killGroup, seconds * 1000);
  return new Promise((done) => {
    child.on('error', ({ message }) => done({ output: message, isSuccess: false }));
    child.on('exit', (code) => {
      clearTimeout(timer);
      killGroup();
      done({ output, isSuccess: code === 0 });
    });
  });
}

function findTests(folder: string, pattern: RegExp): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => pattern.test(name) && !name.includes('node_modules') && !name.includes('fixtures'))
    .toSorted();
}

/** One process for each file: its exit status is the result. */
function byFile(folder: string, files: readonly string[], toCommand: (file: string) => readonly string[]): Suite {
  return {
    hook: { NODE_OPTIONS: `--require ${REGISTER}` },
    run: async (environment) => {
      const results = new Map<string, boolean>();
      for (const file of files) {
        results.set(file, (await run(toCommand(file), folder, environment, FILE_SECONDS)).isSuccess);
      }
      return results;
    },
  };
}

function nodeSuite(folder: string, filter: RegExp): Suite {
  const mentions = (file: string): boolean =>
    readFileSync(join(folder, 'test', file), 'utf8').includes('child_process');
  const files = findTests(join(folder, 'test'), /^(parallel|sequential)\/test-.*\.m?js$/).filter(mentions);
  const flagsOf = (file: string): string[] =>
    /^\/\/ Flags: (.*)$/m.exec(readFileSync(join(folder, 'test', file), 'utf8'))?.[1]?.split(' ') ?? [];
  return byFile(
    join(folder, 'test'),
    files.filter((file) => filter.test(file)),
    (file) => [process.execPath, ...flagsOf(file), file],
  );
}

function packageSuite(folder: string, filter: RegExp): Suite {
  const ava = join(folder, 'node_modules/.bin/ava');
  const files = findTests(folder, /(^|\/)tests?\/[^_].*\.([cm]?js|ts)$/).filter((file) => filter.test(file));
  return byFile(folder, files, (file) =>
    existsSync(ava) ? [ava, '--serial', file] : [process.execPath, '--test', file],
  );
}

function pythonSuite(folder: string, filter: RegExp): Suite {
  const modules = ['test_posix', 'test_subprocess', 'test_os', 'test_popen'].filter((name) => filter.test(name));
  const own = join(folder, 'python');
  const python = existsSync(own) ? own : 'python3';
  return {
    hook: { LD_PRELOAD: PRELOAD },
    run: async (environment) => {
      const results = new Map<string, boolean>();
      for (const name of modules) {
        const { output } = await run(
          [python, '-m', 'unittest', '-v', `test.${name}`],
          folder,
          environment,
          MODULE_SECONDS,
        );
        // "test_x (test.test_os.Y.test_x) ... ok", with a line of documentation between, perhaps.
        for (const [, test = '', result] of output.matchAll(
          /^(test\w* \([\w.]+\))[^]*?\.\.\. ?[^]*?\b(ok|FAIL|ERROR|skipped)\b/gm,
        )) {
          if (result !== 'skipped') results.set(test, result === 'ok');
        }
      }
      return results;
    },
  };
}

function findSuite(folder: string, filter: RegExp): Suite | undefined {
  if (existsSync(join(folder, 'test/parallel'))) return nodeSuite(folder, filter);
  if (existsSync(join(folder, 'package.json'))) return packageSuite(folder, filter);
  const isPython = existsSync(join(folder, 'Lib/test')) || existsSync(join(folder, 'test/test_subprocess.py'));
  return isPython ? pythonSuite(folder, filter) : undefined;
}

const [path = '', filterText = ''] = process.argv.slice(2);
const suite = path === '' ? undefined : findSuite(resolve(path), new RegExp(filterText));
if (!suite) {
  process.stderr.write(
    `test-outside: ${path || 'no path'} is no checkout of Node.js, CPython or a package with tests\n`,
  );
  process.exit(2);
}
const plain: Results[] = [];
const hooked: Results[] = [];
for (let round = 1; round <= 2; round++) {
  plain.push(await suite.run({}));
  hooked.push(await suite.run(suite.hook));
}
const names = [...new Set([...plain, ...hooked].flatMap((results) => Array.from(results.keys())))].toSorted();
const word = (results: readonly Results[], name: string): string => {
  const passed = results.map((result) => result.get(name));
  return passed[0] === passed[1] ? (passed[0] ? 'passes' : 'fails') : 'flaky';
};
const counts: Record<string, number> = {};
const broken: string[] = [];
for (const name of names) {
  const outcome = `${word(plain, name)} plain, ${word(hooked, name)} hooked`;
  counts[outcome] = (counts[outcome] ?? 0) + 1;
  if (outcome === 'passes plain, fails hooked') broken.push(name);
  if (word(plain, name) !== word(hooked, name)) process.stdout.write(`${name}: ${outcome}\n`);
}
for (const [outcome, count] of Object.entries(counts)) process.stdout.write(`${count} ${outcome}\n`);
if (names.length === 0) process.stderr.write('test-outside: no test ran\n');
process.exitCode = broken.length > 0 || names.length === 0 ? 1 : 0;
