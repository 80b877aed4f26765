/**
 * Forwards signals to the program that runs.
 *
 * - The kernel sends what is typed at the terminal to the whole foreground process group, so to the program too. Such a
 *   signal is forwarded only if this process is not in the foreground: then somebody sent it to this process alone.
 * - All other signals are forwarded.
 * - If the program stops, this process stops too, so that the shell sees a stopped job.
 */
import { readStat, tryReadStat } from './proc.ts';

/** Signals that the terminal sends. */
const TYPED = ['SIGINT', 'SIGQUIT', 'SIGTSTP', 'SIGWINCH'] as const;
const SENT = ['SIGHUP', 'SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGALRM', 'SIGPWR', 'SIGIO', 'SIGPROF', 'SIGVTALRM'] as const;

/** Forwards until the function that it gives is called. */
export function forwardSignals(pid: number): () => void {
  const listeners: [NodeJS.Signals, () => void][] = [
    ...TYPED.map(
      (signal) => [signal, () => void (isForeground() || send(pid, signal))] as [NodeJS.Signals, () => void],
    ),
    ...SENT.map((signal) => [signal, () => send(pid, signal)] as [NodeJS.Signals, () => void]),
    ['SIGCHLD', () => void (isStopped(pid) && stopThisProcess())],
    ['SIGCONT', () => void (isStopped(pid) && send(pid, 'SIGCONT'))],
  ];
  for (const [signal, listener] of listeners) process.on(signal, listener);
  return () => {
    for (const [signal, listener] of listeners) process.removeListener(signal, listener);
  };
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // The program has ended.
  }
}

/**
 * Returns when the shell continues this process. In a process group that no shell watches the kernel ignores SIGTSTP,
 * and this returns at once.
 */
function stopThisProcess(): void {
  const listeners = process.listeners('SIGTSTP');
  process.removeAllListeners('SIGTSTP');
  process.kill(process.pid, 'SIGTSTP');
  for (const listener of listeners) process.on('SIGTSTP', listener);
}

function isStopped(pid: number): boolean {
  return tryReadStat(pid)?.state === 'T';
}

function isForeground(): boolean {
  const { processGroup, terminal, foregroundGroup } = readStat('self');
  return terminal !== 0 && processGroup === foregroundGroup;
}
