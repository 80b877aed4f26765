/**
 * Starts `native/hold`: a process that waits for a request and then executes the requested program. The program's pid is
 * therefore known, and can be measured, before the program runs.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import type { Duplex } from 'node:stream';
import { getSystemErrorName } from 'node:util';
import { ForktaxError } from '../model/errors.ts';
import { builtFile } from './built-file.ts';

const HOLD = builtFile('native/hold/build/hold');

/** Tells whether executing this file gives capabilities: capabilities(7). */
export function hasFileCapabilities(path: string): boolean {
  return spawnSync(HOLD, ['--capabilities', path], { stdio: 'ignore' }).status === 0;
}

/** What to execute. Arguments and variables are bytes: they need not be UTF-8. */
export interface ExecRequest {
  readonly path: string;
  readonly argv: readonly (string | Uint8Array)[];
  /** Each is `NAME=value`. */
  readonly environment: readonly (string | Uint8Array)[];
  /** The soft limit of open files; without it, the limit of this process. */
  readonly openFiles?: number | undefined;
  /** A mask as umask(2) takes it; without it, the mask of this process. */
  readonly umask?: number | undefined;
  /** Without it, the user of this process. */
  readonly user?: User | undefined;
}

export interface User {
  readonly uid: number;
  readonly gid: number;
  /** The supplementary groups. */
  readonly groups: readonly number[];
}

export interface Held {
  readonly child: ChildProcess;
  readonly pid: number;
  /** Resolves when the program runs. If it cannot be executed, gives the error's name and waits for another request. */
  exec(request: ExecRequest): Promise<string | undefined>;
  /** Ends the process without executing anything. */
  release(): void;
}

export interface HoldOptions {
  readonly directory?: string | undefined;
  /** Become descriptors 0, 1 and 2; without it, those of this process do. */
  readonly stdio?: readonly [number, number, number];
  /** Other descriptors of this process to pass on under the same numbers. */
  readonly descriptors?: readonly number[] | undefined;
}

/** @throws FORKTAX_NO_NATIVE */
export async function hold({ directory, stdio = [0, 1, 2], descriptors = [] }: HoldOptions = {}): Promise<Held> {
  const control = Math.max(2, ...descriptors) + 1;
  const table = Array.from({ length: control + 1 }, (_, fd) => {
    if (fd < 3) return stdio[fd] ?? 'ignore';
    if (fd === control) return 'pipe';
    return descriptors.includes(fd) ? fd : 'ignore';
  });
  const child = spawn(HOLD, [String(control)], { stdio: table, ...(directory !== undefined && { cwd: directory }) });
  await started(child, directory);
  const channel = child.stdio[control as 3] as Duplex;
  return {
    child,
    pid: child.pid ?? 0,
    exec: (request) => send(channel, encode(request)),
    release: () => channel.destroy(),
  };
}

function started(child: ChildProcess, directory: string | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (cause) => {
      const where = directory === undefined ? '' : ` in ${directory}`;
      reject(new ForktaxError('FORKTAX_NO_NATIVE', `${HOLD} cannot be started${where}: ${cause.message}`, { cause }));
    });
  });
}

function send(channel: Duplex, request: Buffer): Promise<string | undefined> {
  return new Promise((resolve) => {
    channel.once('end', () => resolve(undefined));
    channel.once('error', () => resolve(undefined)); // the process has ended; its exit status tells why
    channel.once('data', (answer: Buffer) => {
      channel.removeAllListeners();
      resolve(getSystemErrorName(-answer.readInt32LE(0)));
    });
    channel.write(request);
  });
}

function encode({ path, argv, environment, openFiles, umask, user }: ExecRequest): Buffer {
  const strings = [
    path,
    `${openFiles ?? ''}`,
    umask === undefined ? '' : umask.toString(8),
    ...(user ? [`${user.uid}`, `${user.gid}`, user.groups.join(',')] : ['', '', '']),
    `${argv.length}`,
    ...argv,
    ...environment,
  ];
  const body = Buffer.concat(strings.flatMap((string) => [Buffer.from(string as string), Buffer.from([0])]));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(body.length);
  return Buffer.concat([length, body]);
}
