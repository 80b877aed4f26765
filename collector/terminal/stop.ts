const DAY_MS = 86_400_000;

/** Ctrl-C, kill without -9, and a closed terminal. */
const STOP_SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** Gives a signal that the first of these Unix signals aborts. A second one ends the process as usual. */
export function stopRequested(signals = STOP_SIGNALS): AbortSignal {
  const controller = new AbortController();
  for (const signal of signals) process.once(signal, () => controller.abort());
  return controller.signal;
}

/** Resolves after `ns` nanoseconds or when `stop` is aborted, and keeps the process alive until then. */
export function pause(ns: number | undefined, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = ns === undefined ? setInterval(() => {}, DAY_MS) : setTimeout(end, ns / 1e6);
    if (stop.aborted) end();
    stop.addEventListener('abort', end);
    function end(): void {
      clearTimeout(timer);
      stop.removeEventListener('abort', end);
      resolve();
    }
  });
}
