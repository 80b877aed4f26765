/** A real collector with a full table, watched from inside and outside. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SPAWNLOAD, uniqueComm } from '../../testing/spawnload.ts';
import { startCompiledServe, type ServeProcess } from '../../testing/serve-process.ts';

export interface Victim extends ServeProcess {
  readonly port: number;
  /** Begins to watch. */
  watch(): Promise<() => Promise<Observed>>;
  end(): Promise<void>;
}

export interface Observed {
  /** The longest time that the event loop stood still. */
  readonly blockMs: number;
  /** The most time of a processor that it took without a break. */
  readonly workMs: number;
  /** How far resident memory rose above what it was, at its highest. */
  readonly grownMiB: number;
}

/** The comm of all spawners that it measures: nothing else on the host may fill its table. */
export const ATTACKED = uniqueComm();

const LOOK_MS = 20;

/** `rows`: how many spawners it has seen. */
export async function startVictim(rows: number, ...args: readonly string[]): Promise<Victim> {
  const folder = mkdtempSync(join(tmpdir(), 'forktax-attack-'));
  const file = join(folder, 'observed.json');
  process.env['FORKTAX_OBSERVER'] = file;
  process.env['NODE_OPTIONS'] = `--import=${new URL('./observer.ts', import.meta.url).pathname}`;
  const serve = await startCompiledServe('--label=pid', `--comm=${ATTACKED}`, ...args).finally(() => {
    delete process.env['NODE_OPTIONS'];
  });
  const loop = `i=0; while [ $i -lt ${rows} ]; do ${SPAWNLOAD} --comm ${ATTACKED} --count 1 >/dev/null; i=$((i + 1)); done`;
  execFileSync('sh', ['-c', loop]);
  return {
    ...serve,
    port: Number(new URL(serve.url).port),
    async watch() {
      await longest();
      const before = residentMiB(serve.pid);
      let highest = before;
      const timer = setInterval(() => (highest = Math.max(highest, residentMiB(serve.pid))), LOOK_MS);
      return async () => {
        clearInterval(timer);
        return { ...(await longest()), grownMiB: Math.max(0, highest - before) };
      };
    },
    async end() {
      await serve.stop();
      rmSync(folder, { recursive: true });
    },
  };

  async function longest(): Promise<{ blockMs: number; workMs: number }> {
    rmSync(file, { force: true });
    process.kill(serve.pid, 'SIGUSR2');
    for (;;) {
      await sleep(LOOK_MS);
      try {
        return JSON.parse(readFileSync(file, 'utf8'));
      } catch {
        // Its event loop has not come to it yet.
      }
    }
  }
}

export function residentMiB(pid: number): number {
  const [, pages = '0'] = readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ');
  return (Number(pages) * 4096) / (1 << 20);
}
