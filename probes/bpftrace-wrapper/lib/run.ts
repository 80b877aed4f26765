/** Starts a trace from options. */

import { commandLine } from './arguments.ts';
import { makeDecoder } from './decode.ts';
import { bpftraceEnvironment } from './environment.ts';
import { BpftraceError } from './errors.ts';
import { findBpftrace } from './find.ts';
import { startGuarded } from './guard.ts';
import type { RunOptions } from './options.ts';
import { Session, type SessionOptions } from './session.ts';
import { findMaps, folderOf, readScript, withHeartbeat } from './script.ts';
import { randomUUID } from 'node:crypto';
import type { Trace } from './trace.ts';

const DEFAULTS = {
  heartbeatMs: 250,
  startTimeoutMs: 60_000,
  stallTimeoutMs: 30_000,
  stopTimeoutMs: 5_000,
  maxQueuedBytes: 1 << 20,
  maxLineBytes: 16 << 20,
} as const;

/**
 * Starts a script. Resolves when its first heartbeat arrives, which proves that every probe is attached, or when the script
 * has ended successfully. Rejects with a `BpftraceError` or with the reason of `signal`; bpftrace is then gone.
 */
export async function run(options: RunOptions): Promise<Trace> {
  options.signal?.throwIfAborted();
  const settled = settle(options);
  const bpftrace = options.bpftrace ?? (await findBpftrace());
  const script = await readScript(options.script);
  const args = commandLine(options, folderOf(script), bpftrace.version);
  const env = bpftraceEnvironment(options.env ?? process.env, options.settings ?? {}, bpftrace.version);
  const beat = `bpftrace-wrapper heartbeat ${randomUUID()}`;
  const text = withHeartbeat(script.text, beat, settled.heartbeatMs);
  options.signal?.throwIfAborted();
  const child = await startGuarded(bpftrace.path, args, env, text);
  const decode = makeDecoder(bpftrace.version, findMaps(script.text));
  const session = new Session(child, bpftrace, decode, {
    ...settled,
    beat,
    ...(script.file === undefined ? {} : { file: script.file }),
  });
  await session.start(options.signal);
  return session;
}

type Settled = Omit<SessionOptions, 'beat' | 'file'>;

function settle(options: RunOptions): Settled {
  const settled: Record<keyof typeof DEFAULTS, number> = { ...DEFAULTS };
  for (const name of Object.keys(DEFAULTS) as (keyof typeof DEFAULTS)[]) {
    const value = options[name] ?? DEFAULTS[name];
    const minimum = name === 'stallTimeoutMs' ? 0 : 1;
    if (!Number.isSafeInteger(value) || value < minimum || value > 2 ** 31 - 1) {
      throw new BpftraceError('BPFTRACE_OPTION', `${name} is ${value}, but must be an integer from ${minimum}.`);
    }
    settled[name] = value;
  }
  return { ...settled, heartbeats: options.heartbeats ?? false };
}
