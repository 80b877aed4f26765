/** Records all events, and a snapshot of the costs each second. */
import type { Engine } from '../model/engine.ts';
import { headerOf } from '../recording/header.ts';
import { RecordingWriter, type WriterOptions } from '../recording/writer.ts';
import { StackQueue, type Unwinder } from '../profile/stack-queue.ts';
import { pause } from '../terminal/stop.ts';
import type { Progress } from './progress.ts';

const SNAPSHOT_EVERY_NS = 1e9;

export interface RecordSettings extends WriterOptions {
  /** Nanoseconds. Without it, until `stop` is aborted. */
  readonly duration?: number | undefined;
  /** With it, call stacks are recorded too: the engine copies them. */
  readonly unwinder?: Unwinder | undefined;
}

/**
 * Records until the time has passed or `stop` is aborted. The engine stays open.
 * @throws FORKTAX_RECORDING: the file cannot be written. What was written before is good
 */
export async function record(
  engine: Engine,
  settings: RecordSettings,
  onProgress: (progress: Progress) => void,
  stop: AbortSignal,
): Promise<Progress> {
  const startMs = performance.now();
  const before = engine.snapshot();
  const writer = new RecordingWriter(settings, headerOf(engine));
  let spawns = 0;
  let failure: unknown;
  const failed = new AbortController();
  const orFail = (write: () => void): void => {
    try {
      write();
    } catch (error) {
      failure = error;
      failed.abort();
    }
  };
  const { unwinder } = settings;
  const stacks = unwinder && new StackQueue(unwinder, (id, unwound) => orFail(() => writer.addStack({ id, unwound })));
  const stopStacks = stacks && engine.subscribeStacks?.((batch) => batch.forEach((stack) => stacks.add(stack)));
  const unsubscribe = engine.subscribe((events) => {
    orFail(() => {
      for (const event of events) {
        stacks?.follow(event);
        writer.addEvent(event);
        if (event.kind === 'spawn') spawns++;
      }
    });
  });
  const addLosses = (): void => {
    const losses = engine.stackLosses?.();
    if (losses) writer.addLosses(losses);
  };
  const progress = (eventsLost: number): Progress => ({
    ns: (performance.now() - startMs) * 1e6,
    spawns,
    bytes: writer.bytes,
    eventsLost: eventsLost - before.health.eventsLost,
  });
  try {
    writer.addSnapshot(before);
    const end = AbortSignal.any([stop, failed.signal]);
    const endNs = settings.duration ?? Infinity;
    for (let leftNs = endNs; leftNs > 0 && !end.aborted; leftNs = endNs - (performance.now() - startMs) * 1e6) {
      await pause(Math.min(SNAPSHOT_EVERY_NS, leftNs), end);
      if (end.aborted) break;
      const snapshot = engine.snapshot();
      addLosses();
      writer.addSnapshot(snapshot);
      onProgress(progress(snapshot.health.eventsLost));
    }
    await engine.settle?.({ faults: true });
    stopStacks?.();
    unsubscribe();
    await stacks?.empty();
    if (failure) throw failure;
    addLosses();
    const last = engine.snapshot();
    writer.addSnapshot(last);
    return progress(last.health.eventsLost);
  } finally {
    stopStacks?.();
    unsubscribe();
    writer.close();
  }
}
