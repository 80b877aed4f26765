/** What a test run can leave behind on a host: processes, cgroups, network namespaces, mounts, pins, temporary files. */
import { globSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cgroupRoot } from '../../collector/system/cgroups.ts';

/** What is there, by kind; each thing in words that tell it from all others of its kind. */
type Inventory = ReadonlyMap<string, ReadonlySet<string>>;

/** Others may run their own tests at the same time. What they make is gone again some seconds later. */
const PATIENCE_MS = 15_000;

/** How the names of the cgroups begin in which runs are started. */
export const OWN_CGROUPS = 'forktax-failing-';

const lines = (text: string) => text.split('\n').filter(Boolean);

function attempt<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise; // it is gone meanwhile
  }
}

export interface Scene {
  /** The cgroup in which the run is started. */
  readonly cgroup: string;
  /** The run's directory for temporary files. */
  readonly temporary: string;
}

export const takeInventory = ({ cgroup, temporary }: Scene): Inventory =>
  new Map([
    ['process', new Set(processesIn(cgroup))],
    ['temporary file', new Set(readdirSync(temporary))],
    ['cgroup', new Set(cgroups())],
    ['network namespace', new Set(attempt(() => readdirSync('/run/netns'), []))],
    ['network link', new Set(readdirSync('/sys/class/net'))],
    ['mount', new Set(mounts().map((mount) => mountPoint(mount)))],
    ['pinned BPF object', new Set(pins())],
  ]);

/** Gives what was not there before, and is each time that one looks. */
export async function findLeftBehind(before: Inventory, scene: Scene): Promise<readonly string[]> {
  const deadline = Date.now() + PATIENCE_MS;
  let left = compare(before, takeInventory(scene));
  while (left.length > 0 && Date.now() < deadline) {
    await sleep(500);
    const still = new Set(compare(before, takeInventory(scene)));
    left = left.filter((thing) => still.has(thing));
  }
  return left;
}

const compare = (before: Inventory, after: Inventory): readonly string[] =>
  [...after].flatMap(([kind, things]) =>
    [...things].filter((thing) => !before.get(kind)!.has(thing)).map((thing) => `${kind} ${thing}`),
  );

const processesIn = (cgroup: string): readonly string[] =>
  lines(readFileSync(join(cgroup, 'cgroup.procs'), 'utf8')).map((pid) => {
    const words = attempt(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8'), '')
      .split('\0')
      .join(' ');
    return `${pid}: ${words}`;
  });

function cgroups(): readonly string[] {
  const root = cgroupRoot();
  return root === undefined ? [] : globSync('**/', { cwd: root }).filter((name) => !name.startsWith(OWN_CGROUPS));
}

const mounts = () => lines(readFileSync('/proc/self/mountinfo', 'utf8'));

const mountPoint = (mount: string) => mount.split(' ')[4]!;

/** Programs, maps and links live as long as a process or a pin holds them. What a pin in another mount namespace holds ends with it. */
function pins(): readonly string[] {
  const filesystems = mounts().filter((mount) => / - bpf /.test(mount));
  return filesystems.flatMap((mount) => globSync(`${mountPoint(mount)}/**`));
}
