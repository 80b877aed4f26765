/** Copied stacks on their way through the unwinder. */
import type { CallStack } from '../model/call-stack.ts';
import type { EngineEvent } from '../model/events.ts';
import type { Unwound } from '../model/frames.ts';

/** What turns copied stacks into frames. */
export interface Unwinder {
  /** Reads the memory map of a process, unless that is known. If it has ended, that of the process that it was forked from. */
  meet(pid: number, forkedFrom?: number): void;
  /** Never rejects. */
  unwind(stack: CallStack): Promise<Unwound>;
  forget(pid: number): void;
}

/** At most so many stacks wait for the unwinder: 16 MiB of the usual size. */
const MOST_WAITING = 1000;
/** Hands stacks to the unwinder, and wipes each when it has been unwound. */
export class StackQueue {
  readonly #unwinder: Unwinder;
  readonly #done: (id: number, unwound: Unwound) => void;
  readonly #waiting = new Set<Promise<void>>();
  /** How many stacks of each process wait. */
  readonly #perProcess = new Map<number, number>();
  readonly #toForget = new Set<number>();

  constructor(unwinder: Unwinder, done: (id: number, unwound: Unwound) => void) {
    this.#unwinder = unwinder;
    this.#done = done;
  }

  add(stack: CallStack): void {
    if (this.#waiting.size >= MOST_WAITING) {
      wipe(stack);
      this.#done(stack.id, { frames: [], end: 'busy' });
      return;
    }
    this.#unwinder.meet(stack.pid, stack.forkedFrom);
    this.#perProcess.set(stack.pid, (this.#perProcess.get(stack.pid) ?? 0) + 1);
    const job = this.#unwind(stack).finally(() => {
      this.#waiting.delete(job);
      this.#leave(stack.pid);
    });
    this.#waiting.add(job);
  }

  /** After an exec or an exit, a pid has another memory map, or none. */
  follow(event: EngineEvent): void {
    if (event.kind === 'exec' || event.kind === 'exit') this.#forget(event.child);
  }

  /** The memory map of a process is needed until its last stack is unwound. */
  #forget(pid: number): void {
    if (this.#perProcess.has(pid)) this.#toForget.add(pid);
    else this.#unwinder.forget(pid);
  }

  #leave(pid: number): void {
    const left = (this.#perProcess.get(pid) ?? 1) - 1;
    if (left > 0) {
      this.#perProcess.set(pid, left);
      return;
    }
    this.#perProcess.delete(pid);
    if (this.#toForget.delete(pid)) this.#unwinder.forget(pid);
  }

  async empty(): Promise<void> {
    while (this.#waiting.size > 0) await Promise.all(this.#waiting);
  }

  async #unwind(stack: CallStack): Promise<void> {
    try {
      this.#done(stack.id, await this.#unwinder.unwind(stack));
    } finally {
      wipe(stack);
    }
  }
}

export function wipe({ registers, stack }: CallStack): void {
  registers.fill(0);
  stack.fill(0);
}
