/**
 * A program that runs in the foreground of the same terminal gets what is typed there from the kernel, as this process
 * does. Whatever is sent to this process alone is handed on; and when the program stops, so does this process, for the
 * shell to see it.
 */
import { readFileSync } from 'node:fs';

/** What the terminal sends to the whole foreground. */
const TYPED = ['SIGINT', 'SIGQUIT', 'SIGTSTP', 'SIGWINCH'] as const;
const SENT = ['SIGHUP', 'SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGALRM', 'SIGPWR', 'SIGIO', 'SIGPROF', 'SIGVTALRM'] as const;

/** From now on the program has the signals. Call what is returned when it has ended. */
export function handOnSignals(pid: number): () => void {
  const listeners: [NodeJS.Signals, () => void][] = [
    ...TYPED.map(
      (signal) => [signal, () => void (isForeground() || send(pid, signal))] as [NodeJS.Signals, () => void],
    ),
    ...SENT.map((signal) => [signal, () => send(pid, signal)] as [NodeJS.Signals, () => void]),
    ['SIGCHLD', () => void (isStopped(pid) && stopAsWell())],
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
    // It has ended.
  }
}

/** Stops within, until the shell continues this process; in a group that no shell watches, not at all. */
function stopAsWell(): void {
  const listeners = process.listeners('SIGTSTP');
  process.removeAllListeners('SIGTSTP');
  process.kill(process.pid, 'SIGTSTP');
  for (const listener of listeners) process.on('SIGTSTP', listener);
}

/** State, process group and the terminal's foreground group: proc(5), /proc/PID/stat, fields 3, 5, 7 and 8. */
function statOf(pid: number | 'self'): { state: string; group: number; terminal: number; foreground: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state = '', , group, , terminal, foreground] = fields;
  return { state, group: Number(group), terminal: Number(terminal), foreground: Number(foreground) };
}

function isStopped(pid: number): boolean {
  try {
    return statOf(pid).state === 'T';
  } catch {
    return false;
  }
}

function isForeground(): boolean {
  const { group, terminal, foreground } = statOf('self');
  return terminal !== 0 && group === foreground;
}
