/**
 * Counts the instructions that measuring costs, on Debian's kernels in emulated machines whose clock is the number of instructions
 * (qemu's -icount): there, a count is the same on a busy machine and on a quiet one. npm run bench:instructions.
 */
import { execFile, execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { constants } from '../collector/engine/core/attach.ts';
import {
  attachTargets,
  callHookPlans,
  CHILD_EXISTS_PLAN,
  EVENT_HOOK_PLANS,
  TIMES_COW_FAULTS,
} from '../collector/engine/core/hooks.ts';
import { CALL_HOOKS, type CallHook } from '../collector/model/hooks.ts';
import { DEFAULT_ENGINE_OPTIONS } from '../collector/model/options.ts';
import { probesPath } from '../collector/system/native.ts';
import { SPAWNLOAD } from '../native/spawnload/spawnload.ts';
import { scriptFlags } from '../testing/script-flags.ts';
import { table } from './overhead/markdown.ts';

const METAPACKAGES = ['linux-image-cloud-amd64', 'linux-image-6.12-cloud-amd64'];
const FETCH_KERNELS = 'scripts/guest/fetch-kernels';
const INIT = 'build/bench/instructions/init';
const CPIO = 'find . | cpio --quiet --create --format=newc --owner=0:0';
const MACHINE_SECONDS = 3600;
const BUDGET = new URL('instructions/budget.json', import.meta.url);
const DOCUMENT = new URL('../docs/overhead.md', import.meta.url);
const MARK = '<!-- bench:instructions -->';
const TOLERANCE = 1.05;
const MOST_BOOTS = 5;

/** What bench/instructions/operations.c counts. */
const OPERATIONS = {
  posixSpawn: 'a posix_spawn',
  fork: 'a fork of 16 MiB',
  largeFork: 'a fork of 512 MiB',
  childFault: 'a page fault of its child',
  parentFault: 'a page fault after a fork',
  pageFault: 'any other page fault',
  systemCall: 'any system call',
} as const;
type Operation = keyof typeof OPERATIONS;
const NAMES = Object.keys(OPERATIONS) as Operation[];
/** These are the same in every run. A spawn differs by a tenth from one boot to the next. */
const BUDGETED: readonly Operation[] = ['childFault', 'parentFault', 'pageFault', 'systemCall'];

interface Count {
  readonly instructions: number;
  /** Whether two batches in a row gave this number. */
  readonly twice: boolean;
}

type Counts = Readonly<Record<Operation, Count>>;
type Watched = 'nothing' | CallHook;
type Machine = Readonly<Record<Watched, Counts>>;
/** Instructions that watching adds, by kernel, call hook and operation. */
type Budget = Readonly<Record<string, Readonly<Record<CallHook, Readonly<Record<Operation, number>>>>>>;

const USAGE = `npm run bench:instructions -- [--write] [--check]
--write puts the table into docs/overhead.md, and the counts into bench/instructions/budget.json.
--check fails if a page fault or a system call costs more than 5 % more than that budget.`;
const { values } = scriptFlags(USAGE, {
  options: { write: { type: 'boolean', default: false }, check: { type: 'boolean', default: false } },
});
const machines = await countInMachines();
const added = addedOn(machines);
console.log(text(machines));
if (values.write) write();
if (values.check) await check();

async function countInMachines(): Promise<ReadonlyMap<string, Machine>> {
  const root = mkdtempSync(join(tmpdir(), 'forktax-instructions-'));
  try {
    const image = imageIn(root);
    const kernels = execFileSync('bash', [FETCH_KERNELS, ...METAPACKAGES], { encoding: 'utf8' })
      .trim()
      .split('\n');
    return new Map(await Promise.all(kernels.map((line) => machineOf(line.split(' '), image))));
  } finally {
    rmSync(root, { recursive: true });
  }
}

/** Makes the initramfs: the program that counts, a child, and the probes with their constants. */
function imageIn(root: string): string {
  const folder = join(root, 'files');
  const put = (name: string, content: string | Uint8Array) => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  };
  for (const mountPoint of ['proc', 'sys', 'dev', 'rodata']) mkdirSync(join(folder, mountPoint), { recursive: true });
  cpSync(INIT, join(folder, 'init'));
  cpSync(SPAWNLOAD, join(folder, 'child'));
  cpSync(probesPath, join(folder, 'spawn.bpf.o'));
  put('plan', planText());
  for (const [name, bytes] of constants(DEFAULT_ENGINE_OPTIONS, 4096)) put(`rodata/${name}`, bytes);
  const image = join(root, 'image.cpio');
  writeFileSync(image, execFileSync('sh', ['-c', CPIO], { cwd: folder, maxBuffer: 1 << 28 }));
  return image;
}

/** Lists the programs of each way in the order in which the engine attaches them. */
function planText(): string {
  const targets = attachTargets('x64');
  const lines = CALL_HOOKS.flatMap((way) => {
    const ofEvents = EVENT_HOOK_PLANS.filter(({ name }) => name !== TIMES_COW_FAULTS);
    const plans = [...ofEvents, ...callHookPlans(way, 'x64'), CHILD_EXISTS_PLAN];
    const programs = plans.flatMap((plan) => plan.programs);
    return [`way ${way}`, ...programs.map((name) => `program ${name} ${targets[name] ?? ''}`.trim())];
  });
  return `${lines.join('\n')}\n`;
}

async function machineOf([name = '', kernel = '']: string[], image: string): Promise<[string, Machine]> {
  const version = /image-(\d+\.\d+)/.exec(name)?.[1] ?? name;
  const output = await boot(kernel, image);
  const lines = [...output.matchAll(/^instructions (.*?)\r?$/gm)];
  const runs = lines.map(([, json = '']) => JSON.parse(json) as { watched: Watched; counts: Counts });
  if (runs.length < 1 + CALL_HOOKS.length) throw new Error(`Linux ${version} did not count all:\n${output}`);
  return [version, Object.fromEntries(runs.map(({ watched, counts }) => [watched, counts])) as Machine];
}

/** One processor, no random numbers from outside, addresses and time that are always the same. */
async function boot(kernel: string, image: string): Promise<string> {
  const clock = ['-icount', 'shift=0,sleep=off', '-rtc', 'base=2026-01-01,clock=vm'];
  const machine = ['-accel', 'tcg,thread=single', '-smp', '1', '-cpu', 'max,-rdrand,-rdseed', '-m', '1536'];
  const devices = ['-nodefaults', '-display', 'none', '-no-reboot', '-serial', 'stdio'];
  const start = ['-kernel', kernel, '-initrd', image, '-append', 'console=ttyS0 quiet panic=1 nokaslr'];
  const args = [...machine, ...clock, ...devices, ...start];
  const { stdout } = await promisify(execFile)('qemu-system-x86_64', args, { timeout: MACHINE_SECONDS * 1000 });
  return stdout;
}

function addedOn(counted: ReadonlyMap<string, Machine>): Budget {
  const difference = ({ nothing, ...ways }: Machine, way: CallHook, name: Operation) =>
    ways[way][name].instructions - nothing[name].instructions;
  const record = <K extends string, V>(keys: readonly K[], valueOf: (key: K) => V) =>
    Object.fromEntries(keys.map((key) => [key, valueOf(key)])) as Record<K, V>;
  return Object.fromEntries(
    [...counted].map(([kernel, machine]) => [
      kernel,
      record(CALL_HOOKS, (way) => record(NAMES, (name) => difference(machine, way, name))),
    ]),
  );
}

function text(counted: ReadonlyMap<string, Machine>): string {
  const rows = [...counted].flatMap(([kernel, machine]) => rowsOf(kernel, machine));
  return table(['kernel', 'watched by', ...Object.values(OPERATIONS)], rows);
}

function rowsOf(kernel: string, machine: Machine): string[][] {
  const all = NAMES.map((name) =>
    marked(machine.nothing[name], machine.nothing[name].instructions.toLocaleString('en')),
  );
  const more = (way: CallHook, name: Operation) =>
    `+${(added[kernel]?.[way][name] ?? Number.NaN).toLocaleString('en')}`;
  const watched = CALL_HOOKS.map((way) =>
    [kernel, way].concat(NAMES.map((name) => marked(machine[way][name], more(way, name)))),
  );
  return [[kernel, 'nothing', ...all], ...watched];
}

/** Marks a number that did not come twice: chance has a part in it. */
function marked({ twice }: Count, value: string): string {
  return `${twice ? '' : '~'}${value}`;
}

function write(): void {
  writeFileSync(BUDGET, `${JSON.stringify(added, undefined, 2)}\n`);
  const [before, , after] = readFileSync(DOCUMENT, 'utf8').split(MARK);
  writeFileSync(DOCUMENT, `${before}${MARK}\n\n${text(machines)}\n\n${MARK}${after}`);
}

/**
 * One boot may place things otherwise than another, so that a fault takes some tens of instructions more. An excess is one only if
 * each boot has it.
 */
async function check(): Promise<void> {
  if (!existsSync(BUDGET)) throw new Error('there is no budget yet: --write makes it');
  const budget = JSON.parse(readFileSync(BUDGET, 'utf8')) as Budget;
  let excesses = excessesOf(added, budget);
  for (let boots = 1; boots < MOST_BOOTS && excesses.size > 0; boots++) {
    const again = excessesOf(addedOn(await countInMachines()), budget);
    excesses = new Map([...excesses].filter(([what]) => again.has(what)));
  }
  for (const [what, costs] of excesses) console.error(`${what} ${costs}`);
  if (excesses.size > 0) process.exitCode = 1;
}

/** Gives what each costs by what it is. */
function excessesOf(counted: Budget, budget: Budget): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(counted).flatMap(([kernel, ways]) =>
      CALL_HOOKS.flatMap((way) =>
        BUDGETED.map((name) => [name, ways[way][name], budget[kernel]?.[way][name] ?? 0] as const)
          .filter(([, costs, allowed]) => costs > TOLERANCE * allowed)
          .map(([name, costs, allowed]): [string, string] => [
            `${kernel}, ${way}: ${OPERATIONS[name]}`,
            `costs ${costs}, of ${allowed} allowed`,
          ]),
      ),
    ),
  );
}
