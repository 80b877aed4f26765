/**
 * Loaded into a collector by --import: tells how long its event loop stood still, and how much of the processor the thread
 * took meanwhile, which a busy machine does not change. SIGUSR2 writes that to the file named by FORKTAX_OBSERVER, and begins
 * anew.
 */
import { writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const TICK_MS = 5;
const isOfThread: boolean = 'threadCpuUsage' in process;

const file = process.env['FORKTAX_OBSERVER'];
if (isMainThread && file !== undefined) {
  let last = { atMs: performance.now(), workMs: threadWorkMs() };
  let longest = { blockMs: 0, workMs: 0 };
  setInterval(() => {
    const now = { atMs: performance.now(), workMs: threadWorkMs() };
    longest = {
      blockMs: Math.max(longest.blockMs, now.atMs - last.atMs - TICK_MS),
      workMs: Math.max(longest.workMs, now.workMs - last.workMs),
    };
    last = now;
  }, TICK_MS).unref();
  process.on('SIGUSR2', () => {
    writeFileSync(file, JSON.stringify(longest));
    longest = { blockMs: 0, workMs: 0 };
  });
}

/** Before Node.js 22.19, that of all threads. */
function threadWorkMs(): number {
  const { user, system } = isOfThread ? process.threadCpuUsage() : process.cpuUsage();
  return (user + system) / 1_000;
}
