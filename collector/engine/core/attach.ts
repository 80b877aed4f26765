/** Opens, configures, loads and attaches the probes as far as this kernel and this process allow. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { ForktaxError } from '../../model/errors.ts';
import { LIFETIME_BOUNDS_NS, SIZE_BOUNDS_BYTES, TIME_BOUNDS_NS } from '../../model/bounds.ts';
import { enumValue, probeConstant } from '../shared/probe-constants.ts';
import { u32, u64s } from '../shared/bytes.ts';
import { possibleCpus } from '../shared/cpus.ts';
import { learnCpuOffsets, learnOwnPid, LEARNING_PROGRAMS } from '../shared/kernel-facts.ts';
import { reasonOf } from '../shared/native-reason.ts';
import { CALL_HOOKS, type CallHook, type Hook } from '../../model/hooks.ts';
import { tryReadText } from '../../system/files.ts';
import { GENERIC_NAMES } from '../../model/naming.ts';
import type { Engine } from '../../model/engine.ts';
import type { EngineOptions } from '../../model/options.ts';
import { refusal } from './refusal.ts';
import {
  attachTargets,
  callHookPlans,
  CHILD_EXISTS,
  CHILD_EXISTS_PLAN,
  EVENT_HOOK_PLANS,
  impossibleHooks,
  TIMES_COW_FAULTS,
  type HookPlan,
} from './hooks.ts';
import { Pins, type Place } from './pins.ts';
import { stackChunks, stackRingBytes, STACKS } from './stack-stream.ts';
import { loadNative, probesPath, type BpfObject, type NativeBpf, type NativeError } from '../../system/native.ts';

export interface Attached {
  readonly object: BpfObject;
  readonly hooks: readonly Hook[];
  readonly callHook?: CallHook;
  /** Absent if nothing is pinned. */
  readonly pins?: Pins;
  readonly history?: NonNullable<Engine['history']>;
}

/** @throws FORKTAX_NO_BTF, FORKTAX_NO_PRIVILEGE, FORKTAX_NO_HOOK, FORKTAX_PROBES_REFUSED, FORKTAX_NO_NATIVE, FORKTAX_PIN */
export function attachProbes(options: EngineOptions): Attached {
  const native = loadNative();
  requireBtf();
  const pins = options.pin === undefined ? undefined : new Pins(native, options.pin);
  try {
    return attachByFirstWay(native, options, pins);
  } catch (error) {
    pins?.close();
    throw error;
  }
}

function attachByFirstWay(native: NativeBpf, options: EngineOptions, pins: Pins | undefined): Attached {
  const ways: readonly (CallHook | undefined)[] =
    options.callHook === 'auto' ? [...CALL_HOOKS, undefined] : [options.callHook];
  const refusals: string[] = [];
  const refused = new Map(impossibleHooks(process.arch));
  for (const name of options.withoutHooks) refused.set(name, 'switched off');
  for (const way of ways) {
    const trial = new Trial(native, options, way, pins, refused);
    try {
      return trial.run(refusals);
    } catch (error) {
      trial.close();
      if (!(error instanceof WayRefused)) throw error;
      refusals.push(error.message);
    }
  }
  throw new ForktaxError('FORKTAX_NO_HOOK', `the spawning calls cannot be seen by ${options.callHook}`, {
    detail: refusals.join('\n'),
  });
}

/** Thrown if the chosen call hook does not work here. Another one may work. */
class WayRefused extends Error {}

class Trial {
  readonly #native: NativeBpf;
  readonly #options: EngineOptions;
  readonly #way: CallHook | undefined;
  readonly #callPlans: readonly HookPlan[];
  /** Hooks that do not work here, with the reason. The trials share it: what the kernel refused once, it refuses again. */
  readonly #refused: Map<string, string>;
  readonly #pins: Pins | undefined;
  #place: Place | undefined;
  /** The programs that are pinned go on; none is attached. */
  #adopts = false;
  #object: BpfObject | undefined;
  #inexact: string | undefined;

  constructor(
    native: NativeBpf,
    options: EngineOptions,
    way: CallHook | undefined,
    pins: Pins | undefined,
    refused: Map<string, string>,
  ) {
    this.#native = native;
    this.#pins = pins;
    this.#options = options;
    this.#way = way;
    this.#callPlans = way ? callHookPlans(way, process.arch) : [];
    this.#refused = refused;
  }

  close(): void {
    this.#object?.close();
    if (!this.#adopts) this.#place?.removePrograms();
  }

  run(refusals: readonly string[]): Attached {
    const object = this.#load();
    learnOwnPid(object);
    this.#inexact = learnCpuOffsets(object);
    // The end of a spawn is hooked before its beginning, so that each beginning that is seen also has an end.
    if (!this.#adopts) for (const plan of this.#wanted()) this.#attach(object, plan);
    if (this.#pins && this.#place) this.#takeOver(object, this.#pins, this.#place);
    object.openRing('events', largestEvent(object));
    return {
      object,
      hooks: this.#report(refusals),
      ...(this.#way && { callHook: this.#way }),
      ...(this.#pins && this.#place && { pins: this.#pins, history: this.#pins.historyOf(this.#place) }),
    };
  }

  #takeOver(object: BpfObject, pins: Pins, place: Place): void {
    object.writeGlobal('active_generation', u64s([String(place.generation)]));
    // Whoever was streaming is gone.
    object.writeGlobal('streaming', u32(0));
    object.writeGlobal('stacks_wanted', u32(0));
    pins.removeOthers(place);
  }

  #plans(): readonly HookPlan[] {
    const { timesCowFaults } = this.#options;
    const ofEvents = EVENT_HOOK_PLANS.filter(({ name }) => timesCowFaults || name !== TIMES_COW_FAULTS);
    return [...ofEvents, ...this.#callPlans, CHILD_EXISTS_PLAN];
  }

  #wanted(): readonly HookPlan[] {
    return this.#plans().filter((plan) => !this.#refused.has(plan.name));
  }

  /** Loads what the kernel accepts. If it refuses a program, the hook is left out and the rest is tried again. */
  #load(): BpfObject {
    for (;;) {
      this.#object?.close();
      const object = new this.#native.BpfObject(probesPath);
      this.#object = object;
      this.#configure(object);
      try {
        object.load();
        return object;
      } catch (error) {
        this.#exclude(error as NativeError);
      }
    }
  }

  #configure(object: BpfObject): void {
    if (this.#pins) this.#pin(object, this.#pins);
    const attached = this.#adopts ? [] : this.#wanted().flatMap((plan) => plan.programs);
    const wanted = new Set([...Object.values(LEARNING_PROGRAMS), ...attached]);
    for (const program of object.programs()) object.setAutoload(program, wanted.has(program));
    for (const [program, target] of Object.entries(attachTargets(process.arch)))
      if (wanted.has(program)) this.#aim(object, program, target);
    object.setMaxEntries('costs', this.#options.maxSpawners);
    const { places, displaced } = entriesFor(processCapacity(this.#options));
    for (const map of ['process_places', 'call_places']) object.setMaxEntries(map, places);
    for (const map of ['displaced_procs', 'displaced_calls']) object.setMaxEntries(map, displaced);
    object.setMaxEntries('events', this.#options.ringBytes);
    object.setMaxEntries(STACKS, stackBytesOf(this.#options, this.#native.pageSize));
    for (const [name, bytes] of constants(this.#options, this.#native.pageSize)) object.setRodata(name, bytes);
    const timesCowFaults = this.#wanted().some(({ name }) => name === TIMES_COW_FAULTS);
    object.setRodata('times_cow_faults', bool(timesCowFaults));
  }

  #pin(object: BpfObject, pins: Pins): void {
    const { maxSpawners, ringBytes, label, nameBy, withoutHooks, timesCowFaults } = this.#options;
    const { pageSize } = this.#native;
    const stackBytes = stackBytesOf(this.#options, pageSize);
    const sizes = [maxSpawners, ringBytes, label, nameBy, processCapacity(this.#options), stackBytes];
    const values = constants(this.#options, pageSize).map(([name, bytes]) => [
      name,
      Buffer.from(bytes).toString('hex'),
    ]);
    const build = createHash('sha256').update(readFileSync(probesPath)).digest('hex');
    const place = pins.placeFor(object, sizes, [build, values, this.#way, withoutHooks, timesCowFaults]);
    this.#place = place;
    place.create();
    this.#adopts = this.#isWhole(place);
    if (this.#adopts) this.#refuseUnpinned(place);
    else place.beginPrograms();
    object.setMapFolder(place.folder);
    object.setRodata('generation', u64s([String(place.generation)]));
  }

  /** What sees that a child exists was attached last. */
  #isWhole(place: Place): boolean {
    const needed = [...this.#callPlans, CHILD_EXISTS_PLAN].flatMap(({ programs }) => programs);
    return place.isOnlyGeneration() && needed.every((program) => place.has(program));
  }

  #refuseUnpinned(place: Place): void {
    for (const { name, programs } of this.#wanted())
      if (!programs.every((program) => place.has(program)))
        this.#refused.set(name, 'it could not be attached when the counters were pinned');
  }

  #aim(object: BpfObject, program: string, target: string): void {
    try {
      object.setAttachTarget(program, target);
    } catch (error) {
      throw new WayRefused(`${this.#way}: ${reasonOf(error as NativeError)}`);
    }
  }

  #exclude(error: NativeError): void {
    const program = /prog '(\w+)'/.exec(error.log)?.[1];
    const plan = this.#wanted().find((each) => program && each.programs.includes(program));
    if (!plan) throw this.#pins?.refusal(error) ?? refusal(error);
    this.#give(plan, error);
  }

  #attach(object: BpfObject, plan: HookPlan): void {
    try {
      for (const program of plan.programs) object.attach(program, this.#place?.pathOf(program));
    } catch (error) {
      this.#give(plan, error as NativeError);
    }
  }

  /** Gives up a hook. Throws if it belongs to the call hook, or if nothing can be measured without it. */
  #give(plan: HookPlan, error: NativeError): void {
    if (plan.name === CHILD_EXISTS) throw refusal(error);
    if (this.#callPlans.includes(plan)) throw new WayRefused(`${this.#way}: ${reasonOf(error)}`);
    this.#refused.set(plan.name, reasonOf(error));
  }

  #report(refusals: readonly string[]): Hook[] {
    const hooks: Hook[] = this.#plans().map((plan) => hookOf(plan, this.#refused.get(plan.name)));
    if (this.#inexact !== undefined)
      hooks.push({ name: 'exact_rss', attached: false, reason: this.#inexact, columns: [] });
    if (!this.#way)
      hooks.push({
        name: 'spawn_calls',
        attached: false,
        reason: refusals.join('; '),
        columns: ['stall', 'execFailures'],
      });
    return hooks;
  }
}

function hookOf(plan: HookPlan, refused: string | undefined): Hook {
  const { name, columns } = plan;
  return refused === undefined
    ? { name, attached: true, columns }
    : { name, attached: false, reason: refused, columns };
}

const KERNEL_BTF = '/sys/kernel/btf/vmlinux';

function requireBtf(): void {
  try {
    readFileSync(KERNEL_BTF, { flag: 'r' }).subarray(0, 1);
  } catch (cause) {
    throw new ForktaxError('FORKTAX_NO_BTF', `the kernel's type information cannot be read at ${KERNEL_BTF}`, {
      cause,
    });
  }
}

/** Gives what was asked for, but no more than the threads that this host can have at once. */
export function processCapacity({ maxProcesses }: EngineOptions): number {
  // A sandbox may hide /proc/sys, as ProcSubset=pid of a systemd unit does.
  const threadsMax = Number(tryReadText('/proc/sys/kernel/threads-max')) || Infinity;
  return Math.min(maxProcesses, threadsMax);
}

/**
 * Divides the room for so many processes, or calls, between the places by id and the hash for those whose place is taken. The places are a
 * power of two, at most an eighth.
 */
function entriesFor(capacity: number): { readonly places: number; readonly displaced: number } {
  const most = Math.min(capacity / 8, probeConstant('PLACES'));
  const places = 2 ** Math.max(0, Math.floor(Math.log2(most)));
  return { places, displaced: Math.max(1, capacity - places) };
}

const largestEvent = (object: BpfObject): number =>
  object.layout('event').size + Math.max(object.layout('arguments').size, object.layout('ancestors').size);

/** A ring has at least one page, also if nothing is ever put there. */
const stackBytesOf = ({ stacks }: EngineOptions, pageSize: number): number =>
  stacks ? stackRingBytes(stacks) : pageSize;

/** Gives the values of the probes' constants, by variable. `bench:instructions` loads the probes with them too. */
export function constants(options: EngineOptions, pageSize: number): [string, Uint8Array][] {
  const { filter } = options;
  return [
    ['time_bounds_ns', u64s(TIME_BOUNDS_NS)],
    ['lifetime_bounds_ns', u64s(LIFETIME_BOUNDS_NS)],
    ['size_bounds_bytes', u64s(SIZE_BOUNDS_BYTES)],
    ['page_size', u64s([pageSize])],
    ['cpus', u32(possibleCpus())],
    ['label_id', u32(enumValue('LABEL', options.label))],
    ['name_by', u32(enumValue('NAMING', options.nameBy))],
    ['generic_names', commsOf(GENERIC_NAMES, probeConstant('GENERIC_NAMES'))],
    ['filter_pid', u32(filter.pid ?? 0)],
    ['filter_follow', bool(filter.follow)],
    ['filter_comm_set', bool(filter.comm !== undefined)],
    ['filter_comm', commsOf([filter.comm ?? ''], 1)],
    ['filter_cgroup', u64s([filter.cgroup ?? 0])],
    ['max_processes', u32(processCapacity(options))],
    ['last_place', u32(entriesFor(processCapacity(options)).places - 1)],
    ['afork_cost_ns', u64s([options.aforkCostNs])],
    ['stack_chunks', u32(options.stacks ? stackChunks(options.stacks) : 0)],
    ['stacks_per_second', u32(options.stacks?.perSecond ?? 0)],
    ['wants_arguments', bool(options.details?.includes('arguments'))],
    ['wants_ancestors', bool(options.details?.includes('ancestors'))],
    ['arguments_below', u32(options.argumentsBelowPid ?? 0)],
  ];
}

const bool = (value = false): Uint8Array => Uint8Array.of(value ? 1 : 0);

/** Writes an array of `size` comms, each cut to fit and padded with zeros. */
function commsOf(names: readonly string[], size: number): Uint8Array {
  if (names.length > size) throw new RangeError(`the probes have room for ${size} names`);
  const commLength = probeConstant('COMM_LEN');
  const bytes = Buffer.alloc(size * commLength);
  names.forEach((name, i) => bytes.write(name, i * commLength, commLength - 1));
  return bytes;
}
