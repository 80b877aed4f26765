/** Compares passwords with bcrypt hashes in a thread of its own: each takes as long as a hundred scrapes. */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { compareSync } from 'bcryptjs';

export interface Comparison {
  readonly password: string;
  readonly hash: string;
}

const NAME = 'forktax-passwords';
/** The Node flags that source code needs. Those of a test are not meant for this thread. */
const SOURCE_FLAGS = /^--(experimental-strip-types|disable-warning=)/;

/** Starts the thread. It answers each Comparison in turn: whether the password is right. */
export function startPasswordWorker(): Worker {
  const worker = new Worker(new URL(import.meta.url), {
    name: NAME,
    workerData: NAME,
    execArgv: process.execArgv.filter((flag) => SOURCE_FLAGS.test(flag)),
    resourceLimits: { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 4 },
  });
  // Told to whoever waits for an answer; if nobody does, the next one starts another thread.
  worker.on('error', () => {});
  worker.unref();
  return worker;
}

if (!isMainThread && workerData === NAME) {
  parentPort?.on('message', ({ password, hash }: Comparison) => {
    parentPort?.postMessage(compareSync(password, hash));
  });
}
