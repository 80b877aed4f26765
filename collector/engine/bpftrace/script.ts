/** Adapts `probes/spawn-events.bt` to this kernel, with its parameters, and says which hooks are missing here and why. */
import { atLeast, quote, type Version } from 'bpftrace-wrapper';
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { ENGINE_SCRIPT, scriptText } from './scripts.ts';
import { probeConstant, probeConstants } from '../shared/probe-constants.ts';
import { kernelFacts, type KernelFacts } from '../shared/kernel-facts.ts';
import type { ColumnGroup } from '../../model/columns.ts';
import type { EngineOptions } from '../../model/options.ts';
import type { Hook } from '../../model/hooks.ts';
import { tracefs } from '../../system/tracefs.ts';
import { noTracefs } from './errors.ts';

export interface EngineScript {
  /** The pid of this process in the kernel, if it can be learnt. */
  readonly ownPid: number;
  readonly text: string;
  parametersFor(version: Version): readonly (string | bigint)[];
  readonly hooks: readonly Hook[];
}

interface Plan {
  readonly name: string;
  readonly columns: readonly ColumnGroup[];
  /** A tracepoint that the hook needs. */
  readonly tracepoint: string;
}

/** The hooks have the names of the core engine's. The script marks the sections of each. */
const PLANS: readonly Plan[] = [
  { name: 'sched_process_exit', columns: ['lifetime'], tracepoint: 'sched/sched_process_exit' },
  { name: 'sched_process_exec', columns: ['exec'], tracepoint: 'sched/sched_process_exec' },
  { name: 'page_fault_user', columns: ['faults'], tracepoint: 'exceptions/page_fault_user' },
  { name: 'syscalls:clone', columns: ['stall'], tracepoint: 'syscalls/sys_enter_clone' },
  { name: 'syscalls:execve', columns: ['execFailures'], tracepoint: 'syscalls/sys_exit_execve' },
  { name: 'task_newtask', columns: ['spawns'], tracepoint: 'task/task_newtask' },
];

/** What somebody asked for, and only core has. */
const NO_COW_TIMES: Hook = {
  name: 'cow_fault_times',
  attached: false,
  reason: 'only the engine core measures it',
  columns: ['cowFaultTimes'],
};

export function engineScript(options: EngineOptions): EngineScript {
  const facts = factsIfKnown();
  const ownPid = facts?.ownPid ?? process.pid;
  const memory = memoryPlan(facts);
  const hooks = [...PLANS.map((plan) => hookOf(plan, options.withoutHooks)), memory.hook];
  const left = hooks.filter(({ attached }) => !attached).map(({ name }) => name);
  if (memory.isPlain) left.push(memory.hook.name);
  const { filter } = options;
  return {
    ownPid,
    text: filteredByName(withConstants(withoutSections(scriptText(ENGINE_SCRIPT), left)), options),
    parametersFor: (version) => [
      BigInt(ownPid),
      BigInt(filter.pid ?? 0),
      filter.follow ? 1n : 0n,
      filter.comm === undefined ? 0n : 1n,
      filter.comm ?? '',
      BigInt(filter.cgroup ?? 0),
      // $7 is the kernel's table; $8 to $15 are for up to eight processors.
      ...Array.from({ length: 1 + fewCpus() }, (_, i) => memory.parameters[i] ?? 0n),
      misplacement(version),
    ],
    hooks: options.timesCowFaults ? [...hooks, NO_COW_TIMES] : hooks,
  };
}

const COMM = '$task->group_leader->comm';
const EXECUTABLE = '$task->mm->exe_file->f_path.dentry->d_name.name';

/**
 * Compares with the wanted name as a literal. BPF programs have little stack: a literal takes none of it, and a str()
 * takes as much as a path.
 */
function filteredByName(text: string, { nameBy, filter }: EngineOptions): string {
  const { comm } = filter;
  if (comm === undefined) return text.replace(`${COMM} == str($5)`, () => '1');
  const byComm = nameBy === 'exe' ? [] : [`${COMM} == ${quote(comm)}`];
  const byExecutable = nameBy === 'comm' ? [] : [isExecutable(comm)];
  return text.replace(`${COMM} == str($5)`, () => [...byComm, ...byExecutable].join(' || '));
}

/** Compares the executable's name. A wanted name as long as a comm may be cut, so only its bytes are compared. */
function isExecutable(name: string): string {
  const commLength = probeConstant('COMM_LEN');
  const executable = `str(${EXECUTABLE}, ${commLength})`;
  const isCut = Buffer.byteLength(name) === commLength - 1;
  return isCut ? `strncmp(${executable}, ${quote(name)}, ${commLength - 1}) == 0` : `${executable} == ${quote(name)}`;
}

function hookOf({ name, columns, tracepoint }: Plan, without: readonly string[]): Hook {
  if (without.includes(name)) return { name, attached: false, reason: 'switched off', columns };
  if (isMissing(tracepoint)) return { name, attached: false, reason: `no tracepoint ${tracepoint} here`, columns };
  return { name, attached: true, columns };
}

/** Whether a tracepoint is missing. If tracefs cannot be read, this is unknown, and bpftrace reports it later. */
function isMissing(tracepoint: string): boolean {
  const root = tracefs();
  return root !== undefined && !existsSync(`${root}/events/${tracepoint}`);
}

/** Removes the sections between `// hook NAME` and `// end`. */
function withoutSections(text: string, names: readonly string[]): string {
  return text.replaceAll(/^ *\/\/ hook (\S+)\n[^]*?^ *\/\/ end\n/gm, (section, name: string) =>
    names.includes(name) ? '' : section,
  );
}

/** Replaces the names of the probes' constants, which bpftrace does not know, with their values. */
function withConstants(text: string): string {
  const constants = probeConstants();
  return text.replaceAll(/\b[A-Z][A-Z0-9_]+\b/g, (name) => `${constants.get(name) ?? name}`);
}

/** Gives how far beyond a string of sched_process_exec bpftrace 0.23 reads: it takes four times the offset (their 819f99ae901f). */
function misplacement(version: Version): bigint {
  return atLeast(version, '0.23') && !atLeast(version, '0.24') ? 3n * BigInt(stringOffset()) : 0n;
}

/** Gives the offset of the first string, which is where the last field ends. */
function stringOffset(): number {
  const root = tracefs();
  if (root === undefined) throw noTracefs();
  const format = readFileSync(`${root}/events/sched/sched_process_exec/format`, 'utf8');
  const ends = [...format.matchAll(/offset:(\d+);\s+size:(\d+);/g)].map(
    ([, offset, size]) => Number(offset) + Number(size),
  );
  return Math.max(...ends);
}

const fewCpus = () => probeConstant('FEW_CPUS');

interface MemoryPlan {
  readonly hook: Hook;
  /** Whether each counter is complete in one place, so nothing has to be added. */
  readonly isPlain: boolean;
  readonly parameters: readonly bigint[];
}

/** Says whether and how the exact resident memory can be read. `probes/memory.bpf.h` says why that is difficult. */
function memoryPlan(facts: KernelFacts | undefined): MemoryPlan {
  const exact = { name: 'exact_rss', attached: true, columns: [] };
  if (hasWholeCounters()) return { hook: exact, isPlain: true, parameters: [] };
  const few = availableParallelism() <= fewCpus();
  const parameters = (few && facts && offsetsOfCpus(facts)) || offsetTable();
  if (parameters) return { hook: exact, isPlain: false, parameters };
  const reason = 'copied RSS may lack some 100 KiB: it is not known where each processor keeps its part';
  return { hook: { ...exact, attached: false, reason }, isPlain: true, parameters: [] };
}

/** Whether the kernel is older than 6.2: its types then have the name of that struct. */
function hasWholeCounters(): boolean {
  return readFileSync('/sys/kernel/btf/vmlinux').includes('\0mm_rss_stat\0');
}

function offsetsOfCpus({ perCpuOffsets }: KernelFacts): readonly bigint[] | undefined {
  return perCpuOffsets.length <= fewCpus() ? asParameters([0n, ...perCpuOffsets]) : undefined;
}

/** Gives undefined without the native addon. */
function factsIfKnown(): KernelFacts | undefined {
  try {
    return kernelFacts();
  } catch {
    return undefined;
  }
}

/** Gives the address of the kernel's table, if the kernel names its variables. Users other than root see 0. */
function offsetTable(): readonly bigint[] | undefined {
  const [, address = '0'] = /^([0-9a-f]+) \w __per_cpu_offset$/m.exec(readFileSync('/proc/kallsyms', 'latin1')) ?? [];
  return BigInt(`0x${address}`) === 0n ? undefined : asParameters([BigInt(`0x${address}`)]);
}

/** Gives the complements of addresses. The addresses themselves do not fit into bpftrace's signed parameters. */
function asParameters(addresses: readonly bigint[]): readonly bigint[] | undefined {
  const complements = addresses.map((address) => BigInt.asUintN(64, -address));
  return complements.every((complement) => complement < 1n << 63n) ? complements : undefined;
}
