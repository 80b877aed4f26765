/**
 * Makes costs and events of the steps that bpftrace prints. Steps come in any order, because those of one spawn are printed
 * on several processors. A step that needs another one waits for it. A step that waits too long is counted as untracked.
 */
import { ChargedRow, type CostTable } from './cost-table.ts';
import { SYSCALLS, type Mechanism, type SpawnSyscall } from '../../model/spawn.ts';
import type { CostKey } from '../../model/rows.ts';
import type { EngineEvent } from '../../model/events.ts';
import { goesBy, nameSpawner } from '../../model/naming.ts';
import type { EngineOptions } from '../../model/options.ts';
import { enumNames, probeConstant } from '../shared/probe-constants.ts';
import { statusOf } from '../shared/wait-status.ts';
import type { Birth, Exec, ExecFailure, Exit, Failure, Return, Step } from './lines.ts';

/** How long a step waits for its other half, and a child for page faults, which come seconds late. */
const WAIT_MS = 10_000;

interface SpawnCall {
  readonly birth: Birth;
  readonly key: CostKey;
  readonly child: Child;
  /** When its thread was seen in another call. It will not return from this one. */
  replacedAtMs?: number;
}

interface Child {
  readonly birth: Birth;
  readonly bornNs: bigint;
  readonly key: CostKey;
  stallNs: number | undefined;
  executed: boolean;
  ended: boolean;
  /** When it ended. Only late faults are expected after that. */
  endedAtMs: number;
}

type Waiting = { readonly step: Return | Exec | ExecFailure | Exit; readonly sinceMs: number };

export interface JoinerOptions extends Pick<
  EngineOptions,
  'label' | 'nameBy' | 'aforkCostNs' | 'filter' | 'maxProcesses'
> {
  readonly ownPid: number;
  readonly pageBytes: number;
  /** Gives the milliseconds since the epoch when the boot clock was at 0. */
  readonly bootEpochMs: () => number;
}

export class Joiner {
  readonly #table: CostTable;
  readonly #options: JoinerOptions;
  readonly #emit: (event: EngineEvent) => void;
  readonly #children = new Map<string, Child>();
  readonly #childOfPid = new Map<number, Child>();
  readonly #calls = new Map<string, SpawnCall>();
  readonly #callOfThread = new Map<number, string>();
  /** The last fork of each pid, to which its CoW faults as a spawner are charged. */
  readonly #forks = new Map<number, CostKey>();
  readonly #waiting = new Map<string, Waiting[]>();
  readonly #callCode = callCode();
  readonly #faultBits = faultBits();
  callsUntracked = 0;
  processesUntracked = 0;

  constructor(table: CostTable, options: JoinerOptions, emit: (event: EngineEvent) => void) {
    this.#table = table;
    this.#options = options;
    this.#emit = emit;
  }

  get callsTracked(): number {
    return this.#calls.size;
  }

  get processesTracked(): number {
    let alive = 0;
    for (const { ended } of this.#children.values()) if (!ended) alive++;
    return alive;
  }

  take(step: Step): void {
    switch (step.kind) {
      case 'birth':
        return this.#takeBirth(step);
      case 'return':
        return this.#takeReturn(step);
      case 'failure':
        return this.#takeFailure(step);
      case 'exec':
      case 'exec-failure':
      case 'exit':
        return this.#takeOfChild(step);
    }
  }

  #takeBirth(birth: Birth): void {
    const key = this.#keyOf(birth, this.#callCode.mechanismOf(birth.flags));
    const row = this.#row(key);
    const child: Child = {
      birth,
      bornNs: BigInt(birth.birth),
      key,
      stallNs: undefined,
      executed: false,
      ended: false,
      endedAtMs: 0,
    };
    row.charges.spawns++;
    row.charges.copiedPageTableBytes += birth.pageTableBytes;
    row.charges.copiedRss.observe(birth.pages * this.#options.pageBytes);
    if (key.mechanism === 'fork') remember(this.#forks, birth.pid, key, this.#options.maxProcesses);
    if (remember(this.#children, childName(birth), child, this.#options.maxProcesses)) this.processesUntracked++;
    this.#childOfPid.set(birth.child, child);
    if (this.#callCode.syscallOf(birth.call) === 'unknown') this.#emit(this.#spawnEvent(birth, key, child.bornNs));
    else {
      const replaced = this.#calls.get(this.#callOfThread.get(birth.tid) ?? '');
      if (replaced) replaced.replacedAtMs = Date.now();
      if (remember(this.#calls, callName(birth), { birth, key, child }, this.#options.maxProcesses))
        this.callsUntracked++;
      this.#callOfThread.set(birth.tid, callName(birth));
      this.#takeWaiting(callName(birth));
    }
    this.#takeWaiting(childName(birth));
  }

  #takeReturn(step: Return): void {
    const call = this.#calls.get(callName(step));
    if (!call) return this.#wait(callName(step), step);
    this.#calls.delete(callName(step));
    if (this.#callOfThread.get(step.tid) === callName(step)) this.#callOfThread.delete(step.tid);
    const { birth, key, child } = call;
    const startNs = this.#callCode.startOf(step.call);
    const stallNs = Number(step.now - startNs);
    const copyNs = Number(child.bornNs - startNs);
    const row = this.#row(key);
    row.charges.stall.observe(stallNs);
    row.charges.copyNs += copyNs;
    row.noteSlowest({ pid: birth.pid, stallNs, atMs: this.#atMs(step.now) });
    child.stallNs = stallNs;
    if (child.executed) row.chargeExecStall(stallNs, this.#options.aforkCostNs);
    this.#emit({ ...this.#spawnEvent(birth, key, step.now), stallNs, copyNs });
  }

  #takeFailure(step: Failure): void {
    if (!this.#isWanted(step)) return;
    const key = this.#keyOf(step, this.#callCode.mechanismOf(this.#callCode.flagsOf(step.call)));
    const { comm, syscall, id } = key;
    this.#table.countFailure({ kind: 'spawn', comm, syscall, errno: step.errno, ...(id !== undefined && { id }) });
    this.#emit({
      kind: 'spawn-failure',
      atMs: this.#atMs(step.now),
      pid: step.pid,
      tid: step.tid,
      comm,
      mechanism: key.mechanism,
      syscall,
      cgroup: step.cgroup,
      stallNs: Number(step.now - this.#callCode.startOf(step.call)),
      errno: step.errno,
    });
  }

  /** Whether a failed call is by a wanted spawner. The probes filter only calls that created a child. */
  #isWanted({ pid, names, cgroup }: Failure): boolean {
    const { ownPid, filter, nameBy } = this.#options;
    if (pid === ownPid) return false;
    if (filter.comm !== undefined && !goesBy(filter.comm, nameBy, names)) return false;
    if (filter.cgroup !== undefined && cgroup !== filter.cgroup) return false;
    if (filter.pid === undefined || pid === filter.pid) return true;
    return filter.follow === true && this.#childOfPid.get(pid)?.ended === false;
  }

  #takeOfChild(step: Exec | ExecFailure | Exit): void {
    const child = this.#children.get(childName(step));
    // The child has called exec. The step that says so may come later.
    if (!child || (step.kind === 'exit' && step.executed && !child.executed)) return this.#wait(childName(step), step);
    if (step.kind === 'exec') this.#takeExec(child, step);
    else if (step.kind === 'exec-failure') this.#takeExecFailure(child, step);
    else this.#takeExit(child, step);
  }

  #takeExec(child: Child, step: Exec): void {
    if (child.executed) return;
    child.executed = true;
    const delayNs = Number(step.now - child.bornNs);
    const row = this.#row(child.key);
    row.charges.execDelay.observe(delayNs);
    if (child.stallNs !== undefined) row.chargeExecStall(child.stallNs, this.#options.aforkCostNs);
    this.#emit({ kind: 'exec', ...this.#ofChild(child, step.now), delayNs, file: step.file });
    this.#takeWaiting(childName(step));
  }

  #takeExecFailure(child: Child, { now, errno, file }: ExecFailure): void {
    const { comm, syscall, id } = child.key;
    this.#table.countFailure({ kind: 'exec', comm, syscall, errno, ...(id !== undefined && { id }) });
    const delayNs = Number(now - child.bornNs);
    this.#emit({ kind: 'exec-failure', ...this.#ofChild(child, now), delayNs, errno, file });
  }

  #takeExit(child: Child, { now, exitCode, executed }: Exit): void {
    // Threads that end at the same moment each tell that none goes on.
    if (child.ended) return;
    const lifetimeNs = Number(now - child.bornNs);
    child.ended = true;
    child.endedAtMs = Date.now();
    this.#row(child.key).charges.lifetime.observe(lifetimeNs);
    const status = statusOf(exitCode);
    this.#emit({ kind: 'exit', ...this.#ofChild(child, now), lifetimeNs, status, execSeen: executed });
  }

  /** `what` is a set of bits of the enum `fault_bits`. */
  takeFaults(pid: number, what: number, count: number): void {
    const { cowInSpawner, inChild, cowInChild } = this.#faultBits;
    const fork = this.#forks.get(pid);
    const child = this.#childOfPid.get(pid);
    if (what & cowInSpawner && fork) this.#table.rowOf(fork, 0).charges.cowFaultsParent += count;
    if (!child || !(what & (inChild | cowInChild))) return;
    const row = this.#table.rowOf(child.key, 0);
    if (what & inChild) row.charges.childFaults += count;
    if (what & cowInChild) row.charges.cowFaultsChild += count;
  }

  #wait(name: string, step: Waiting['step']): void {
    const waiting = this.#waiting.get(name) ?? [];
    waiting.push({ step, sinceMs: Date.now() });
    this.#waiting.set(name, waiting);
  }

  #takeWaiting(name: string): void {
    const waiting = this.#waiting.get(name);
    if (!waiting) return;
    this.#waiting.delete(name);
    for (const { step } of waiting) this.take(step);
  }

  /** Removes what has waited too long and what is over. */
  expire(nowMs: number): void {
    for (const [name, [first]] of this.#waiting) {
      if (!first || nowMs - first.sinceMs < WAIT_MS) continue;
      this.#waiting.delete(name);
      if (first.step.kind === 'return') this.callsUntracked++;
      else this.processesUntracked++;
    }
    for (const [name, child] of this.#children) {
      if (!child.ended || nowMs - child.endedAtMs < WAIT_MS) continue;
      this.#children.delete(name);
      if (this.#childOfPid.get(child.birth.child) === child) this.#childOfPid.delete(child.birth.child);
    }
    for (const [name, { replacedAtMs = Infinity }] of this.#calls)
      if (nowMs - replacedAtMs >= WAIT_MS) this.#calls.delete(name);
  }

  /** Forgets everything under way, because the source was started again and will not report its end. */
  forget(): void {
    this.callsUntracked += this.#calls.size;
    this.processesUntracked += this.processesTracked;
    for (const map of [this.#children, this.#childOfPid, this.#calls, this.#callOfThread, this.#forks, this.#waiting])
      map.clear();
  }

  #keyOf(caller: Birth | Failure, mechanism: Mechanism): CostKey {
    const { label, nameBy } = this.#options;
    const id = label === 'none' ? undefined : label === 'pid' ? String(caller.pid) : caller.cgroup;
    return {
      comm: nameSpawner(nameBy, caller.names),
      mechanism,
      syscall: this.#callCode.syscallOf(caller.call),
      ...(id !== undefined && { id }),
    };
  }

  #row(key: CostKey): ChargedRow {
    return this.#table.rowOf(key, Date.now());
  }

  #atMs(bootNs: bigint): number {
    return Number(bootNs) / 1e6 + this.#options.bootEpochMs();
  }

  #ofChild({ birth, key }: Child, now: bigint) {
    const { mechanism, syscall, comm } = key;
    const { pid, tid, cgroup, child } = birth;
    return { atMs: this.#atMs(now), pid, tid, comm, mechanism, syscall, cgroup, child };
  }

  #spawnEvent(birth: Birth, key: CostKey, now: bigint) {
    const { mechanism, syscall, comm } = key;
    const { pid, tid, cgroup, child, pages, pageTableBytes: copiedPageTableBytes } = birth;
    const spawner = { atMs: this.#atMs(now), pid, tid, comm, mechanism, syscall, cgroup };
    return {
      kind: 'spawn' as const,
      ...spawner,
      child,
      copiedRssBytes: pages * this.#options.pageBytes,
      copiedPageTableBytes,
    };
  }
}

const childName = ({ child, birth }: { readonly child: number; readonly birth: string }) => `${child} ${birth}`;
const callName = ({ tid, call }: { readonly tid: number; readonly call: string }) => `call ${tid} ${call}`;

/** Decodes a `call` of the script. The enum `call_code` of `probes/spawn.h` says what it consists of. */
function callCode() {
  const [cloneVm, cloneVfork] = [probeConstant('CLONE_VM'), probeConstant('CLONE_VFORK')];
  const [codeVm, codeVfork] = [BigInt(probeConstant('CODE_VM')), BigInt(probeConstant('CODE_VFORK'))];
  const [codeSyscall, codeStart] = [BigInt(probeConstant('CODE_SYSCALL')), BigInt(probeConstant('CODE_START'))];
  const syscallName = enumNames('SYSCALL', SYSCALLS);
  return {
    startOf: (call: string): bigint => BigInt(call) >> codeStart,
    syscallOf: (call: string): SpawnSyscall => syscallName(Number(BigInt(call) & codeSyscall)),
    flagsOf: (call: string): number =>
      (BigInt(call) & codeVm ? cloneVm : 0) | (BigInt(call) & codeVfork ? cloneVfork : 0),
    mechanismOf(flags: number): Mechanism {
      if (!(flags & cloneVm)) return 'fork';
      return flags & cloneVfork ? 'vfork' : 'afork';
    },
  };
}

/** The bits of `what` in the script's maps of page faults. */
function faultBits() {
  return {
    cowInSpawner: probeConstant('FAULT_COW_SPAWNER'),
    inChild: probeConstant('FAULT_CHILD'),
    cowInChild: probeConstant('FAULT_COW_CHILD'),
  };
}

/** Adds an entry as the last one, and removes the first one if there are too many. Gives whether one was removed. */
function remember<K, V>(map: Map<K, V>, key: K, value: V, most: number): boolean {
  map.delete(key);
  map.set(key, value);
  if (map.size <= most) return false;
  const [oldest] = map.keys();
  if (oldest !== undefined) map.delete(oldest);
  return true;
}
