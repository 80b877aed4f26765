const DAY_MS = 86_400_000;

/** Aborted by Ctrl-C, a polite kill or a closed terminal. A second one ends the process as usual. */
export function stopRequested(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => controller.abort());
  return controller.signal;
}

/** Resolves after `ns`, or never without; earlier when `stop` is aborted. Keeps the process alive until then. */
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
