/** `probes/spawn-events.bt` as this kernel can take it, with its parameters; and what it cannot give here, with reasons. */
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
  /** As the kernel has it, if that can be learnt. */
  readonly ownPid: number;
  readonly text: string;
  parametersFor(version: Version): readonly (string | bigint)[];
  readonly hooks: readonly Hook[];
}

interface Plan {
  readonly name: string;
  readonly columns: readonly ColumnGroup[];
  /** A tracepoint that it cannot do without. */
  readonly tracepoint: string;
}

/** Named like those of the core engine; the script marks what belongs to each. */
const PLANS: readonly Plan[] = [
  { name: 'sched_process_exit', columns: ['lifetime'], tracepoint: 'sched/sched_process_exit' },
  { name: 'sched_process_exec', columns: ['exec'], tracepoint: 'sched/sched_process_exec' },
  { name: 'page_fault_user', columns: ['faults'], tracepoint: 'exceptions/page_fault_user' },
  { name: 'syscalls:clone', columns: ['stall'], tracepoint: 'syscalls/sys_enter_clone' },
  { name: 'syscalls:execve', columns: ['execFailures'], tracepoint: 'syscalls/sys_exit_execve' },
  { name: 'task_newtask', columns: ['spawns'], tracepoint: 'task/task_newtask' },
];

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
      // $7, and one for each of few processors: $8 to $15.
      ...Array.from({ length: 1 + fewCpus() }, (_, i) => memory.parameters[i] ?? 0n),
      misplacement(version),
    ],
    hooks,
  };
}

const COMM = '$task->group_leader->comm';
const EXECUTABLE = '$task->mm->exe_file->f_path.dentry->d_name.name';

/**
 * Compares with the name that is wanted as a literal: that takes none of the little stack that BPF programs have, and a
 * str() takes as much as a path.
 */
function filteredByName(text: string, { nameBy, filter }: EngineOptions): string {
  const { comm } = filter;
  if (comm === undefined) return text.replace(`${COMM} == str($5)`, () => '1');
  const byComm = nameBy === 'exe' ? [] : [`${COMM} == ${quote(comm)}`];
  const byExecutable = nameBy === 'comm' ? [] : [isExecutable(comm)];
  return text.replace(`${COMM} == str($5)`, () => [...byComm, ...byExecutable].join(' || '));
}

/** What is as long as a comm may have been cut; then only so much of the executable's name is compared. */
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

/** Where tracefs cannot be read, nothing is known; bpftrace will say. */
function isMissing(tracepoint: string): boolean {
  const root = tracefs();
  return root !== undefined && !existsSync(`${root}/events/${tracepoint}`);
}

/** Takes out what stands between `// hook NAME` and `// end`. */
function withoutSections(text: string, names: readonly string[]): string {
  return text.replaceAll(/^ *\/\/ hook (\S+)\n[^]*?^ *\/\/ end\n/gm, (section, name: string) =>
    names.includes(name) ? '' : section,
  );
}

/** Puts in values for the names of the probes' constants, which bpftrace does not know. */
function withConstants(text: string): string {
  const constants = probeConstants();
  return text.replaceAll(/\b[A-Z][A-Z0-9_]+\b/g, (name) => `${constants.get(name) ?? name}`);
}

/** How far bpftrace 0.23 looks beyond a string of sched_process_exec: at four times its offset (their 819f99ae901f). */
function misplacement(version: Version): bigint {
  return atLeast(version, '0.23') && !atLeast(version, '0.24') ? 3n * BigInt(stringOffset()) : 0n;
}

/** Of its first string: where the last field ends. */
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
  /** The counters are whole in one place, so nothing has to be added. */
  readonly isPlain: boolean;
  readonly parameters: readonly bigint[];
}

/** Whether and how the exact resident memory is learnt; `probes/memory.bpf.h` says why that is not plain. */
function memoryPlan(facts: KernelFacts | undefined): MemoryPlan {
  const exact = { name: 'exact_rss', attached: true, columns: [] };
  if (hasWholeCounters()) return { hook: exact, isPlain: true, parameters: [] };
  const few = availableParallelism() <= fewCpus();
  const parameters = (few && facts && offsetsOfCpus(facts)) || offsetTable();
  if (parameters) return { hook: exact, isPlain: false, parameters };
  const reason = 'copied RSS may lack some 100 KiB: it is not known where each processor keeps its part';
  return { hook: { ...exact, attached: false, reason }, isPlain: true, parameters: [] };
}

/** Before 6.2; the name of that struct is in the kernel's types then. */
function hasWholeCounters(): boolean {
  return readFileSync('/sys/kernel/btf/vmlinux').includes('\0mm_rss_stat\0');
}

function offsetsOfCpus({ perCpuOffsets }: KernelFacts): readonly bigint[] | undefined {
  return perCpuOffsets.length <= fewCpus() ? asParameters([0n, ...perCpuOffsets]) : undefined;
}

/** Not without the native addon. */
function factsIfKnown(): KernelFacts | undefined {
  try {
    return kernelFacts();
  } catch {
    return undefined;
  }
}

/** Of a kernel that names its variables; any but root is given 0. */
function offsetTable(): readonly bigint[] | undefined {
  const [, address = '0'] = /^([0-9a-f]+) \w __per_cpu_offset$/m.exec(readFileSync('/proc/kallsyms', 'latin1')) ?? [];
  return BigInt(`0x${address}`) === 0n ? undefined : asParameters([BigInt(`0x${address}`)]);
}

/** The kernel's addresses do not fit into bpftrace's signed parameters, but their complements do. */
function asParameters(addresses: readonly bigint[]): readonly bigint[] | undefined {
  const complements = addresses.map((address) => BigInt.asUintN(64, -address));
  return complements.every((complement) => complement < 1n << 63n) ? complements : undefined;
}
