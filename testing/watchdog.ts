/**
 * `scripts/test` loads this module into every test file, so that a run always ends. A file that takes too long is ended.
 * Processes that a file leaves behind are ended too. They would keep its output open, and the runner waits for that.
 */
import { readdirSync, readFileSync, readlinkSync, writeSync } from 'node:fs';
import { isMainThread, Worker, workerData } from 'node:worker_threads';

/** Seconds for one file. The slowest takes about two minutes on an idle machine. */
const LIMIT_S = Number(process.env['FORKTAX_TEST_FILE_SECONDS'] ?? 900);

const GRACE_MS = 10_000;

/** Set for the processes and threads that a test file starts: they have no watchdog of their own. */
const WATCHED = 'FORKTAX_TEST_WATCHED';

/** Node.js sets NODE_TEST_CONTEXT in the process that it starts for a test file. */
const isTestFile = process.env['NODE_TEST_CONTEXT'] === 'child-v8' && process.env[WATCHED] === undefined;

const say = (file: string, text: string) => writeSync(2, `watchdog: ${file} ${text}\n`);

function attempt<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise; // the process has ended
  }
}

const pids = (text: string) => text.split(' ').filter(Boolean).map(Number);

const childrenOf = (pid: number): readonly number[] =>
  attempt(
    () =>
      readdirSync(`/proc/${pid}/task`).flatMap((tid) =>
        pids(readFileSync(`/proc/${pid}/task/${tid}/children`, 'utf8')),
      ),
    [],
  );

const descendantsOf = (pid: number): readonly number[] =>
  childrenOf(pid).flatMap((child) => [child].concat(descendantsOf(child)));

const outputsOf = (pid: number | 'self') =>
  [1, 2]
    .map((fd) => attempt(() => readlinkSync(`/proc/${pid}/fd/${fd}`), ''))
    .filter((link) => /^(pipe|socket):/.test(link));

/** Gives the processes that have our output open. Orphans are not our descendants, but they have inherited it. */
function holdersOfOurOutput(): readonly number[] {
  const ours = outputsOf('self');
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  return all.filter((pid) => pid !== process.pid && outputsOf(pid).some((link) => ours.includes(link)));
}

/** Tells apart what still runs and what only its parent has not waited for: proc_pid_stat(5). */
function runs(pid: number): boolean {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, 'latin1'), '');
  return stat !== '' && !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
}

const whatRuns = () =>
  [...new Set([...descendantsOf(process.pid), ...holdersOfOurOutput()])].filter((pid) => runs(pid));

/** Waits for what was told to end, and on a busy machine has not come to it. */
function waitForAll(): void {
  const clock = new Int32Array(new SharedArrayBuffer(4));
  for (let waited = 0; waited < GRACE_MS && whatRuns().length > 0; waited += 20) Atomics.wait(clock, 0, 0, 20);
}

function endWhatIsLeft(file: string): void {
  for (const pid of whatRuns()) {
    const comm = attempt(() => readFileSync(`/proc/${pid}/comm`, 'utf8').trim(), '');
    if (comm !== '' && attempt(() => process.kill(pid, 'SIGKILL'), false))
      say(file, `left process ${pid} (${comm}); it was killed`);
  }
}

function endFile(file: string): void {
  say(file, `took more than ${LIMIT_S} s (FORKTAX_TEST_FILE_SECONDS); it was killed`);
  endWhatIsLeft(file);
  process.kill(process.pid, 'SIGKILL');
}

const given = workerData as { readonly watched?: string } | null;
if (isMainThread && isTestFile) {
  const file = process.argv[1] ?? '';
  process.env[WATCHED] = file;
  // The watchdog is a thread, because the main thread may be in an endless loop.
  new Worker(new URL(import.meta.url), { workerData: { watched: file } }).unref();
  process.on('exit', () => {
    waitForAll();
    endWhatIsLeft(file);
  });
} else if (!isMainThread && typeof given?.watched === 'string') {
  const { watched } = given;
  setTimeout(() => endFile(watched), LIMIT_S * 1000);
}
