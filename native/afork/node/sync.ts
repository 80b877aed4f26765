/**
 * spawnSync() and its family. Node's JavaScript calls one function of an internal binding; it is the only one of them
 * that has to be reached by process.binding(). The caller waits for the child here in any case, but no longer pays for
 * the size of its own memory.
 */

import childProcess from 'node:child_process';
import type { Thread } from './children.ts';
import { signalName } from './children.ts';
import { type SyncLimits, type SyncResult, WAIT } from './native.ts';
import { type Reason, type Request, toProgram } from './request.ts';

interface SyncEntry {
  readonly type?: unknown;
  readonly readable?: unknown;
  readonly writable?: unknown;
  readonly input?: unknown;
}

interface SyncOptions extends Request {
  readonly envPairs: unknown;
  readonly stdio: readonly SyncEntry[];
  readonly timeout?: unknown;
  readonly maxBuffer?: unknown;
  readonly killSignal?: unknown;
}

interface Binding {
  spawn: (options: SyncOptions) => unknown;
}

const SIGTERM = 15;

/** Undefined: it cannot be reached (the permission model forbids it), or is not understood. */
export function recogniseSync(): Binding | undefined {
  const binding = legacyBinding();
  if (typeof binding?.spawn !== 'function') return undefined;
  const original = binding.spawn;
  let received: Partial<SyncOptions> = {};
  binding.spawn = (options) => {
    received = options;
    return { pid: 0, status: 0, signal: null, output: null };
  };
  try {
    childProcess.spawnSync('/no/program', ['argument'], {
      cwd: '/',
      timeout: 5,
      maxBuffer: 7,
      killSignal: 'SIGINT',
      input: 'x',
    });
  } catch {
    // By whoever replaced spawnSync(): then nothing was received.
  } finally {
    binding.spawn = original;
  }
  return isRead(received) ? binding : undefined;
}

function legacyBinding(): Binding | undefined {
  const { binding } = process as unknown as { binding: (name: string) => Binding };
  try {
    return quietly(() => binding('spawn_sync'));
  } catch {
    return undefined;
  }
}

/** Without the warning of --pending-deprecation, which would speak of code that is not the user's. */
function quietly<T>(call: () => T): T {
  if (process.noDeprecation) return call(); // With --no-deprecation it cannot be written.
  process.noDeprecation = true;
  try {
    return call();
  } finally {
    Reflect.deleteProperty(process, 'noDeprecation');
  }
}

function isRead(options: Partial<SyncOptions>): boolean {
  const { file, args, cwd, envPairs, stdio, timeout, maxBuffer, killSignal } = options;
  const expected = [
    { type: 'pipe', readable: true, writable: false, input: Buffer.from('x') },
    { type: 'pipe', readable: false, writable: true },
    { type: 'pipe', readable: false, writable: true },
  ];
  const known = {
    file: '/no/program',
    args: ['/no/program', 'argument'],
    cwd: '/',
    stdio: expected,
    timeout: 5,
    maxBuffer: 7,
    killSignal: 2,
  };
  const seen = { file, args, cwd, stdio, timeout, maxBuffer, killSignal };
  return Array.isArray(envPairs) && JSON.stringify(seen) === JSON.stringify(known);
}

export function hookSync({ native, fallbacks }: Thread, binding: Binding): void {
  const original = binding.spawn;
  binding.spawn = function spawn(options) {
    const program = toProgram({ ...options, environment: options.envPairs }, WAIT);
    const limits = typeof program === 'string' ? program : toLimits(options);
    if (typeof program !== 'string' && typeof limits !== 'string') return toResult(native.spawnSync(program, limits));
    const reason = limits as Reason;
    fallbacks[reason] = (fallbacks[reason] ?? 0) + 1;
    return original.call(binding, options);
  };
}

function toLimits({ stdio, timeout, maxBuffer, killSignal }: SyncOptions): SyncLimits | Reason {
  const inputs = stdio.map(toInput);
  if (inputs.includes('stdio')) return 'stdio';
  return {
    inputs: inputs as SyncLimits['inputs'],
    timeoutMs: Number(timeout ?? 0),
    maxBytes: Number(maxBuffer ?? 0),
    killSignal: Number(killSignal ?? SIGTERM),
  };
}

/** An empty input is an end of file at once; none at all, that the child only writes. */
function toInput({ type, readable, writable, input }: SyncEntry): Uint8Array | undefined | 'stdio' {
  if (type === 'overlapped' || type === 'wrap') return 'stdio';
  if (type !== 'pipe' || (writable && !readable)) return undefined;
  if (writable || !readable) return 'stdio';
  if (input === undefined || input === null) return new Uint8Array(0);
  return ArrayBuffer.isView(input) ? new Uint8Array(input.buffer, input.byteOffset, input.byteLength) : 'stdio';
}

function toResult({ error, pid, status, signal, output }: SyncResult): object {
  const ran = status >= 0;
  return {
    ...(error === 0 ? {} : { error }),
    status: ran && signal === 0 ? status : null,
    signal: signal > 0 ? signalName(signal) : null,
    output: ran ? output.map((bytes) => bytes ?? null) : null,
    pid,
  };
}
