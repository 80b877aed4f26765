/** Watches the processes below some process, or all of the host, and shows them as a tree. */
import { clockOf } from '../measuring/clock.ts';
import type { RunningProcess } from '../measuring/running.ts';
import type { Engine } from '../model/engine.ts';
import { printable, wrap } from '../terminal/text.ts';
import { formatCount } from '../terminal/format.ts';
import type { Output } from '../terminal/output.ts';
import { fold } from './fold.ts';
import { ProcessTree } from '../model/process-tree.ts';
import { processRecords, treeSummary } from './tree-json.ts';
import { headline, treeText, type TreeView } from './tree-text.ts';

export interface TreeSettings extends TreeView {
  readonly json?: boolean | undefined;
  /** Nanoseconds. Without it, until `stop` is aborted. */
  readonly duration?: number | undefined;
  /** What the headline names: the command, or the process. */
  readonly what: string;
  /** Whether to say that it has begun. */
  readonly announced: boolean;
  /** The process whose descendants are shown; without it, all that spawn. */
  readonly rootPid?: number | undefined;
  /** Processes that are there already, parents first. */
  readonly running?: readonly RunningProcess[];
}

/** Shows the tree when the time has passed or `stop` is aborted. The engine stays open. */
export async function tree(engine: Engine, settings: TreeSettings, output: Output, stop: AbortSignal): Promise<void> {
  const processes = new ProcessTree();
  for (const { pid, comm, parentPid } of settings.running ?? []) processes.addRunning(pid, comm, parentPid);
  const lostBefore = engine.snapshot().health.eventsLost;
  const unsubscribe = engine.subscribe((events) => {
    for (const event of events) processes.add(event);
  });
  if (settings.announced) output.talk('Watching process spawns; Ctrl-C ends.\n');
  await clockOf(engine).pause(settings.duration, stop);
  await engine.settle?.();
  unsubscribe();
  const { rootPid } = settings;
  const tops = rootPid === undefined ? processes.roots : processes.roots.filter(({ pid }) => pid === rootPid);
  const groups = fold(tops);
  const eventsLost = engine.snapshot().health.eventsLost - lostBefore;
  const eventsLeftOut = processes.leftOut;
  if (settings.json) {
    for (const record of [...processRecords(tops), treeSummary(groups, { eventsLost, eventsLeftOut })])
      output.data(`${JSON.stringify(record)}\n`);
    return;
  }
  output.data(treeText(groups, settings, output));
  const say = (sentence: string) => output.talk(`${wrap(printable(sentence), output.width).join('\n')}\n`);
  output.talk('\n');
  say(headline(settings.what, groups));
  if (eventsLost > 0) say(`${formatCount(eventsLost)} events were lost, so the tree is not complete`);
  if (eventsLeftOut > 0)
    say(`${formatCount(eventsLeftOut)} later events are left out: the tree has no room for more processes`);
}
