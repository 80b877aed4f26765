/** Builds the tree of processes from events. Events of one process come in any order, so each may be the first. */
import type { EngineEvent, ExecEvent, ExitEvent, SpawnEvent, SpawnFailureEvent } from './events.ts';

/** A process, and what its spawn cost its parent. A field is absent until its event has come. */
export interface TreeProcess {
  readonly pid: number;
  readonly parent?: TreeProcess;
  readonly children: readonly TreeProcess[];
  readonly spawn?: SpawnEvent;
  readonly exec?: ExecEvent;
  readonly exit?: ExitEvent;
  /** Its own spawning calls that failed. */
  readonly failures: readonly SpawnFailureEvent[];
  /** Its name before its first exec, which is that of its parent, or what it was called when the tree began. */
  readonly comm: string;
}

/** A pid in use, or one whose events have not all come. */
class Node implements TreeProcess {
  readonly pid: number;
  parent?: Node;
  readonly children: Node[] = [];
  spawn?: SpawnEvent;
  exec?: ExecEvent;
  exit?: ExitEvent;
  readonly failures: SpawnFailureEvent[] = [];
  comm: string;

  constructor(pid: number, comm: string) {
    this.pid = pid;
    this.comm = comm;
  }
}

/** Processes and failed calls that a tree holds at most: some 500 MiB. */
const MOST_KEPT = 500_000;

export class ProcessTree {
  readonly #mostKept: number;
  #kept = 0;
  /** How many events the tree had no room for. */
  leftOut = 0;
  readonly #nodes = new Map<number, Node>();
  /** Every process without a parent, in the order in which they were seen. */
  readonly #roots = new Set<Node>();

  constructor(mostKept = MOST_KEPT) {
    this.#mostKept = mostKept;
  }

  /** Processes whose parent is not in the tree. */
  get roots(): readonly TreeProcess[] {
    return [...this.#roots];
  }

  /** Adds a process that was there before the first event. `parentPid` counts only if it was added before. */
  addRunning(pid: number, comm: string, parentPid?: number): TreeProcess {
    const node = this.#make(pid, comm);
    const parent = parentPid === undefined ? undefined : this.#nodes.get(parentPid);
    if (parent) this.#link(node, parent);
    return node;
  }

  add(event: EngineEvent): void {
    if (this.#kept >= this.#mostKept && !this.#hasPlaceFor(event)) {
      this.leftOut++;
      return;
    }
    const parent = this.#living(event.pid, event.comm);
    if (event.kind === 'spawn-failure') {
      parent.failures.push(event);
      this.#kept++;
      return;
    }
    const child = this.#childOf(parent, event);
    switch (event.kind) {
      case 'spawn':
        child.spawn = event;
        break;
      case 'exec':
        child.exec ??= event;
        break;
      case 'exit':
        child.exit = event;
        break;
      case 'exec-failure':
        break;
    }
  }

  /** What is known of a process that the tree has already takes no more room. */
  #hasPlaceFor(event: EngineEvent): boolean {
    return (
      event.kind !== 'spawn-failure' &&
      event.kind !== 'spawn' &&
      this.#nodes.has(event.child) &&
      this.#nodes.has(event.pid)
    );
  }

  /** A spawner lives, so a process with its pid that has ended was an earlier one. */
  #living(pid: number, comm: string): Node {
    const known = this.#nodes.get(pid);
    return known && !known.exit ? known : this.#make(pid, comm);
  }

  /** A process is spawned once and exits once. What happens a second time happens to a later process of the same pid. */
  #childOf(parent: Node, event: Exclude<EngineEvent, SpawnFailureEvent>): Node {
    const known = this.#nodes.get(event.child);
    const isLater = known && (event.kind === 'spawn' ? known.spawn !== undefined : known.exit !== undefined);
    const child = known && !isLater ? known : this.#make(event.child, event.comm);
    if (!child.parent && child !== parent) this.#link(child, parent);
    return child;
  }

  #make(pid: number, comm: string): Node {
    this.#kept++;
    const node = new Node(pid, comm);
    this.#nodes.set(pid, node);
    this.#roots.add(node);
    return node;
  }

  #link(child: Node, parent: Node): void {
    child.parent = parent;
    parent.children.push(child);
    this.#roots.delete(child);
  }
}
