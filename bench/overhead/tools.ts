/** The tools that watch spawns. Each is a process, started as a person would start it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CallHook } from '../../collector/model/hooks.ts';
import { runSpawnload } from '../../native/spawnload/spawnload.ts';

const FORKTAX = fileURLToPath(new URL('../../scripts/forktax', import.meta.url));
const READY_WITHIN_MS = 30_000;

/** A script as a person would write it to see each spawn and how long its caller stood still. */
export const BPFTRACE_SCRIPT = ['fork', 'vfork', 'clone', 'clone3']
  .map(
    (call) => `
tracepoint:syscalls:sys_enter_${call} { @start[tid] = nsecs; }
tracepoint:syscalls:sys_exit_${call} /@start[tid]/ {
  printf("%s %d %d %d\\n", comm, pid, args->ret, nsecs - @start[tid]);
  delete(@start[tid]);
}`,
  )
  .join('');

/** The output is buffered by line, as on a terminal. */
export const BPFTRACE = ['bpftrace', '-B', 'line'];

export interface Tool {
  readonly name: string;
  /** If absent, nothing runs. */
  readonly command?: readonly string[];
  /** Output that shows that the tool is attached: its own message, or a spawn that it saw. */
  readonly ready: RegExp;
}

function forktax(...args: string[]): readonly string[] {
  return [FORKTAX, ...args];
}

export function serveWith(callHook: CallHook): Tool {
  return serve(`forktax serve, calls seen by ${callHook}`, '--engine=core', `--call-hook=${callHook}`);
}

export const SERVE_WITH_BPFTRACE = serve('forktax serve, by bpftrace', '--engine=bpftrace');

function serve(name: string, ...flags: string[]): Tool {
  return { name, command: forktax('serve', '--web.listen-address=127.0.0.1:0', ...flags), ready: /listening/ };
}

/** `NOTHING` runs twice. Smaller differences than those between its two runs are noise. */
export const NOTHING: Tool = { name: 'nothing', ready: /^/ };

export const toolsFor = (callHooks: readonly CallHook[]): readonly Tool[] => [
  NOTHING,
  { ...NOTHING, name: 'nothing, once more' },
  ...callHooks.map(serveWith),
  SERVE_WITH_BPFTRACE,
  { name: 'forktax snoop --json', command: forktax('snoop', '--engine=core', '--json'), ready: /ready-check/ },
  { name: 'bpftrace, a line for each spawn', command: [...BPFTRACE, '-e', BPFTRACE_SCRIPT], ready: /ready-check/ },
  { name: 'bpftrace’s execsnoop.bt', command: [...BPFTRACE, '/usr/sbin/execsnoop.bt'], ready: /ready-check/ },
  { name: 'bcc’s execsnoop', command: ['execsnoop-bpfcc'], ready: /ready-check/ },
];

export interface RunningTool {
  readonly pid: number | undefined;
  /** Gives all output so far. */
  output(): string;
  /** Ends the tool as Ctrl-C does, and gives all output that it has written. */
  stop(): Promise<string>;
}

/** @throws Error with the tool's message if it cannot run here */
export async function startTool(tool: Tool): Promise<RunningTool> {
  if (!tool.command) return { pid: undefined, output: () => '', stop: () => Promise.resolve('') };
  const folder = mkdtempSync(join(tmpdir(), 'forktax-bench-'));
  const log = join(folder, 'output');
  const child = startWritingTo(log, tool.command);
  const output = (): string => readFileSync(log, 'utf8');
  const endAndRead = async (): Promise<string> => {
    await end(child);
    const all = output();
    rmSync(folder, { recursive: true });
    return all;
  };
  let stopped: Promise<string> | undefined;
  const stop = (): Promise<string> => (stopped ??= endAndRead());
  try {
    await untilReady(tool, child, output);
  } catch (error) {
    await stop();
    throw error;
  }
  return { pid: child.pid, output, stop };
}

/** Starts a command that writes to a file. Reading its output here would cost this process time. */
function startWritingTo(log: string, [command = '', ...args]: readonly string[]): ChildProcess {
  const env = { ...process.env, PYTHONUNBUFFERED: '1' };
  const descriptor = openSync(log, 'a');
  const child = spawn(command, args, { stdio: ['ignore', descriptor, descriptor], env });
  child.on('error', () => undefined); // a missing command shows by its missing pid
  closeSync(descriptor);
  return child;
}

const hasEnded = (child: ChildProcess): boolean =>
  child.pid === undefined || child.exitCode !== null || child.signalCode !== null;

async function untilReady(tool: Tool, child: ChildProcess, output: () => string): Promise<void> {
  const deadline = Date.now() + READY_WITHIN_MS;
  while (!tool.ready.test(output())) {
    if (child.pid === undefined) throw new Error('it is not installed');
    if (hasEnded(child)) throw new Error(reasonIn(output()));
    if (Date.now() > deadline) throw new Error(`it saw nothing within ${READY_WITHIN_MS / 1000} s`);
    await runSpawnload(['--comm', 'ready-check']);
    await sleep(50);
  }
}

/** Gives the most useful line of a failed tool's output. The last line of bcc only names its own source. */
function reasonIn(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  return lines.find((line) => /unable|cannot|error|fail|denied/i.test(line)) ?? lines.at(-1) ?? 'it ended';
}

async function end(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  child.kill('SIGINT');
  await once(child, 'exit');
}
