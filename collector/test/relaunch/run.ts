/** Runs `forktax relaunch` as a user would, and reads its report. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NODE_FLAGS } from '../../../testing/run-cli.ts';
import { temporaryDirectory } from './temporary.ts';

const CLI = fileURLToPath(new URL('../../cli.ts', import.meta.url));

export const FORKTAX: readonly string[] = [process.execPath, ...NODE_FLAGS, CLI];

export interface Ended {
  /** The exit status; null after a signal. */
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/**
 * Node's pipes are sockets. bash takes a socket as standard input for a remote login and reads ~/.bashrc, unless SHLVL says
 * that another shell started it. BASH_ENV names a file that it reads too.
 */
const IN_A_SHELL = { SHLVL: '1', BASH_ENV: undefined };

/** A process that takes longer is stuck. */
const MOST_MS = 300_000;

export interface RunOptions {
  readonly input?: string | Uint8Array;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly onStart?: (child: ChildProcess) => void;
}

export async function runPlain(
  command: readonly string[],
  { input, env, cwd, onStart }: RunOptions = {},
): Promise<Ended> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, {
    stdio: 'pipe',
    env: { ...(env ?? process.env), ...IN_A_SHELL },
    timeout: MOST_MS,
    ...(cwd !== undefined && { cwd }),
  });
  const [stdout, stderr]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  child.stdin.on('error', () => {}); // it need not read
  child.stdin.end(input);
  onStart?.(child);
  const [status, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  return { status, signal, stdout: Buffer.concat(stdout), stderr: String(Buffer.concat(stderr)) };
}

export interface ProgramReport {
  readonly comm: string;
  readonly mechanism: 'fork' | 'vfork' | 'afork';
  readonly spawns: number;
  readonly stall_sum_ns: number;
  readonly stall_p50_ns: number;
  readonly stall_p99_ns: number;
  readonly stall_max_ns: number;
  readonly copied_rss_bytes: number;
  readonly copied_page_table_bytes: number;
  readonly execs: number;
  readonly copied_page_table_entries: number;
}

export interface RunReport {
  readonly status: number;
  readonly signal?: string;
  readonly measured: boolean;
  readonly not_measured?: { readonly code: string; readonly reason: string };
  readonly total: Omit<ProgramReport, 'comm' | 'mechanism'>;
  readonly programs: readonly ProgramReport[];
  readonly failures: readonly { kind: string; comm: string; error: string; count: number }[];
  readonly events_lost: number;
}

export interface RelaunchReport {
  readonly schema: number;
  readonly command: string;
  readonly via: string;
  readonly reason: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly run: RunReport;
  readonly comparison: readonly {
    readonly name: string;
    readonly judgement: string;
    readonly without: { readonly median: number };
    readonly with: { readonly median: number };
    readonly ratio?: number;
  }[];
  readonly without: readonly RunReport[];
  readonly with: readonly RunReport[];
}

export interface Relaunched extends Ended {
  /** Undefined if none was written. */
  readonly report: RelaunchReport | undefined;
}

/** `before` is a command that runs forktax, such as setpriv with its options. */
export async function runRelaunched(
  options: readonly string[],
  command: readonly string[],
  { before = [], ...rest }: RunOptions & { before?: readonly string[] } = {},
): Promise<Relaunched> {
  using directory = temporaryDirectory();
  const file = directory.write('report', '', 0o666);
  const words = [...before, ...FORKTAX, 'relaunch', '--json', '--report', file, ...options, '--', ...command];
  const ended = await runPlain(words, rest);
  const report = readFileSync(join(directory.path, 'report'), 'utf8');
  return { ...ended, report: report === '' ? undefined : (JSON.parse(report) as RelaunchReport) };
}

/** Gives the only entry of a program. */
export function programOf(run: RunReport, comm: string): ProgramReport {
  const [program, ...more] = run.programs.filter((each) => each.comm === comm);
  if (!program || more.length > 0) throw new Error(`not one entry of ${comm}: ${JSON.stringify(run.programs)}`);
  return program;
}
