/**
 * Call sites that scripts tell themselves: `native/afork/sites.cjs` writes a line to a FIFO for each spawn of a Node.js
 * process. Nobody writes where nobody listens, and a writer never waits: what finds no room is lost and counted.
 */
import { closeSync, mkdirSync, mkdtempSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ForktaxError } from '../model/errors.ts';
import type { Frame } from '../model/frames.ts';
import { builtFile } from './built-file.ts';
import { monotonicEpochMs } from './clocks.ts';
import { loadNative, type NativeBpf } from './native.ts';

/** Where programs look that were not started by `forktax sites`. */
const SHARED_PATH = '/run/forktax/sites';
/** Whoever runs may tell where it spawns. */
const WRITTEN_BY_ALL = 0o622;
const WRITTEN_BY_OWNER = 0o600;
const FIFO_BYTES = 1 << 20;
/** A message is one write, of at most PIPE_BUF bytes. */
const MESSAGE_BYTES = 4096;
const MESSAGE_VERSION = 1;
const MOST_FRAMES = 64;
const MOST_KEPT = 100_000;
/** How far clocks of two processes may seem to be apart. */
const SLACK_MS = 2;

/** A spawn as the kernel saw it. `child` is absent if the call failed. */
interface SeenSpawn {
  readonly pid: number;
  readonly tid: number;
  readonly child?: number | undefined;
  readonly atMs: number;
}

interface Site {
  readonly pid: number;
  /** 0: not known. */
  readonly tid: number;
  /** 0: there is no child, as far as the script knows. */
  readonly child: number;
  readonly beginMs: number;
  /** Infinity: not known. */
  readonly endMs: number;
  readonly frames: readonly Frame[];
}

export class ScriptSites {
  readonly #path: string;
  readonly #fd: number;
  readonly #isOwn: boolean;
  readonly #mostKept: number;
  readonly #bytes = Buffer.alloc(FIFO_BYTES);
  /** The start of a message whose end was not read yet. */
  #rest = '';
  readonly #sites = new Map<string, Site[]>();
  #kept = 0;
  /** How many call sites found no room, here or in the FIFO. */
  lost = 0;
  /** How many lines are no messages of this version. */
  malformed = 0;

  /**
   * Listens to one command, which gets `variables`, or to all processes of the host.
   * @throws FORKTAX_SCRIPT_SITES, FORKTAX_NO_NATIVE
   */
  static open(who: 'command' | 'host'): ScriptSites {
    const native = loadNative();
    if (who === 'host') return new ScriptSites(native, SHARED_PATH);
    return new ScriptSites(native, join(mkdtempSync(join(tmpdir(), 'forktax-')), 'sites'), true);
  }

  /** For tests; others use `open`. */
  constructor(native: Pick<NativeBpf, 'openFifo' | 'tryLock'>, path: string, isOwn = false, mostKept = MOST_KEPT) {
    this.#mostKept = mostKept;
    this.#path = path;
    this.#isOwn = isOwn;
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
      this.#fd = native.openFifo(path, isOwn ? WRITTEN_BY_OWNER : WRITTEN_BY_ALL, FIFO_BYTES);
    } catch (cause) {
      throw refusal(`${path}: ${(cause as Error).message}`, cause);
    }
    if (native.tryLock(this.#fd)) return;
    closeSync(this.#fd);
    throw refusal(`another forktax listens at ${path}`);
  }

  /** What a command needs in its environment so that its Node.js processes tell their call sites. */
  variables(environment: NodeJS.ProcessEnv): Record<string, string> {
    const requireOption = `--require "${builtFile('native/afork/sites.cjs').replaceAll(/["\\]/g, String.raw`\$&`)}"`;
    return {
      FORKTAX_SITES: this.#path,
      NODE_OPTIONS: [environment['NODE_OPTIONS'], requireOption].filter(Boolean).join(' '),
    };
  }

  /** Reads what has come. Never waits. */
  drain(): void {
    for (let size = this.#read(); size > 0; size = this.#read()) {
      const lines = (this.#rest + this.#bytes.toString('utf8', 0, size)).split('\n');
      this.#rest = (lines.pop() ?? '').slice(0, MESSAGE_BYTES);
      for (const line of lines) this.#add(line);
    }
  }

  #read(): number {
    try {
      return readSync(this.#fd, this.#bytes, 0, this.#bytes.length, null);
    } catch {
      return 0; // EAGAIN: it is empty
    }
  }

  #add(line: string): void {
    const message = parseMessage(line);
    if (!message) {
      this.malformed++;
      return;
    }
    this.lost += message.lost;
    if (this.#kept >= this.#mostKept) this.#loseOldest();
    const { site } = message;
    const key = keyOf(site.pid, site.child);
    const known = this.#sites.get(key);
    if (known) known.push(site);
    else this.#sites.set(key, [site]);
    this.#kept++;
  }

  /** Spawns of processes that nobody watches are told too, and never taken. */
  #loseOldest(): void {
    const [oldest] = this.#sites;
    if (!oldest) return;
    const [key, sites] = oldest;
    sites.shift();
    if (sites.length === 0) this.#sites.delete(key);
    this.#kept--;
    this.lost++;
  }

  /**
   * Gives the frames of the script that made a spawn, the innermost first, and forgets them. They come shortly after the
   * event of the spawn; those of spawnSync() after the end of the child. Undefined: none have come.
   */
  take(spawn: SeenSpawn): readonly Frame[] | undefined {
    const byChild = spawn.child === undefined ? undefined : this.#takeBest(keyOf(spawn.pid, spawn.child), spawn);
    // A script knows no pid of a child that could not execute its program.
    return (byChild ?? this.#takeBest(keyOf(spawn.pid, 0), spawn))?.frames;
  }

  #takeBest(key: string, { tid, atMs }: SeenSpawn): Site | undefined {
    const sites = this.#sites.get(key) ?? [];
    // The call that began last: an earlier one was of another process of the same pid.
    const best = sites.findLastIndex(
      (site) =>
        site.beginMs - SLACK_MS <= atMs && atMs <= site.endMs + SLACK_MS && (site.tid === 0 || site.tid === tid),
    );
    const [site] = best < 0 ? [] : sites.splice(best, 1);
    if (sites.length === 0) this.#sites.delete(key);
    if (site) this.#kept--;
    return site;
  }

  close(): void {
    closeSync(this.#fd);
    rmSync(this.#isOwn ? dirname(this.#path) : this.#path, { force: true, recursive: true });
  }
}

const keyOf = (pid: number, child: number): string => `${pid} ${child}`;

const refusal = (message: string, cause?: unknown): ForktaxError =>
  new ForktaxError('FORKTAX_SCRIPT_SITES', `scripts cannot tell where they spawn: ${message}`, { cause });

/** Any process may have written the line. */
function parseMessage(line: string): { readonly site: Site; readonly lost: number } | undefined {
  const values = parseArray(line);
  const [version, pid, tid, child, beginNs, endNs, lost, frames] = values;
  const numbers = [pid, tid, child, beginNs, endNs, lost];
  if (version !== MESSAGE_VERSION || !numbers.every(isCount) || !Array.isArray(frames)) return undefined;
  const [spawner, thread, made, begin, end, unwritten] = numbers as [number, number, number, number, number, number];
  const decoded = frames.slice(0, MOST_FRAMES).map(frameOf);
  if (decoded.includes(undefined)) return undefined;
  const site = {
    pid: spawner,
    tid: thread,
    child: made,
    beginMs: monotonicEpochMs(begin),
    endMs: end === 0 ? Infinity : monotonicEpochMs(end),
    frames: decoded as Frame[],
  };
  return { site, lost: unwritten };
}

function parseArray(line: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(line);
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

const isCount = (value: unknown): value is number => typeof value === 'number' && value >= 0 && Number.isFinite(value);

function frameOf(value: unknown): Frame | undefined {
  if (!Array.isArray(value)) return undefined;
  const [symbol, file, line, column, isAsync] = value as readonly unknown[];
  if (typeof symbol !== 'string' || typeof file !== 'string' || !isCount(line) || !isCount(column)) return undefined;
  return {
    address: 0n,
    how: 'script',
    symbol: `${isAsync === 1 ? 'async ' : ''}${symbol || '(anonymous)'}`,
    file: pathOf(file),
    line,
  };
}

/** ES modules have URLs. */
function pathOf(file: string): string {
  try {
    return file.startsWith('file://') ? fileURLToPath(file) : file;
  } catch {
    return file;
  }
}
