/**
 * `scripts/test` loads this module into every test file, so that a run always ends. A file that takes too long is ended.
 * Processes that a file leaves behind are ended too. They would keep its output open, and the runner waits for that.
 */
import { readdirSync, readFileSync, readlinkSync, writeSync } from 'node:fs';
import { isMainThread, Worker, workerData } from 'node:worker_threads';

/** Seconds for one file. The slowest takes about two minutes on an idle machine. */
const LIMIT_S = Number(process.env['FORKTAX_TEST_FILE_SECONDS'] ?? 900);

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

function endWhatIsLeft(file: string): void {
  for (const pid of new Set([...descendantsOf(process.pid), ...holdersOfOurOutput()])) {
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
  process.on('exit', () => endWhatIsLeft(file));
} else if (!isMainThread && typeof given?.watched === 'string') {
  const { watched } = given;
  setTimeout(() => endFile(watched), LIMIT_S * 1000);
}
