/** Decodes the structs of `probes/spawn.h` into rows and events. */
import type { HistogramKind } from '../../model/bounds.ts';
import type { ColumnKind, CostColumnName } from '../../model/columns.ts';
import type { CallStack, StackLosses } from '../../model/call-stack.ts';
import { eachColumn, type Costs } from '../../model/costs.ts';
import type { Ancestry, CommandLine, EngineEvent } from '../../model/events.ts';
import { snakeCase } from '../../model/names.ts';
import { nameSpawner, type Naming } from '../../model/naming.ts';
import type { RowLabel } from '../../model/options.ts';
import type { CostKey, CostRow, FailureRow } from '../../model/rows.ts';
import { LOSSES, type Health } from '../../model/snapshot.ts';
import type { Layout } from '../../system/native.ts';
import { statusOf } from '../shared/wait-status.ts';
import { readEnums, type Detail } from './enums.ts';
import { StructReader } from './struct-reader.ts';

const SUM_FIELDS: Readonly<Record<HistogramKind, string>> = {
  timeHistogram: 'sum_ns',
  lifetimeHistogram: 'sum_ns',
  sizeHistogram: 'sum_bytes',
};

export type RowCosts = Costs & Pick<CostRow, 'slowest'>;
type ColumnReaders = { readonly [Name in CostColumnName]: (base: number) => Costs[Name] };

/** Gives a function that reads the i-th `cost_row` of a buffer. */
export function costReader(layout: Layout, bytes: Uint8Array): (index: number, offsetMs: number) => RowCosts {
  const row = new StructReader(layout, bytes);
  const columns = eachColumn<ColumnReaders>(({ name, kind }) => columnReader(row, snakeCase(name), kind));
  const slowest = {
    pid: row.number('slowest.pid'),
    stallNs: row.number('slowest.stall_ns'),
    timeNs: row.number('slowest.time_ns'),
  };
  return (index, offsetMs) => {
    const base = index * row.size;
    const stallNs = slowest.stallNs(base);
    const costs: RowCosts = eachColumn<Costs>(({ name }) => columns[name](base));
    if (stallNs === 0) return costs;
    const atMs = slowest.timeNs(base) / 1e6 + offsetMs;
    return Object.assign(costs, { slowest: { pid: slowest.pid(base), stallNs, atMs } });
  };
}

function columnReader(row: StructReader, field: string, kind: ColumnKind<CostColumnName>) {
  if (kind === 'counter') return row.number(field);
  const counts = row.numbers(`${field}.slots`);
  const sum = row.number(`${field}.${SUM_FIELDS[kind]}`);
  return (base: number) => ({ counts: counts(base), sum: sum(base) });
}

export function costKeyReader(layout: Layout, bytes: Uint8Array, label: RowLabel): (index: number) => CostKey {
  const key = new StructReader(layout, bytes);
  const comm = key.text('comm');
  const id = key.bigint('id');
  const mechanism = key.number('mechanism');
  const syscall = key.number('syscall');
  const nameOf = readEnums();
  return (index) => {
    const base = index * key.size;
    return {
      comm: comm(base),
      mechanism: nameOf.mechanism(mechanism(base)),
      syscall: nameOf.syscall(syscall(base)),
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
  const nameOf = readEnums();
  return (index) => {
    const base = index * key.size;
    return {
      kind: nameOf.failureKind(kind(base)),
      comm: comm(base),
      syscall: nameOf.syscall(syscall(base)),
      errno: error(base),
      ...(label !== 'none' && { id: id(base).toString() }),
    };
  };
}

/** The fields of `Health` that the kernel counts. The others are known in user space. */
const KERNEL_HEALTH = [...LOSSES, 'processesTracked', 'callsTracked'] as const satisfies readonly (keyof Health)[];
type KernelHealth = Pick<Health, (typeof KERNEL_HEALTH)[number]>;

export function healthReader(layout: Layout, bytes: Uint8Array): () => KernelHealth {
  const health = new StructReader(layout, bytes);
  const readers = KERNEL_HEALTH.map((name) => [name, health.number(snakeCase(name))] as const);
  return () => Object.fromEntries(readers.map(([name, read]) => [name, read(0)])) as unknown as KernelHealth;
}

/** Gives a function that reads the i-th stack of a buffer whose records have `recordBytes` each, and wipes it there. */
export function stackReader(layout: Layout, bytes: Uint8Array, recordBytes: number): (index: number) => CallStack {
  const stack = new StructReader(layout, bytes);
  const read = {
    id: stack.number('id'),
    cgroup: stack.bigint('cgroup'),
    start: stack.bigint('start'),
    length: stack.number('length'),
    pid: stack.number('pid'),
    tid: stack.number('tid'),
    forkedFrom: stack.number('forked_from'),
  };
  const registers = layout.fields['registers'] ?? { offset: 0, size: 0 };
  return (index) => {
    const at = index * recordBytes;
    const stackAt = at + stack.size;
    const forkedFrom = read.forkedFrom(at);
    const taken = {
      id: read.id(at),
      pid: read.pid(at),
      tid: read.tid(at),
      ...(forkedFrom > 0 && { forkedFrom }),
      cgroup: read.cgroup(at).toString(),
      stackStart: read.start(at),
      registers: new Uint8Array(bytes.subarray(at + registers.offset, at + registers.offset + registers.size)),
      stack: new Uint8Array(bytes.subarray(stackAt, stackAt + read.length(at))),
    };
    bytes.fill(0, at, at + recordBytes);
    return taken;
  };
}

const STACK_LOSSES = ['overLimit', 'ringFull', 'unreadable'] as const satisfies readonly (keyof StackLosses)[];

export function stackLossesReader(layout: Layout, bytes: Uint8Array): () => StackLosses {
  const losses = new StructReader(layout, bytes);
  const readers = STACK_LOSSES.map((name) => [name, losses.number(snakeCase(name))] as const);
  return () => Object.fromEntries(readers.map(([name, read]) => [name, read(0)])) as unknown as StackLosses;
}

interface EventSource {
  /** Gives the layout of a struct. */
  readonly layout: (name: string) => Layout;
  readonly bytes: Uint8Array;
  /** Ancestors are named as spawners are. */
  readonly nameBy: Naming;
  /** Whether the waits of siblings are measured. */
  readonly siblings: boolean;
}

/** Gives a function that reads all events in the first `size` bytes. Events differ in size by their detail. */
export function eventsReader(source: EventSource): (size: number, offsetMs: number) => EngineEvent[] {
  const { layout, bytes } = source;
  const event = new StructReader(layout('event'), bytes);
  const detailOf = event.number('detail');
  const detailSizes: Record<Detail, number> = {
    none: 0,
    arguments: layout('arguments').size,
    ancestors: layout('ancestors').size,
  };
  const read = eventReader(source, event);
  const nameOf = readEnums();
  return (size, offsetMs) => {
    const events: EngineEvent[] = [];
    for (let at = 0; at < size;) {
      const detail = nameOf.eventDetail(detailOf(at));
      events.push(read(at, detail, offsetMs));
      at += event.size + detailSizes[detail];
    }
    return events;
  };
}

function eventReader({ layout, bytes, nameBy, siblings }: EventSource, event: StructReader) {
  const number = (field: string) => event.number(field);
  const commandLineAt = commandLineReader(layout('arguments'), bytes);
  const ancestryAt = ancestryReader(layout('ancestors'), layout('ancestor'), bytes, nameBy);
  const read = {
    timeNs: number('time_ns'),
    stallNs: number('stall_ns'),
    copyNs: number('copy_ns'),
    siblingWaitNs: number('sibling_wait_ns'),
    rss: number('copied_rss_bytes'),
    pageTables: number('copied_page_table_bytes'),
    sinceSpawnNs: number('since_spawn_ns'),
    cgroup: event.bigint('cgroup'),
    stack: number('stack'),
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
  const nameOf = readEnums();
  const stackOf = (at: number) => {
    const stack = read.stack(at);
    return stack === 0 ? {} : { stack };
  };
  return (at: number, detail: Detail, offsetMs: number): EngineEvent => {
    const detailAt = at + event.size;
    const commandLine = detail === 'arguments' ? commandLineAt(detailAt) : undefined;
    const ancestry = detail === 'ancestors' && { ancestry: ancestryAt(detailAt) };
    const base = {
      atMs: read.timeNs(at) / 1e6 + offsetMs,
      pid: read.pid(at),
      tid: read.tid(at),
      comm: read.comm(at),
      mechanism: nameOf.mechanism(read.mechanism(at)),
      syscall: nameOf.syscall(read.syscall(at)),
      cgroup: read.cgroup(at).toString(),
    };
    const child = read.child(at);
    const kind = nameOf.eventKind(read.kind(at));
    switch (kind) {
      case 'spawn':
        return {
          ...base,
          kind,
          child,
          ...(read.noStall(at) === 0 && {
            stallNs: read.stallNs(at),
            copyNs: read.copyNs(at),
            ...(siblings && { siblingWaitNs: read.siblingWaitNs(at) }),
          }),
          copiedRssBytes: read.rss(at),
          copiedPageTableBytes: read.pageTables(at),
          ...stackOf(at),
          ...ancestry,
        };
      case 'spawn-failure':
        return { ...base, kind, stallNs: read.stallNs(at), errno: read.error(at), ...stackOf(at), ...ancestry };
      case 'exec':
        return {
          ...base,
          kind,
          child,
          delayNs: read.sinceSpawnNs(at),
          file: read.file(at),
          ...(commandLine && { commandLine }),
        };
      case 'exec-failure':
        return { ...base, kind, child, delayNs: read.sinceSpawnNs(at), file: read.file(at), errno: read.error(at) };
      case 'exit':
        return {
          ...base,
          kind,
          child,
          lifetimeNs: read.sinceSpawnNs(at),
          status: statusOf(read.exitCode(at)),
          execSeen: read.execSeen(at) === 1,
        };
    }
  };
}

/** Gives undefined where the kernel could not read the command line. */
function commandLineReader(layout: Layout, bytes: Uint8Array): (at: number) => CommandLine | undefined {
  const line = new StructReader(layout, bytes);
  const length = line.number('length');
  const cut = line.number('cut');
  const text = line.bytes('text');
  return (at) => {
    if (length(at) === 0) return undefined;
    const words = text(at, length(at)).toString('utf8').split('\0');
    // A NUL ends the last word, unless it is cut.
    if (words.at(-1) === '') words.pop();
    return { words, cut: cut(at) !== 0 };
  };
}

function ancestryReader(
  layout: Layout,
  ancestorLayout: Layout,
  bytes: Uint8Array,
  nameBy: Naming,
): (at: number) => Ancestry {
  const ancestors = new StructReader(layout, bytes);
  const count = ancestors.number('count');
  const cut = ancestors.number('cut');
  const chain = ancestors.offset('chain');
  const ancestor = new StructReader(ancestorLayout, bytes);
  const pid = ancestor.number('pid');
  const comm = ancestor.text('comm');
  const exe = ancestor.text('exe');
  return (at) => ({
    chain: Array.from({ length: count(at) }, (_, i) => {
      const base = at + chain + i * ancestor.size;
      return { pid: pid(base), comm: nameSpawner(nameBy, { comm: comm(base), exe: exe(base) }) };
    }),
    cut: cut(at) !== 0,
  });
}
