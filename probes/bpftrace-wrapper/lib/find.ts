/** Finds bpftrace, and says what is missing or too old. */

import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { BpftraceError } from './errors.ts';
import { type Version, atLeast, parseVersion } from './version.ts';

/** The oldest version whose output this package knows, that of Debian 12. */
export const OLDEST_VERSION = '0.17';

export interface Bpftrace {
  readonly path: string;
  readonly version: Version;
}

export interface FindOptions {
  /** The path of bpftrace. By default, `BPFTRACE_PATH`, then PATH, then the folders of system programs are searched. */
  readonly path?: string;
  /** The version that the script needs, such as `0.20`. */
  readonly minimumVersion?: string;
}

/** Finds bpftrace without privileges. Throws `BPFTRACE_NOT_FOUND` or `BPFTRACE_TOO_OLD`. */
export async function findBpftrace(options: FindOptions = {}): Promise<Bpftrace> {
  const path = options.path ?? process.env['BPFTRACE_PATH'] ?? (await search());
  const version = parseVersion(await askVersion(path));
  if (!version) throw notFound(`${path} does not tell its version; it seems not to be bpftrace.`);
  for (const minimum of [OLDEST_VERSION, options.minimumVersion]) {
    if (minimum !== undefined && !atLeast(version, minimum)) {
      const message = `${path} is bpftrace ${version.text}, but ${minimum} or later is needed. Update it.`;
      throw new BpftraceError('BPFTRACE_TOO_OLD', message);
    }
  }
  return { path, version };
}

/** Searches PATH, and the folders of system programs, which are not in the PATH of ordinary users. */
async function search(): Promise<string> {
  const folders = [
    ...(process.env['PATH'] ?? '').split(delimiter),
    '/usr/local/sbin',
    '/usr/sbin',
    '/usr/bin',
    '/sbin',
  ];
  for (const folder of folders) {
    const path = join(folder, 'bpftrace');
    const executable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (folder !== '' && executable) return path;
  }
  throw notFound('bpftrace is not installed, or not in PATH. Install it: `apt-get install bpftrace`, say.');
}

function askVersion(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(path, ['--version'], { timeout: 30_000, killSignal: 'SIGKILL' }, (error, stdout, stderr) => {
      if (!error) return resolve(stdout);
      const said = stderr.trim().split('\n')[0] || error.message;
      reject(notFound(`${path} cannot be run: ${said}`, error));
    });
  });
}

function notFound(message: string, cause?: unknown): BpftraceError {
  return new BpftraceError('BPFTRACE_NOT_FOUND', message, cause === undefined ? {} : { cause });
}
