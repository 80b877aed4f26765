/** Folds spawns by the call stack that made them. Bounded: stacks beyond the capacity are folded into one for each spawner. */
import { BoundedMap } from './bounded-map.ts';
import type { Frame, StackEnd, Unwound } from './frames.ts';
import type { SpawnEvent, SpawnFailureEvent } from './events.ts';
import type { SpawnLine } from './spawn-lines.ts';

/** Why a site has no frames, besides the ends that an unwound stack may have. */
export const NO_STACK = {
  'not-sampled': 'no stack was copied',
  'stack-lost': 'the stack that was copied did not arrive',
  other: 'call stacks beyond the number that is kept apart',
} as const;
type SiteEnd = StackEnd | keyof typeof NO_STACK;

/** Sums over the spawns of a site. Calls that failed count only as failures, as in the table of costs. */
export interface SiteCosts {
  readonly spawns: number;
  readonly failures: number;
  readonly stallNs: number;
  /** Resident bytes. */
  readonly copiedBytes: number;
  readonly avoidableNs: number;
}

export interface CallSite extends SiteCosts {
  /** The spawner's name. */
  readonly comm: string;
  /** The innermost first. Without any, `end` tells why. */
  readonly frames: readonly Frame[];
  readonly end: SiteEnd;
}

export interface CallSitesOptions {
  /** What one afork costs here: stall beyond it was avoidable if the child called exec. */
  readonly aforkCostNs: number;
  readonly capacity?: number;
  /**
   * Gives the frames of a script that made a spawn, innermost first. They are the call site then: beside them, the frames of
   * its interpreter say nothing, and they are known for each spawn, also where no stack was copied. They may come late: it is
   * asked again at the end.
   */
  readonly scriptOf?: ScriptOf;
}

export type ScriptOf = (spawn: SpawnEvent | SpawnFailureEvent) => readonly Frame[] | undefined;

const CAPACITY = 10_000;
/** At most so many spawns wait for the frames of their scripts. */
const MOST_UNSCRIPTED = 100_000;
const NO_COSTS: SiteCosts = { spawns: 0, failures: 0, stallNs: 0, copiedBytes: 0, avoidableNs: 0 };

type Site = Omit<CallSite, keyof SiteCosts> & { -readonly [Name in keyof SiteCosts]: SiteCosts[Name] };

export class CallSites {
  readonly #options: CallSitesOptions;
  readonly #sites = new Map<string, Site>();
  /** Equal frames are one object. */
  readonly #frames = new Map<string, Frame>();
  /** A stack whose spawn never comes was of a call that made a thread, or of a lost event. */
  readonly #stacks: BoundedMap<number, Unwound>;
  /** Spawns whose stack has not arrived yet, by its id. */
  readonly #waiting = new Map<number, SpawnLine>();
  /** Spawns whose stack has an interpreter, or is not known, and whose script has not said what it did. */
  readonly #unscripted: { readonly line: SpawnLine; readonly called: Called }[] = [];

  constructor(options: CallSitesOptions) {
    this.#options = options;
    this.#stacks = new BoundedMap(this.#capacity);
  }

  /** Each spawn once. Its stack may come before or after it. */
  addSpawn(line: SpawnLine): void {
    const id = line.spawn.stack;
    const unwound = id === undefined ? NOT_SAMPLED : this.#stacks.get(id);
    if (id !== undefined) this.#stacks.delete(id);
    if (unwound) this.#settle(line, unwound);
    else if (id !== undefined) this.#waiting.set(id, line);
  }

  addStack(id: number, unwound: Unwound): void {
    const shared = { frames: unwound.frames.map((frame) => this.#share(frame)), end: unwound.end };
    const line = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (line) this.#settle(line, shared);
    else this.#stacks.set(id, shared);
  }

  /** Gives all sites, those with the most stall first. Spawns whose stack has not come by now are told as such. */
  finish(): readonly CallSite[] {
    for (const line of this.#waiting.values()) this.#charge(line, STACK_LOST, this.#options.scriptOf?.(line.spawn));
    this.#waiting.clear();
    for (const { line, called } of this.#unscripted.splice(0))
      this.#charge(line, called, this.#options.scriptOf?.(line.spawn));
    return [...this.#sites.values()].toSorted(
      (a, b) => b.stallNs - a.stallNs || b.spawns - a.spawns || b.failures - a.failures,
    );
  }

  get #capacity(): number {
    return this.#options.capacity ?? CAPACITY;
  }

  #settle(line: SpawnLine, called: Called): void {
    const { scriptOf } = this.#options;
    const mayHaveScript = scriptOf && (called.frames.length === 0 || called.frames.some(isInterpreter));
    const script = mayHaveScript ? scriptOf(line.spawn) : undefined;
    if (mayHaveScript && !script && this.#unscripted.length < MOST_UNSCRIPTED) this.#unscripted.push({ line, called });
    else this.#charge(line, called, script);
  }

  #charge({ spawn, outcome }: SpawnLine, called: Called, script: readonly Frame[] = []): void {
    const site = this.#siteOf(spawn.comm, script.length > 0 ? this.#scripted(script) : called);
    if (spawn.kind === 'spawn-failure') {
      site.failures++;
      return;
    }
    const { stallNs = 0 } = spawn;
    site.spawns++;
    site.stallNs += stallNs;
    site.copiedBytes += spawn.copiedRssBytes;
    if (outcome === 'exec') site.avoidableNs += Math.max(0, stallNs - this.#options.aforkCostNs);
  }

  #scripted(script: readonly Frame[]): Called {
    return { frames: script.map((frame) => this.#share(frame)), end: 'complete' };
  }

  #siteOf(comm: string, { frames, end }: Called): Site {
    const key = [comm, end, ...frames.map(keyOf)].join('\n');
    const known = this.#sites.get(key);
    if (known) return known;
    if (this.#sites.size >= this.#capacity && end !== 'other') return this.#siteOf(comm, OTHER_STACKS);
    const site = { comm, frames, end, ...NO_COSTS };
    this.#sites.set(key, site);
    return site;
  }

  #share(frame: Frame): Frame {
    const key = keyOf(frame);
    const known = this.#frames.get(key);
    if (known) return known;
    if (this.#frames.size < SHARED_FRAMES) this.#frames.set(key, frame);
    return frame;
  }
}

export function sumOfSites(sites: readonly SiteCosts[]): SiteCosts {
  const total = { spawns: 0, failures: 0, stallNs: 0, copiedBytes: 0, avoidableNs: 0 };
  for (const each of sites) {
    total.spawns += each.spawns;
    total.failures += each.failures;
    total.stallNs += each.stallNs;
    total.copiedBytes += each.copiedBytes;
    total.avoidableNs += each.avoidableNs;
  }
  return total;
}

const SHARED_FRAMES = 100_000;

interface Called {
  readonly frames: readonly Frame[];
  readonly end: SiteEnd;
}

const NOT_SAMPLED: Called = { frames: [], end: 'not-sampled' };
const STACK_LOST: Called = { frames: [], end: 'stack-lost' };
const OTHER_STACKS: Called = { frames: [], end: 'other' };

/**
 * The same place in the code has the same key in every process, wherever its file is mapped. The address of code of no file,
 * which has no name, says nothing: it differs in each process.
 */
function keyOf({ module, buildId, offset, symbol, file, line }: Frame): string {
  const place = offset === undefined ? (symbol ?? '?') : `${buildId ?? module} ${offset} ${symbol}`;
  return line === undefined ? place : `${place} ${file}:${line}`;
}

/**
 * V8's own code between a call in JavaScript and the function of Node.js that it reaches, and code that a JIT made. Where
 * a distribution has stripped the local names, `Builtins_…`, those that V8 exports are left.
 */
const isInterpreter = ({ module, symbol }: Frame): boolean =>
  module === undefined || (symbol !== undefined && /^(Builtins_|v8::internal::)/.test(symbol));
