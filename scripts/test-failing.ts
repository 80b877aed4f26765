/**
 * Proves that a failing test neither hangs the run nor leaves something behind. Each file of tests that start processes is run by
 * scripts/test twice: once so that in each test the first assertion fails, with all that the test has started alive; and once so
 * that each `before` hook fails when it has done its work.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { cgroupRoot } from '../collector/system/cgroups.ts';
import { numberOf, scriptFlags } from '../testing/script-flags.ts';
import { findLeftBehind, OWN_CGROUPS, type Scene, takeInventory } from './failing/left-behind.ts';
import { type BrokenBy, MADE_TO_FAIL, writePlan } from './failing/plan.ts';
import type { Failure } from './failing/reporter.ts';

/** Seconds for one file. The slowest takes two minutes if it passes; one that fails takes less. */
const FILE_SECONDS = 180;

const FILES = [
  '{collector,dashboards,probes}/**/test/**/live/**/*.test.ts',
  'collector/test/serve/*.test.ts',
  'deploy/test/*.test.ts',
  'native/{afork,spawnload,unwind}/test/**/*.test.ts',
];

const root = resolve(import.meta.dirname, '..');

interface Outcome {
  /** Failures that were made. */
  readonly made: number;
  /** What went otherwise than it must. */
  readonly problems: readonly string[];
}

async function tryFile(file: string, by: BrokenBy['by']): Promise<Outcome> {
  const temporary = mkdtempSync(join(tmpdir(), 'failing-'));
  const cgroup = join(cgroupRoot() ?? '', `${OWN_CGROUPS}${process.pid}`);
  const log = join(temporary, 'made');
  chmodSync(temporary, 0o1777);
  mkdirSync(cgroup);
  writeFileSync(log, '', { mode: 0o666 });
  chmodSync(log, 0o666);
  try {
    const scene = { cgroup, temporary };
    const before = takeInventory(scene);
    const problems = run(file, { by, log }, scene);
    const made = readFileSync(log, 'utf8').length;
    return { made, problems: [...problems, ...(await findLeftBehind(before, scene))] };
  } finally {
    endAll(cgroup);
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** Runs the file to its end, and gives what is no failure that was made. */
function run(file: string, plan: BrokenBy, { cgroup, temporary }: Scene): readonly string[] {
  const enter = 'echo $$ >"$0/cgroup.procs" && exec "$@"';
  const reporter = [
    `--test-reporter=${join(root, 'scripts/failing/reporter.ts')}`,
    '--test-reporter-destination=stdout',
  ];
  const { stdout, error } = spawnSync('sh', ['-c', enter, cgroup, 'scripts/test', ...reporter, file], {
    cwd: root,
    encoding: 'utf8',
    env: {
      ...process.env,
      ...writePlan(plan),
      NODE_OPTIONS: `--import=${join(root, 'scripts/failing/break-tests.ts')}`,
      TMPDIR: temporary,
      FORKTAX_TEST_FILE_SECONDS: String(FILE_SECONDS),
    },
    stdio: ['ignore', 'pipe', 'ignore'],
    maxBuffer: 2 ** 27,
    timeout: (FILE_SECONDS + 30) * 1000,
    killSignal: 'SIGKILL',
  });
  if (error !== undefined) return [`the run did not end: ${error.message}`];
  return stdout.split('\n').flatMap((line) => explain(line));
}

function explain(line: string): readonly string[] {
  if (!line.startsWith('{"name":')) return [];
  const { name, type, message, signal } = JSON.parse(line) as Failure;
  // These follow from the failure of a part, or of what comes before. The last one is that of the whole file.
  const follows =
    ['subtestsFailed', 'cancelledByParent'].includes(type) || (message === 'test failed' && signal === null);
  if (follows || message === MADE_TO_FAIL) return [];
  return [`"${name}" failed otherwise: ${type}: ${message}${typeof signal === 'string' ? ` (${signal})` : ''}`];
}

function endAll(cgroup: string): void {
  writeFileSync(join(cgroup, 'cgroup.kill'), '1');
  for (let attempts = 0; ; attempts++) {
    try {
      return rmdirSync(cgroup);
    } catch (error) {
      if (attempts === 100) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    }
  }
}

function verdictOf({ made, problems }: Outcome): string {
  if (problems.length > 0) return 'DOES NOT END WELL';
  return made > 0 ? 'ends' : 'shows nothing';
}

const hasHooks = (file: string) => /^\s*before(Each)?\(/m.test(readFileSync(join(root, file), 'utf8'));

const USAGE = `npm run test:failing -- [--assertion N] [FILE...]
--assertion: which assertion of each test fails; 1 unless given. FILE: all files that start processes unless given.`;
const { values, positionals } = scriptFlags(USAGE, {
  options: { assertion: { type: 'string', default: '1' } },
  allowPositionals: true,
});
const assertion = numberOf('--assertion', values.assertion);
const files =
  positionals.length > 0 ? positionals : globSync(FILES, { cwd: root, exclude: ['**/node_modules'] }).toSorted();
const runs: readonly { readonly file: string; readonly by: BrokenBy['by'] }[] = [
  ...files.map((file) => ({ file, by: assertion })),
  ...files.filter(hasHooks).map((file) => ({ file, by: 'before' as const })),
];
execFileSync('make', ['-s', 'test-programs'], { cwd: root });
let failed = 0;
let stopped = false;
// Ctrl-C ends the file that runs; what it has left is cleaned up here.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => (stopped = true));
for (const { file, by } of runs) {
  await turn(); // signals come between turns of the event loop
  if (stopped) break;
  const began = performance.now();
  const { made, problems } = await tryFile(file, by);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  const how = by === 'before' ? 'in before' : `at assertion ${by}`;
  console.log(`${verdictOf({ made, problems })}: ${file}: failures made ${how}: ${made}; ${seconds} s`);
  for (const problem of problems) console.log(`  ${problem}`);
  if (problems.length > 0) failed++;
}
if (stopped) process.exit(130);
console.log(`${runs.length - failed} of ${runs.length} runs end as they must`);
process.exitCode = failed === 0 ? 0 : 1;
