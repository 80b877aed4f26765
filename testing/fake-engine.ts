/** An engine made of plain values, for tests of code that uses engines. */
import { NO_COSTS } from '../collector/model/costs.ts';
import { LIFETIME_BOUNDS_NS, SIZE_BOUNDS_BYTES, TIME_BOUNDS_NS } from '../collector/model/bounds.ts';
import { slotOf } from '../collector/model/histogram.ts';
import type { CostRow, FailureRow } from '../collector/model/rows.ts';
import type { Engine } from '../collector/model/engine.ts';
import type { EngineEvent, SpawnEvent } from '../collector/model/events.ts';
import { NO_HEALTH, type Health, type Snapshot } from '../collector/model/snapshot.ts';
import type { Hook } from '../collector/model/hooks.ts';

export const AT_MS = 1_800_000_000_000;

export interface FakeEngine extends Engine {
  /** The result of the next snapshot(). Tests change it in place. */
  next: Snapshot;
  emit(...events: EngineEvent[]): void;
  readonly subscribers: number;
  readonly closed: boolean;
}

type FakeOptions = Partial<Omit<Snapshot, 'health'>> & {
  health?: Partial<Health>;
  hooks?: readonly Hook[];
  label?: Engine['label'];
  insteadOf?: Engine['insteadOf'];
};

export function createFakeEngine(options: FakeOptions = {}): FakeEngine {
  const { hooks = FAKE_HOOKS, label = 'none', health, insteadOf, ...snapshot } = options;
  const subscribers = new Set<(events: readonly EngineEvent[]) => void>();
  let closed = false;
  return {
    name: 'replay',
    callHook: 'syscalls',
    hooks,
    label,
    ...(insteadOf && { insteadOf }),
    next: { ...EMPTY_SNAPSHOT, ...snapshot, health: { ...EMPTY_SNAPSHOT.health, ...health } },
    snapshot() {
      return this.next;
    },
    subscribe(onEvents) {
      subscribers.add(onEvents);
      return () => subscribers.delete(onEvents);
    },
    emit: (...events) => {
      for (const onEvents of subscribers) onEvents(events);
    },
    get subscribers() {
      return subscribers.size;
    },
    get closed() {
      return closed;
    },
    close: () => {
      closed = true;
    },
  };
}

export const FAKE_HOOKS: readonly Hook[] = [
  { name: 'task_newtask', attached: true, columns: ['spawns'] },
  { name: 'calls', attached: true, columns: ['stall'] },
  { name: 'sched_process_exec', attached: true, columns: ['exec'] },
  { name: 'exec_exit', attached: true, columns: ['execFailures'] },
  { name: 'sched_process_exit', attached: true, columns: ['lifetime'] },
  { name: 'page_fault_user', attached: true, columns: ['faults'] },
  { name: 'fexit:do_wp_page', attached: true, columns: ['cowFaultTimes'] },
  { name: 'lock:contention', attached: true, columns: ['siblings'] },
];

/** Gives the same hooks, with one of them not attached. */
export function hooksWithout(missing: string): readonly Hook[] {
  return FAKE_HOOKS.map(({ name, columns }) => ({ name, columns, attached: name !== missing }));
}

const EMPTY_SNAPSHOT: Snapshot = {
  atMs: AT_MS,
  rows: [],
  failures: [],
  programs: [],
  health: { ...NO_HEALTH, tableCapacity: 1024, processCapacity: 32_768 },
};

/** Makes a row of `spawns` calls that each stalled for 3 ms and copied 1 MiB by default; a fork had one sibling wait for 2 ms. */
export function fakeRow(row: Partial<CostRow> = {}): CostRow {
  const spawns = row.spawns ?? 1;
  return {
    comm: 'node',
    mechanism: 'fork',
    syscall: 'clone',
    ...NO_COSTS,
    spawns,
    stall: histogram(TIME_BOUNDS_NS, 3_000_000, spawns),
    copyNs: 2_000_000 * spawns,
    copiedRss: histogram(SIZE_BOUNDS_BYTES, 1_048_576, spawns),
    copiedPageTableBytes: 4096 * spawns,
    cowFaultsParent: 5 * spawns,
    cowFaultsChild: 2 * spawns,
    cowFaultsParentNs: 15_000 * spawns,
    cowFaultsChildNs: 5000 * spawns,
    childFaults: 7 * spawns,
    ...((row.mechanism ?? 'fork') === 'fork' && { siblingWait: histogram(TIME_BOUNDS_NS, 2_000_000, spawns) }),
    execDelay: histogram(TIME_BOUNDS_NS, 1_500_000, spawns),
    lifetime: histogram(LIFETIME_BOUNDS_NS, 20_000_000, spawns),
    execStallNs: 3_000_000 * spawns,
    execStalls: spawns,
    avoidableStallNs: 2_975_000 * spawns,
    ...row,
  };
}

export function fakeFailure(row: Partial<FailureRow> = {}): FailureRow {
  return { kind: 'exec', comm: 'node', syscall: 'clone', errno: 2, count: 1, ...row };
}

export function fakeSpawn(event: Partial<SpawnEvent> = {}): SpawnEvent {
  return {
    kind: 'spawn',
    atMs: AT_MS,
    pid: 100,
    tid: 100,
    comm: 'node',
    mechanism: 'fork',
    syscall: 'clone',
    cgroup: '1',
    child: 200,
    stallNs: 3_000_000,
    copyNs: 2_000_000,
    siblingWaitNs: 2_000_000,
    copiedRssBytes: 1_048_576,
    copiedPageTableBytes: 4096,
    ...event,
  };
}

/** Makes a histogram with `count` times the same value, in the bucket that the kernel would choose. */
export function histogram(bounds: readonly number[], value: number, count: number): { counts: number[]; sum: number } {
  const counts = Array.from({ length: bounds.length + 1 }, () => 0);
  counts[slotOf(bounds, value)] = count;
  return { counts, sum: value * count };
}
