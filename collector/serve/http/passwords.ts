/** Checks passwords one at a time, off the event loop, and fairly: whoever guesses makes nobody else wait for long. */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Worker } from 'node:worker_threads';
import { startPasswordWorker, type Comparison } from './password-worker.ts';

/** A thread that has nothing to do ends. */
const IDLE_MS = 10_000;

interface Limits {
  /** Checks of one address that wait. */
  readonly mostOfAddress: number;
  readonly most: number;
}

export const PASSWORD_LIMITS: Limits = { mostOfAddress: 4, most: 64 };

export interface PasswordChecks {
  /** Undefined: too many checks wait already. */
  check(comparison: Comparison, address: string): Promise<boolean> | undefined;
  /** Refuses what waits, and ends the thread. */
  close(): void;
}

interface Job {
  readonly comparison: Comparison;
  readonly resolve: (isRight: boolean) => void;
  readonly reject: (error: Error) => void;
}

/** Addresses take turns. After a wrong password the thread rests for as long as it took: guesses get half a processor. */
export function createPasswordChecks({ mostOfAddress, most }: Limits = PASSWORD_LIMITS): PasswordChecks {
  /** By address, the next one first. */
  const waiting = new Map<string, Job[]>();
  let count = 0;
  let isRunning = false;
  let isClosed = false;
  let worker: Worker | undefined;
  let idle: NodeJS.Timeout | undefined;

  return {
    check(comparison, address) {
      const mine = waiting.get(address) ?? [];
      if (mine.length >= mostOfAddress || count >= most) return undefined;
      count++;
      waiting.set(address, mine);
      return new Promise((resolve, reject) => {
        mine.push({ comparison, resolve, reject });
        if (!isRunning) void run();
      });
    },
    close() {
      isClosed = true;
      for (const job of [...waiting.values()].flat()) job.resolve(false);
      waiting.clear();
      count = 0;
      end();
    },
  };

  async function run(): Promise<void> {
    isRunning = true;
    clearTimeout(idle);
    for (let job = takeNext(); job; job = takeNext()) await runOne(job);
    isRunning = false;
    idle = setTimeout(end, IDLE_MS).unref();
  }

  async function runOne({ comparison, resolve, reject }: Job): Promise<void> {
    const begunAt = performance.now();
    try {
      const isRight = await compare(comparison);
      resolve(isRight);
      if (!isRight) await sleep(performance.now() - begunAt);
    } catch (error) {
      end();
      if (isClosed) resolve(false);
      else reject(error as Error);
    }
  }

  async function compare(comparison: Comparison): Promise<boolean> {
    worker ??= startPasswordWorker();
    const current = worker;
    current.ref();
    try {
      const answer = answerOf(current);
      current.postMessage(comparison);
      return await answer;
    } finally {
      current.unref();
    }
  }

  function takeNext(): Job | undefined {
    const [first] = waiting;
    if (!first) return undefined;
    const [address, jobs] = first;
    const job = jobs.shift();
    count--;
    waiting.delete(address);
    if (jobs.length > 0) waiting.set(address, jobs);
    return job;
  }

  function end(): void {
    void worker?.terminate();
    worker = undefined;
  }
}

async function answerOf(worker: Worker): Promise<boolean> {
  const left = new AbortController();
  try {
    const ended = once(worker, 'exit', { signal: left.signal }).then(() => {
      throw new Error('the thread that checks passwords has ended');
    });
    const [isRight] = await Promise.race([once(worker, 'message', { signal: left.signal }), ended]);
    return isRight === true;
  } finally {
    left.abort();
  }
}
