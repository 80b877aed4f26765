/** Cgroups for tests, in the unified hierarchy of this host, and containers, in all of its hierarchies. Each is removed at the end. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { cgroupRoot } from '../collector/system/cgroups.ts';

const BUSYBOX = '/usr/bin/busybox';

export interface TestCgroup extends Disposable {
  /** Runs a command in it to its end. */
  run(command: string, ...args: readonly string[]): void;
  /** Starts a command in it. The cgroup is removed only if the command has ended by then. */
  start(command: string, ...args: readonly string[]): ChildProcess;
}

const ENTER = ['-c', 'echo $$ > "$0/cgroup.procs" && exec "$@"'];

/** Makes the cgroup and those above it that are missing, as systemd or a runtime would. */
export function makeCgroup(path: string): TestCgroup {
  const root = cgroupRoot();
  const made = missing(join(root, path));
  mkdirSync(join(root, path), { recursive: true });
  return {
    run(command, ...args) {
      execFileSync('sh', [...ENTER, join(root, path), command, ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
    },
    start: (command, ...args) =>
      spawn('sh', [...ENTER, join(root, path), command, ...args], { stdio: ['ignore', 'ignore', 'inherit'] }),
    // What others have put below one of them meanwhile keeps it.
    [Symbol.dispose]: () => made.forEach((directory) => tryRemove(directory)),
  };
}

/** Gives where the hierarchies of cgroups are mounted: one, and as many more as this host has of v1. */
export function cgroupHierarchies(): readonly string[] {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  return mounts.filter((mount) => / - cgroup2? /.test(mount)).map((mount) => mount.split(' ')[4] ?? '');
}

/** Gives this directory and those above it that are not there, the lowest first. */
function missing(directory: string): string[] {
  const all: string[] = [];
  for (let at = directory; !existsSync(at); at = dirname(at)) all.push(at);
  return all;
}

function tryRemove(directory: string): void {
  try {
    rmdirSync(directory);
  } catch (error) {
    if (!['EBUSY', 'ENOTEMPTY'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

/**
 * Runs a script of busybox' shell in a container of runc, to its end. `cgroup`: where a runtime would put it. runc makes those
 * above it too, in each hierarchy, and leaves them. The script's input ends when `release` resolves.
 */
export async function runContainer(cgroup: string, script: string, release: Promise<void>): Promise<void> {
  const above = cgroupHierarchies().flatMap((root) => missing(join(root, dirname(cgroup))));
  const bundle = mkdtempSync(join(tmpdir(), 'forktax-bundle-'));
  try {
    execFileSync('runc', ['spec', '--bundle', bundle]);
    const root = join(bundle, 'root');
    mkdirSync(join(root, 'bin'), { recursive: true });
    mkdirSync(join(root, 'proc'));
    copyFileSync(BUSYBOX, join(root, 'bin/busybox'));
    const file = join(bundle, 'config.json');
    const proposed = JSON.parse(readFileSync(file, 'utf8')) as OciConfig;
    const { hostname: _, ...config } = proposed;
    const namespaces = config.linux.namespaces.filter(({ type }) => ['mount', 'pid', 'cgroup'].includes(type));
    const changed = {
      ...config,
      process: { ...config.process, terminal: false, args: ['/bin/busybox', 'sh', '-c', script] },
      root: { path: root, readonly: true },
      mounts: config.mounts.filter(({ destination }) => destination === '/proc'),
      linux: { namespaces, cgroupsPath: cgroup },
    };
    writeFileSync(file, JSON.stringify(changed));
    const name = `forktax-test-${process.pid}-${Date.now()}`;
    const container = spawn('runc', ['run', '--bundle', bundle, name], { stdio: ['pipe', 'ignore', 'inherit'] });
    void release.then(() => container.stdin.end());
    const [status] = (await once(container, 'close')) as [number];
    if (status !== 0) throw new Error(`runc ended with ${status}`);
  } finally {
    rmSync(bundle, { recursive: true });
    above.filter((directory) => existsSync(directory)).forEach((directory) => tryRemove(directory));
  }
}

/** The part of the OCI's runtime specification that is changed here. */
interface OciConfig {
  readonly hostname: string;
  readonly process: object;
  readonly mounts: readonly { readonly destination: string }[];
  readonly linux: { readonly namespaces: readonly { readonly type: string }[] };
}
