/** Turns the bytes of `probes/spawn.h` into rows and events. Offsets come from the object's own BTF. */
import { SIZE_BOUNDS_BYTES, TIME_BOUNDS_NS } from '../../model/bounds.ts';
import {
  MECHANISMS,
  SYSCALLS,
  type CostRow,
  type EngineEvent,
  type FailureRow,
  type Health,
  type Histogram,
  type Mechanism,
  type RowLabel,
  type SpawnSyscall,
} from '../../model/engine.ts';
import type { Layout } from '../../system/native.ts';
import { statusOf } from '../wait-status.ts';

const FAILURE_KINDS = ['spawn', 'exec'] as const;
const EVENT_KINDS = ['spawn', 'spawn-failure', 'exec', 'exec-failure', 'exit'] as const;
/** MAX_ERRNO of spawn.h. */
const MAX_ERRNO = 1024;

let knownOffsetMs = 0;

/**
 * Milliseconds to add to the kernel's monotonic clock to get those since the epoch. Kept while it moves by less than
 * 10: Date.now() has no fractions, and a spawn must have the same time in every snapshot, or Prometheus takes its
 * exemplar for another one.
 */
export function epochOffsetMs(): number {
  const nowMs = Date.now() - Number(process.hrtime.bigint()) / 1e6;
  if (Math.abs(nowMs - knownOffsetMs) > 10) knownOffsetMs = nowMs;
  return knownOffsetMs;
}

/** One struct type's fields over a buffer that holds an array of it. */
class StructReader {
  readonly size: number;
  readonly #fields: Layout['fields'];
  readonly #bytes: Buffer;

  constructor(layout: Layout, bytes: Uint8Array) {
    this.size = layout.size;
    this.#fields = layout.fields;
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  #offset(field: string): number {
    const place = this.#fields[field];
    if (!place) throw new Error(`spawn.h has no field ${field}`);
    return place.offset;
  }

  /** A reader of an unsigned field of 1, 2, 4 or 8 bytes; exact up to 2^53, which is 104 days of nanoseconds. */
  number(field: string): (base: number) => number {
    const offset = this.#offset(field);
    const bytes = this.#bytes;
    switch (this.#fields[field]?.size) {
      case 1:
        return (base) => bytes.readUInt8(base + offset);
      case 2:
        return (base) => bytes.readUInt16LE(base + offset);
      case 4:
        return (base) => bytes.readUInt32LE(base + offset);
      default:
        return (base) => bytes.readUInt32LE(base + offset) + bytes.readUInt32LE(base + offset + 4) * 2 ** 32;
    }
  }

  bigint(field: string): (base: number) => bigint {
    const offset = this.#offset(field);
    return (base) => this.#bytes.readBigUInt64LE(base + offset);
  }

  /** Bytes up to the first NUL; what is not UTF-8 is replaced. */
  text(field: string): (base: number) => string {
    const offset = this.#offset(field);
    const size = this.#fields[field]?.size ?? 0;
    return (base) => {
      const start = base + offset;
      const end = this.#bytes.indexOf(0, start);
      return this.#bytes.toString('utf8', start, end < 0 || end > start + size ? start + size : end);
    };
  }

  histogram(field: string, sumField: string, slots: number): (base: number) => Histogram {
    const offset = this.#offset(`${field}.slots`);
    const sum = this.number(`${field}.${sumField}`);
    const bytes = this.#bytes;
    return (base) => {
      const counts = new Array<number>(slots);
      for (let i = 0, at = base + offset; i < slots; i++, at += 8)
        counts[i] = bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * 2 ** 32;
      return { counts, sum: sum(base) };
    };
  }
}

const mechanismAt = (index: number): Mechanism => MECHANISMS[index] ?? 'fork';
const syscallAt = (index: number): SpawnSyscall => SYSCALLS[index] ?? 'unknown';

export type RowCosts = Omit<CostRow, 'comm' | 'mechanism' | 'syscall' | 'id'>;

/** Reads the i-th value of a buffer of `cost_row`s. */
export function costReader(layout: Layout, bytes: Uint8Array): (index: number, offsetMs: number) => RowCosts {
  const row = new StructReader(layout, bytes);
  const time = (field: string) => row.histogram(field, 'sum_ns', TIME_BOUNDS_NS.length + 1);
  const read = {
    spawns: row.number('spawns'),
    stall: time('stall'),
    copyNs: row.number('copy_ns'),
    copiedRss: row.histogram('copied_rss', 'sum_bytes', SIZE_BOUNDS_BYTES.length + 1),
    copiedPageTableBytes: row.number('copied_page_table_bytes'),
    cowFaultsParent: row.number('cow_faults_parent'),
    cowFaultsChild: row.number('cow_faults_child'),
    childFaults: row.number('child_faults'),
    execDelay: time('exec_delay'),
    lifetime: time('lifetime'),
    execStallNs: row.number('exec_stall_ns'),
    execStalls: row.number('exec_stalls'),
    avoidableStallNs: row.number('avoidable_stall_ns'),
    slowestPid: row.number('slowest.pid'),
    slowestNs: row.number('slowest.stall_ns'),
    slowestAt: row.number('slowest.time_ns'),
  };
  return (index, offsetMs) => {
    const base = index * row.size;
    const slowestNs = read.slowestNs(base);
    return {
      spawns: read.spawns(base),
      stall: read.stall(base),
      copyNs: read.copyNs(base),
      copiedRss: read.copiedRss(base),
      copiedPageTableBytes: read.copiedPageTableBytes(base),
      cowFaultsParent: read.cowFaultsParent(base),
      cowFaultsChild: read.cowFaultsChild(base),
      childFaults: read.childFaults(base),
      execDelay: read.execDelay(base),
      lifetime: read.lifetime(base),
      execStallNs: read.execStallNs(base),
      execStalls: read.execStalls(base),
      avoidableStallNs: read.avoidableStallNs(base),
      ...(slowestNs > 0 && {
        slowest: { pid: read.slowestPid(base), stallNs: slowestNs, atMs: read.slowestAt(base) / 1e6 + offsetMs },
      }),
    };
  };
}

export type RowKey = Pick<CostRow, 'comm' | 'mechanism' | 'syscall' | 'id'>;

export function costKeyReader(layout: Layout, bytes: Uint8Array, label: RowLabel): (index: number) => RowKey {
  const key = new StructReader(layout, bytes);
  const comm = key.text('comm');
  const id = key.bigint('id');
  const mechanism = key.number('mechanism');
  const syscall = key.number('syscall');
  return (index) => {
    const base = index * key.size;
    return {
      comm: comm(base),
      mechanism: mechanismAt(mechanism(base)),
      syscall: syscallAt(syscall(base)),
      ...(label !== 'none' && { id: id(base).toString() }),
    };
  };
}

export function lastUsedReader(layout: Layout, bytes: Uint8Array): (index: number) => number {
  const row = new StructReader(layout, bytes);
  const lastUsed = row.number('last_used_ns');
  return (index) => lastUsed(index * row.size);
}

export type FailureKey = Omit<FailureRow, 'count'>;

export function failureKeyReader(layout: Layout, bytes: Uint8Array, label: RowLabel): (index: number) => FailureKey {
  const key = new StructReader(layout, bytes);
  const comm = key.text('comm');
  const id = key.bigint('id');
  const kind = key.number('kind');
  const syscall = key.number('syscall');
  const error = key.number('error');
  return (index) => {
    const base = index * key.size;
    return {
      kind: FAILURE_KINDS[kind(base)] ?? 'spawn',
      comm: comm(base),
      syscall: syscallAt(syscall(base)),
      errno: error(base),
      ...(label !== 'none' && { id: id(base).toString() }),
    };
  };
}

/** The key that an index into `other_failures` stands for. */
export function otherFailureKey(index: number): Pick<FailureRow, 'kind' | 'syscall' | 'errno'> {
  const kindAndSyscall = Math.floor(index / MAX_ERRNO);
  return {
    kind: FAILURE_KINDS[Math.floor(kindAndSyscall / SYSCALLS.length)] ?? 'spawn',
    syscall: syscallAt(kindAndSyscall % SYSCALLS.length),
    errno: index % MAX_ERRNO,
  };
}

export const OTHER_FAILURES = FAILURE_KINDS.length * SYSCALLS.length * MAX_ERRNO;

export function healthReader(
  layout: Layout,
  bytes: Uint8Array,
): () => Omit<Health, 'tableRows' | 'tableCapacity' | 'rowsEvicted'> {
  const health = new StructReader(layout, bytes);
  const eventsLost = health.number('events_lost');
  const rowsFolded = health.number('rows_folded');
  const failuresFolded = health.number('failures_folded');
  const callsUntracked = health.number('calls_untracked');
  const processesUntracked = health.number('processes_untracked');
  const processesTracked = health.number('processes_tracked');
  const callsTracked = health.number('calls_tracked');
  return () => ({
    eventsLost: eventsLost(0),
    rowsFolded: rowsFolded(0),
    failuresFolded: failuresFolded(0),
    callsUntracked: callsUntracked(0),
    processesUntracked: processesUntracked(0),
    processesTracked: processesTracked(0),
    callsTracked: callsTracked(0),
  });
}

/** Reads the i-th event of a buffer of them. */
export function eventReader(layout: Layout, bytes: Uint8Array): (index: number, offsetMs: number) => EngineEvent {
  const event = new StructReader(layout, bytes);
  const number = (field: string) => event.number(field);
  const read = {
    timeNs: number('time_ns'),
    stallNs: number('stall_ns'),
    copyNs: number('copy_ns'),
    rss: number('copied_rss_bytes'),
    pageTables: number('copied_page_table_bytes'),
    sinceBirthNs: number('since_birth_ns'),
    cgroup: event.bigint('cgroup'),
    pid: number('pid'),
    tid: number('tid'),
    child: number('child'),
    exitCode: number('exit_code'),
    error: number('error'),
    kind: number('kind'),
    mechanism: number('mechanism'),
    syscall: number('syscall'),
    noStall: number('no_stall'),
    execSeen: number('exec_seen'),
    comm: event.text('comm'),
    file: event.text('file'),
  };
  return (index, offsetMs) => {
    const at = index * event.size;
    const base = {
      atMs: read.timeNs(at) / 1e6 + offsetMs,
      pid: read.pid(at),
      tid: read.tid(at),
      comm: read.comm(at),
      mechanism: mechanismAt(read.mechanism(at)),
      syscall: syscallAt(read.syscall(at)),
      cgroup: read.cgroup(at).toString(),
    };
    const child = read.child(at);
    const kind = EVENT_KINDS[read.kind(at)] ?? 'exit';
    switch (kind) {
      case 'spawn':
        return {
          ...base,
          kind,
          child,
          ...(read.noStall(at) === 0 && { stallNs: read.stallNs(at), copyNs: read.copyNs(at) }),
          copiedRssBytes: read.rss(at),
          copiedPageTableBytes: read.pageTables(at),
        };
      case 'spawn-failure':
        return { ...base, kind, stallNs: read.stallNs(at), errno: read.error(at) };
      case 'exec':
        return { ...base, kind, child, delayNs: read.sinceBirthNs(at), file: read.file(at) };
      case 'exec-failure':
        return { ...base, kind, child, delayNs: read.sinceBirthNs(at), file: read.file(at), errno: read.error(at) };
      case 'exit':
        return {
          ...base,
          kind,
          child,
          lifetimeNs: read.sinceBirthNs(at),
          status: statusOf(read.exitCode(at)),
          execSeen: read.execSeen(at) === 1,
        };
    }
  };
}
