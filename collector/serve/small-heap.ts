/** Keeps a small heap small: V8 by itself lets tens of megabytes of garbage come together before it collects all of it. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { releasePages } from '../system/native.ts';

/** V8 lets a heap grow by so much of what is in use before it collects. By itself it let 30 MiB become 180 during attacks. */
const GROWING_PERCENT = 50;
const LOOK_MS = 2000;
/** Collects when the heap has grown by so much since the last time. */
const GROWTH_BYTES = 2 << 20;
/** The processor time that collecting may take, of one processor. */
const MOST_SHARE = 0.005;
/** Collecting a larger heap would hold up requests and events for too long: that is left to V8. */
const MOST_BYTES = 64 << 20;

type CollectGarbage = (options: object) => void;

/** Looks now and then, until it is disposed. */
export function keepHeapSmall(lookMs = LOOK_MS): Disposable {
  setFlagsFromString(`--heap-growing-percent=${GROWING_PERCENT}`);
  const collect = garbageCollector();
  let leastBytes = Infinity;
  let restUntilMs = 0;
  const look = (): void => {
    const bytes = heapBytes();
    leastBytes = Math.min(leastBytes, bytes);
    if (bytes < leastBytes + GROWTH_BYTES || bytes > MOST_BYTES || performance.now() < restUntilMs) return;
    const before = process.cpuUsage();
    // V8's last resort before it gives up: it also forgets compiled code that has not run lately, and gives pages back.
    collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
    releasePages();
    const { user, system } = process.cpuUsage(before);
    restUntilMs = performance.now() + (user + system) / 1000 / MOST_SHARE;
    leastBytes = heapBytes();
  };
  const timer = setInterval(look, lookMs).unref();
  return { [Symbol.dispose]: () => clearInterval(timer) };
}

const heapBytes = (): number => process.memoryUsage().heapUsed;

/** Node.js has it only with --expose-gc, but V8 takes that flag at any time, and contexts that are made meanwhile have it. */
function garbageCollector(): CollectGarbage {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as CollectGarbage;
  setFlagsFromString('--no-expose-gc');
  return collect;
}
