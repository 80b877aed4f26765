/**
 * Runs test suites that nobody here wrote, as they are and with afork beneath them, twice each. A test that passes both
 * times as it is and never with afork is afork's fault, and the exit status is 1; one that does now this and now that is
 * flaky. It fetches nothing: the suite is a checkout with its dependencies installed.
 */

import { spawn } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { numberOf, scriptFlags, wrongFlag } from '../testing/script-flags.ts';

const TOP = fileURLToPath(new URL('..', import.meta.url));
const REGISTER = join(TOP, 'native/afork/register.cjs');
const PRELOAD = join(TOP, 'native/preload/build/libafork-preload.so');
/** Suites start `node` by its name: this one is meant. */
const PATH = `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`;
/** The file of AFORK_PRELOAD_STATS; the first counter is that of children that afork made. */
const STATS_BYTES = 4096;

/** `ends` and `is stopped` are those of a command that runs several tests; where it runs one, it passes, fails or is stopped. */
type Result = 'passes' | 'fails' | 'ends' | 'is stopped';
/** Those of each test; those that were skipped are left out. */
type Results = Map<string, Result>;
type Environment = Readonly<Record<string, string>>;

interface Suite {
  readonly plain: Environment;
  readonly hook: Environment;
  readonly run: (environment: Environment) => Promise<Results>;
  /** What the hook did in all, where it can be known. */
  readonly describeHook?: () => string;
}

/** Which limit a command has, and how it is called where it is stopped. */
interface Limited {
  readonly by: keyof typeof LIMITS;
  readonly what: string;
}

interface Ended {
  readonly output: string;
  readonly result: Exclude<Result, 'ends'>;
}

const USAGE = `npm run test:outside -- [--file-seconds N] [--suite-seconds N] PATH [FILTER]
PATH: a checkout of Node.js, of CPython, of a package whose tests run by ava or node:test (execa, zx), or where Debian's
libpython3.*-testsuite is: /usr/lib/python3.*. FILTER: a regular expression for the names of its files or test modules.
--file-seconds: after which a file of tests is stopped; 120 unless given.
--suite-seconds: after which a command that runs all files, ava or CPython's, is stopped; 1800 unless given.`;
const { values, positionals } = scriptFlags(USAGE, {
  options: {
    'file-seconds': { type: 'string', default: '120' },
    'suite-seconds': { type: 'string', default: '1800' },
  },
  allowPositionals: true,
});
const LIMITS = {
  file: numberOf('--file-seconds', values['file-seconds']),
  suite: numberOf('--suite-seconds', values['suite-seconds']),
} as const;

const scratch = mkdtempSync(join(tmpdir(), 'test-outside-'));
/** Ends the suite that runs, which has a process group of its own: a signal to this process does not reach it. */
let endSuite = (): void => {};
process.on('exit', () => {
  endSuite();
  rmSync(scratch, { recursive: true, force: true });
});
process.once('SIGINT', () => process.exit(130));
process.once('SIGTERM', () => process.exit(143));

/**
 * Its output goes to a file, which is whole when the process has exited. A pipe would end only when whatever the tests
 * left behind has ended too.
 */
function run(command: readonly string[], cwd: string, environment: Environment, limited: Limited): Promise<Ended> {
  const [program = '', ...args] = command;
  const path = join(scratch, 'output');
  const file = openSync(path, 'w');
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, PATH, ...environment },
    stdio: ['ignore', file, file],
    detached: true,
  });
  closeSync(file);
  const killGroup = (): void => {
    try {
      if (child.pid) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // Nothing of it is left.
    }
  };
  endSuite = killGroup;
  let isStopped = false;
  const seconds = LIMITS[limited.by];
  const timer = setTimeout(() => {
    isStopped = true;
    process.stderr.write(`test-outside: ${limited.what}: stopped after ${seconds} s (--${limited.by}-seconds)\n`);
    killGroup();
  }, seconds * 1000);
  return new Promise((done) => {
    const end = (isSuccess: boolean, message = ''): void => {
      clearTimeout(timer);
      killGroup();
      const result = isStopped ? 'is stopped' : isSuccess ? 'passes' : 'fails';
      done({ output: readFileSync(path, 'utf8') + message, result });
    };
    child.on('error', ({ message }) => end(false, message));
    child.on('exit', (code) => end(code === 0));
  });
}

function findTests(folder: string, pattern: RegExp): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => pattern.test(name) && !name.includes('node_modules') && !name.includes('fixtures'))
    .toSorted();
}

/** Tests of one name count as one, which passes if all do. */
function add(results: Results, name: string, isPassed: boolean): void {
  results.set(name, isPassed && results.get(name) !== 'fails' ? 'passes' : 'fails');
}

/** For a command whose tests have results of their own. */
const endOf = ({ result }: Ended): Result => (result === 'is stopped' ? result : 'ends');

/** The Test Anything Protocol: `ok 1 - name`, `not ok 2 - name`, `ok 3 - name # SKIP why`; subtests are indented. */
function addTap(results: Results, output: string, prefix: string): void {
  for (const [, not, name = '', skip] of output.matchAll(/^ *(not )?ok \d+ - (.*?)(?: # (SKIP|TODO).*)?$/gm)) {
    if (!skip) add(results, prefix + name, !not);
  }
}

const hookOfNode: Environment = { NODE_OPTIONS: `--require ${REGISTER}` };
/** So that tests which look at the variable itself fail both ways: what it requires is there anyway. */
const plainNode: Environment = { NODE_OPTIONS: '--require node:path' };

/** Each file is a program, and its exit status is the result. */
function nodeSuite(folder: string, filter: RegExp): Suite {
  const cwd = join(folder, 'test');
  const read = (file: string): string => readFileSync(join(cwd, file), 'utf8');
  const files = findTests(cwd, /^(parallel|sequential)\/test-.*\.m?js$/).filter(
    (file) => filter.test(file) && read(file).includes('child_process'),
  );
  const flagsOf = (file: string): string[] => /^\/\/ Flags: (.*)$/m.exec(read(file))?.[1]?.split(' ') ?? [];
  return {
    plain: plainNode,
    hook: hookOfNode,
    run: async (environment) => {
      const results: Results = new Map();
      for (const file of files) {
        const command = [process.execPath, ...flagsOf(file), file];
        results.set(file, (await run(command, cwd, environment, { by: 'file', what: file })).result);
      }
      return results;
    },
  };
}

function packageSuite(folder: string, filter: RegExp): Suite {
  const ava = join(folder, 'node_modules/.bin/ava');
  const isMeant = (file: string): boolean => filter.test(file);
  const files = findTests(folder, /(^|\/)tests?\/(?!helpers\/)[^_].*\.([cm]?js|ts)$/).filter(isMeant);
  const runAva = async (environment: Environment): Promise<Results> => {
    const results: Results = new Map();
    const only = filter.source === '(?:)' ? [] : files;
    const ended = await run([ava, '--tap', ...only], folder, environment, { by: 'suite', what: 'ava' });
    results.set('ava', endOf(ended));
    addTap(results, ended.output, '');
    return results;
  };
  const runFiles = async (environment: Environment): Promise<Results> => {
    const results: Results = new Map();
    for (const file of files) {
      const command = [process.execPath, '--test', '--test-reporter=tap', file];
      const ended = await run(command, folder, environment, { by: 'file', what: file });
      results.set(file, endOf(ended));
      addTap(results, ended.output, `${file}: `);
    }
    return results;
  };
  return { plain: plainNode, hook: hookOfNode, run: existsSync(ava) ? runAva : runFiles };
}

/** By CPython's own runner, which writes what JUnit does: `<testcase name="…" />`, or with `<failure>` or so in it. */
function pythonSuite(folder: string, filter: RegExp): Suite {
  const modules = ['test_posix', 'test_subprocess', 'test_os', 'test_popen'].filter((name) => filter.test(name));
  const own = join(folder, 'python');
  const python = existsSync(own) ? own : join('/usr/bin', basename(folder));
  const report = join(scratch, 'report.xml');
  const stats = join(scratch, 'stats');
  writeFileSync(stats, Buffer.alloc(STATS_BYTES));
  return {
    plain: {},
    hook: { LD_PRELOAD: PRELOAD, AFORK_PRELOAD_STATS: stats },
    run: async (environment) => {
      const results: Results = new Map();
      const command = [python, '-m', 'test', '--junit-xml', report, ...modules];
      rmSync(report, { force: true });
      const what = modules.join(' ');
      results.set(what, endOf(await run(command, scratch, environment, { by: 'suite', what })));
      const text = existsSync(report) ? readFileSync(report, 'utf8') : '';
      for (const [, name = '', content = ''] of text.matchAll(
        /<testcase name="(.*?)".*?(?:\/>|>([^]*?)<\/testcase>)/g,
      )) {
        if (!content.includes('<skipped')) add(results, name, !/<(failure|error)\b/.test(content));
      }
      return results;
    },
    describeHook: () => `${readFileSync(stats).readBigUInt64LE()} children made by afork`,
  };
}

function findSuite(folder: string, filter: RegExp): Suite | undefined {
  if (existsSync(join(folder, 'test/parallel'))) return nodeSuite(folder, filter);
  if (existsSync(join(folder, 'package.json'))) return packageSuite(folder, filter);
  const isPython = existsSync(join(folder, 'Lib/test')) || existsSync(join(folder, 'test/test_subprocess.py'));
  return isPython ? pythonSuite(folder, filter) : undefined;
}

function describe([first, second]: readonly Results[], name: string): string {
  const [once, again] = [first?.get(name), second?.get(name)];
  return once === again ? (once ?? 'does not run') : 'flaky';
}

/** Commands that always end are no tests. */
function namesOf(all: readonly Results[]): readonly string[] {
  const names = new Set(all.flatMap((results) => Array.from(results.keys())));
  return [...names].filter((name) => all.some((results) => (results.get(name) ?? 'ends') !== 'ends')).toSorted();
}

function filterOf(text: string): RegExp {
  try {
    return new RegExp(text);
  } catch (error) {
    return wrongFlag(`FILTER: ${(error as Error).message}`);
  }
}

const [path, filterText = '', ...more] = positionals;
if (path === undefined) wrongFlag('PATH is missing');
if (more.length > 0) wrongFlag(`Unexpected argument '${more[0]}'`);
const suite = findSuite(resolve(path), filterOf(filterText));
if (!suite) wrongFlag(`${path} is no checkout of Node.js, CPython or a package with tests`);
const plain: Results[] = [];
const hooked: Results[] = [];
for (let round = 1; round <= 2; round++) {
  plain.push(await suite.run(suite.plain));
  hooked.push(await suite.run(suite.hook));
}
const names = namesOf([...plain, ...hooked]);
const counts: Record<string, number> = {};
let broken = 0;
for (const name of names) {
  const [before, after] = [describe(plain, name), describe(hooked, name)];
  const outcome = `${before} plain, ${after} hooked`;
  counts[outcome] = (counts[outcome] ?? 0) + 1;
  if (['passes', 'ends'].includes(before) && ['fails', 'is stopped', 'does not run'].includes(after)) broken++;
  if (before !== after) process.stdout.write(`${name}: ${outcome}\n`);
}
for (const [outcome, count] of Object.entries(counts)) process.stdout.write(`${count} ${outcome}\n`);
if (suite.describeHook) process.stdout.write(`${suite.describeHook()}\n`);
if (names.length === 0) process.stderr.write('test-outside: no test ran\n');
process.exitCode = broken > 0 || names.length === 0 ? 1 : 0;
