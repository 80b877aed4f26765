/** Decodes the structs of `probes/spawn.h` into rows and events. */
import type { HistogramKind } from '../../model/bounds.ts';
import type { ColumnKind, CostColumnName } from '../../model/columns.ts';
import { eachColumn, type Costs } from '../../model/costs.ts';
import type { EngineEvent } from '../../model/events.ts';
import { snakeCase } from '../../model/names.ts';
import type { RowLabel } from '../../model/options.ts';
import type { CostKey, CostRow, FailureRow } from '../../model/rows.ts';
import type { Health } from '../../model/snapshot.ts';
import type { Layout } from '../../system/native.ts';
import { statusOf } from '../shared/wait-status.ts';
import { readEnums } from './enums.ts';
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
const KERNEL_HEALTH = [
  'eventsLost',
  'rowsFolded',
  'failuresFolded',
  'callsUntracked',
  'processesUntracked',
  'processesTracked',
  'callsTracked',
] as const satisfies readonly (keyof Health)[];
type KernelHealth = Pick<Health, (typeof KERNEL_HEALTH)[number]>;

export function healthReader(layout: Layout, bytes: Uint8Array): () => KernelHealth {
  const health = new StructReader(layout, bytes);
  const readers = KERNEL_HEALTH.map((name) => [name, health.number(snakeCase(name))] as const);
  return () => Object.fromEntries(readers.map(([name, read]) => [name, read(0)])) as unknown as KernelHealth;
}

/** Gives a function that reads the i-th event of a buffer. */
export function eventReader(layout: Layout, bytes: Uint8Array): (index: number, offsetMs: number) => EngineEvent {
  const event = new StructReader(layout, bytes);
  const number = (field: string) => event.number(field);
  const read = {
    timeNs: number('time_ns'),
    stallNs: number('stall_ns'),
    copyNs: number('copy_ns'),
    rss: number('copied_rss_bytes'),
    pageTables: number('copied_page_table_bytes'),
    sinceSpawnNs: number('since_spawn_ns'),
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
  const nameOf = readEnums();
  return (index, offsetMs) => {
    const at = index * event.size;
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
          ...(read.noStall(at) === 0 && { stallNs: read.stallNs(at), copyNs: read.copyNs(at) }),
          copiedRssBytes: read.rss(at),
          copiedPageTableBytes: read.pageTables(at),
        };
      case 'spawn-failure':
        return { ...base, kind, stallNs: read.stallNs(at), errno: read.error(at) };
      case 'exec':
        return { ...base, kind, child, delayNs: read.sinceSpawnNs(at), file: read.file(at) };
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
