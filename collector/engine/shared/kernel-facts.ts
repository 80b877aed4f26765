/** Learns what only programs in the kernel can see: the pid of this process there, and the offset of each CPU's part of a counter. */
import { loadNative, probesPath, type BpfObject, type NativeError } from '../../system/native.ts';
import { u32 } from './bytes.ts';
import { onlineCpus, possibleCpus } from './cpus.ts';
import { reasonOf } from './native-reason.ts';
import { probeConstant } from './probe-constants.ts';

/** Programs that are run once after loading and never attached. */
export const LEARNING_PROGRAMS = {
  self: 'learn_own_pid',
  once: 'learn_anchor_pointer',
  eachCpu: 'learn_anchor_address',
};

export function learnOwnPid(object: BpfObject): void {
  object.runProgram(LEARNING_PROGRAMS.self, -1);
}

/** Lets the probes read what each CPU holds back of a counter. Gives the reason if that is not possible. */
export function learnCpuOffsets(object: BpfObject): string | undefined {
  try {
    object.writeGlobal('anchor_fd', u32(object.mapFd('anchor')));
    object.runProgram(LEARNING_PROGRAMS.once, -1);
    for (const cpu of onlineCpus()) object.runProgram(LEARNING_PROGRAMS.eachCpu, cpu);
    return undefined;
  } catch (error) {
    return `copied RSS may lack some 100 KiB: ${reasonOf(error as NativeError)}`;
  }
}

export interface KernelFacts {
  /** The pid of this process in the kernel. In a pid namespace, the process itself sees another one. */
  readonly ownPid: number;
  /** The offset to add to a per-CPU pointer of the kernel to get the address on each CPU. */
  readonly perCpuOffsets: readonly bigint[];
}

/** Gives these facts to readers other than the core probes. It needs the privileges for loading probes. */
export function kernelFacts(): KernelFacts {
  const native = loadNative();
  const object = new native.BpfObject(probesPath);
  try {
    const learning = new Set<string>(Object.values(LEARNING_PROGRAMS));
    for (const program of object.programs()) object.setAutoload(program, learning.has(program));
    object.setMaxEntries('costs', 1);
    object.load();
    learnOwnPid(object);
    const inexact = learnCpuOffsets(object);
    if (inexact !== undefined) throw new Error(inexact);
    const ownPid = Buffer.alloc(4);
    object.readGlobal('own_pid', ownPid);
    const [pointer = 0n] = readU64s(object, 'anchor_pointer', 1);
    const addresses = readU64s(object, 'anchor_address', probeConstant('MAX_CPUS')).slice(0, possibleCpus());
    return { ownPid: ownPid.readUInt32LE(), perCpuOffsets: addresses.map((address) => address - pointer) };
  } finally {
    object.close();
  }
}

function readU64s(object: BpfObject, variable: string, count: number): bigint[] {
  const bytes = Buffer.alloc(count * 8);
  object.readGlobal(variable, bytes);
  return Array.from({ length: count }, (_, i) => bytes.readBigUInt64LE(i * 8));
}
