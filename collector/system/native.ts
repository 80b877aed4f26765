import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { ForktaxError } from '../model/errors.ts';
import { builtFile, describeSystem } from './built-file.ts';

/** The places of a C struct's fields, in bytes; a nested field is named `outer.inner`. */
export interface Layout {
  readonly size: number;
  readonly fields: Readonly<Record<string, { readonly offset: number; readonly size: number }>>;
}

/** What a failed call throws. `log` is libbpf's, with the messages of the verifier. */
export interface NativeError extends Error {
  readonly errno: number;
  readonly log: string;
}

/** One BPF object, from open to close. `native/bpf/object.h` describes each call. */
export interface BpfObject {
  programs(): string[];
  setAutoload(program: string, wanted: boolean): void;
  setAttachTarget(program: string, kernelFunction: string): void;
  setMaxEntries(map: string, entries: number): void;
  /** Takes all maps but the constants from this folder of a BPF filesystem, and puts there those that it lacks. */
  setMapFolder(folder: string): void;
  setRodata(variable: string, bytes: Uint8Array): void;
  /** Gives the fields of a struct, or of the variables in a section such as `.bss`. */
  layout(name: string): Layout;
  load(): void;
  /** With a path on a BPF filesystem, the program stays attached for as long as that file is there. */
  attach(program: string, pinPath?: string): void;
  /** Runs a raw_tp program once, on the given CPU, or in this thread if `cpu` is negative. */
  runProgram(program: string, cpu: number): void;
  mapFd(map: string): number;
  /** `largestRecord` is the largest size of its records, in bytes. */
  openRing(map: string, largestRecord: number): void;
  readGlobal(variable: string, bytes: Uint8Array): void;
  writeGlobal(variable: string, bytes: Uint8Array): void;
  /** Fills both buffers with as many entries as fit; gives their number. */
  readMap(map: string, keys: Uint8Array, values: Uint8Array): number;
  /** Removes an entry and writes its last value to `value`; gives false if there was none. */
  takeEntry(map: string, key: Uint8Array, value: Uint8Array): boolean;
  /** Fills the buffer with as many whole records of an open ring as fit; gives the number of bytes. */
  drainRing(map: string, bytes: Uint8Array): number;
  programStats(): { program: string; runs: number; runNs: number; missed: number }[];
  close(): void;
}

export interface NativeBpf {
  readonly BpfObject: new (path: string) => BpfObject;
  /** In bytes. */
  readonly pageSize: number;
  /** Whether nobody else has locked what the descriptor is of (flock(2)). The lock lasts as long as it is open. */
  tryLock(descriptor: number): boolean;
  /** Opens a FIFO for reading, and makes it if it is not there; see `native/bpf/fifo.h`. Gives a descriptor that does not block. */
  openFifo(path: string, mode: number, capacity: number): number;
  kernelBtfHas(kind: 'func' | 'typedef' | 'struct' | 'var', name: string): boolean;
  /** Sends a message of sd_notify(3) to the socket of that name. */
  notifyManager(socket: string, message: string): void;
  /** Takes freed memory and the pages that only the start needed out of the resident set; see `native/bpf/pages.h`. */
  releasePages(): void;
  /** Takes masks of 1 << CAP_...; see `native/bpf/capabilities.h`. */
  reduceCapabilities(permitted: bigint, effective: bigint): void;
}

export const probesPath = builtFile('probes/build/spawn.bpf.o');

/** @throws FORKTAX_NO_NATIVE */
export function loadNative(): NativeBpf {
  const path = builtFile('native/bpf/build/bpf.node');
  if (!existsSync(path))
    throw new ForktaxError('FORKTAX_NO_NATIVE', `no native addon is installed for ${describeSystem()}`);
  try {
    return createRequire(import.meta.url)(path) as NativeBpf;
  } catch (cause) {
    throw new ForktaxError('FORKTAX_NO_NATIVE', `the native addon cannot be loaded on ${describeSystem()}`, {
      detail: (cause as Error).message,
      cause,
    });
  }
}

const CAP_BPF = 1n << 39n;

/**
 * Gives up all capabilities for good, in every thread. CAP_BPF is kept if the kernel requires it for reading maps, as it
 * did before 5.19 (commit c8644cd0efe7): `read` is tried without it to find out.
 * @throws FORKTAX_CAPABILITIES
 */
export function dropCapabilities(
  read: () => void,
  native: Pick<NativeBpf, 'reduceCapabilities'> = loadNative(),
): { keptCapBpf: boolean } {
  reduce(CAP_BPF, 0n);
  if (canRead()) {
    reduce(0n, 0n);
    return { keptCapBpf: false };
  }
  reduce(CAP_BPF, CAP_BPF);
  read();
  return { keptCapBpf: true };

  function reduce(permitted: bigint, effective: bigint): void {
    try {
      native.reduceCapabilities(permitted, effective);
    } catch (cause) {
      const message = `capabilities cannot be given up: ${(cause as Error).message}`;
      throw new ForktaxError('FORKTAX_CAPABILITIES', message, { cause });
    }
  }

  function canRead(): boolean {
    try {
      read();
      return true;
    } catch {
      return false;
    }
  }
}

/** Gives back freed memory, and pages of the executable that have been needed only once, as at the start. If that is not possible, they stay. */
export function releasePages(): void {
  try {
    loadNative().releasePages();
  } catch {
    // Without /proc, or without the addon.
  }
}
