/** Collects the spawns of an engine and the stacks of their callers, for a time, and folds them by call site. */
import { clockOf } from '../measuring/clock.ts';
import type { StackLosses } from '../model/call-stack.ts';
import { CallSites, type CallSite, type ScriptOf } from '../model/call-sites.ts';
import type { Engine } from '../model/engine.ts';
import { absentColumns } from '../model/hooks.ts';
import { SpawnLines } from '../model/spawn-lines.ts';
import { StackQueue, wipe, type Unwinder } from './stack-queue.ts';

interface Scripts {
  readonly take: ScriptOf;
  /** Reads what has come. */
  drain(): void;
  /** How many call sites found no room. */
  readonly lost: number;
  /** How many lines were none of this version. */
  readonly malformed: number;
}

export interface CollectSettings {
  /** Nanoseconds. Without it, until `stop` is aborted. */
  readonly duration?: number | undefined;
  readonly aforkCostNs: number;
  /** Tells whether the spawns of a process in a cgroup are wanted; all are by default. */
  readonly isWanted?: ((pid: number, cgroup: string) => boolean) | undefined;
  /** Only spawners that are shown by this name; absent where the engine picks them. */
  readonly shownName?: string | undefined;
  /** Call sites beyond so many are folded into one for each spawner; 10,000 unless given. */
  readonly mostSites?: number | undefined;
  /** What scripts tell about their spawns. */
  readonly scripts?: Scripts | undefined;
}

export interface Collected {
  /** Those with the most stall first. */
  readonly sites: readonly CallSite[];
  readonly startMs: number;
  readonly durationNs: number;
  readonly losses: StackLosses;
  readonly eventsLost: number;
  /** Call sites of scripts that found no room, and what scripts wrote that is none. */
  readonly scriptsLost: number;
}

const DRAIN_MS = 100;

/** The engine stays open. Its bytes of stacks are wiped. Without an unwinder, it must give stacks that were unwound already. */
export async function collect(
  engine: Engine,
  unwinder: Unwinder | undefined,
  { duration, aforkCostNs, isWanted = () => true, shownName, mostSites, scripts }: CollectSettings,
  stop: AbortSignal,
): Promise<Collected> {
  const calls = new CallSites({
    aforkCostNs,
    ...(mostSites !== undefined && { capacity: mostSites }),
    ...(scripts && { scriptOf: (spawn) => scripts.take(spawn) }),
  });
  const stacks = unwinder && new StackQueue(unwinder, (id, unwound) => calls.addStack(id, unwound));
  const execsSeen = !absentColumns(engine.hooks).has('exec');
  const lines = new SpawnLines((line) => calls.addSpawn(line), { holdMs: Infinity, execsSeen });
  const clock = clockOf(engine);
  const startMs = Date.now();
  const begun = clock.now();
  const before = engine.snapshot().health.eventsLost;
  const lossesBefore = lossesOf(engine);
  const stopStacks = stacks
    ? engine.subscribeStacks?.((batch) => {
        for (const stack of batch) {
          if (isWanted(stack.pid, stack.cgroup)) stacks.add(stack);
          else wipe(stack);
        }
      })
    : engine.subscribeUnwound?.(({ id, unwound }) => calls.addStack(id, unwound));
  const stopEvents = engine.subscribe((events) => {
    for (const event of events) {
      stacks?.follow(event);
      if (shownName !== undefined && event.comm !== shownName) continue;
      if (isWanted(event.pid, event.cgroup)) lines.add(event, clock.now());
    }
  });
  const timer = setInterval(() => scripts?.drain(), DRAIN_MS);
  await clock.pause(duration, stop);
  await engine.settle?.();
  // Stacks first: a spawn that is seen later has none.
  stopStacks?.();
  stopEvents();
  const durationNs = (clock.now() - begun) * 1e6;
  await stacks?.empty();
  clearInterval(timer);
  scripts?.drain();
  lines.flush();
  return {
    sites: calls.finish(),
    startMs,
    durationNs,
    losses: difference(lossesOf(engine), lossesBefore),
    scriptsLost: scripts ? scripts.lost + scripts.malformed : 0,
    eventsLost: engine.snapshot().health.eventsLost - before,
  };
}

const lossesOf = (engine: Engine): StackLosses =>
  engine.stackLosses?.() ?? { overLimit: 0, ringFull: 0, unreadable: 0 };

/** They are counted since the engine was opened. */
const difference = (now: StackLosses, before: StackLosses): StackLosses => ({
  overLimit: now.overLimit - before.overLimit,
  ringFull: now.ringFull - before.ringFull,
  unreadable: now.unreadable - before.unreadable,
});
