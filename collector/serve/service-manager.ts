/** What a service manager is told of this process, sd_notify(3), and passes to it, sd_listen_fds(3). */
import { loadNative } from '../system/native.ts';
import { ForktaxError } from '../model/errors.ts';

export interface ServiceManager {
  /** Started, or done with reloading: from now on it wants a sign of life, and gets it. */
  readonly ready: (status: string) => void;
  readonly reloading: () => void;
  readonly stopping: () => void;
}

interface Options {
  readonly environment?: NodeJS.ProcessEnv;
  /** Nobody can be told; said once. */
  readonly onError: (error: Error) => void;
}

/** Tells nobody where none asks. */
export function createServiceManager({ environment = process.env, onError }: Options): ServiceManager {
  let socket = environment['NOTIFY_SOCKET'];
  const watchdogMs = watchdogMsOf(environment);
  let watchdog: NodeJS.Timeout | undefined;
  return {
    ready(status) {
      tell('READY=1', `STATUS=${status}`);
      // Twice as often as it must be, as sd_watchdog_enabled(3) recommends.
      if (watchdogMs) watchdog ??= setInterval(() => tell('WATCHDOG=1'), watchdogMs / 2).unref();
    },
    reloading: () => tell('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`),
    stopping() {
      clearInterval(watchdog);
      tell('STOPPING=1');
    },
  };

  function tell(...lines: readonly string[]): void {
    if (!socket) return;
    try {
      loadNative().notifyManager(socket, lines.join('\n'));
    } catch (error) {
      socket = undefined;
      onError(error as Error);
    }
  }
}

/** The first descriptor that is passed; SD_LISTEN_FDS_START of sd-daemon.h. */
const FIRST_SOCKET = 3;

/** The descriptors of the sockets that were passed to this process, as sd_listen_fds(3) has it. @throws FORKTAX_LISTEN: none */
export function passedSockets({ LISTEN_PID: pid, LISTEN_FDS: count }: NodeJS.ProcessEnv = process.env): number[] {
  if (Number(pid) !== process.pid || !Number(count))
    throw new ForktaxError(
      'FORKTAX_LISTEN',
      'web.systemd-socket: systemd has passed no socket; is there a .socket unit?',
    );
  return Array.from({ length: Number(count) }, (_, i) => FIRST_SOCKET + i);
}

/** Undefined: it watches nobody, or another process. */
function watchdogMsOf({ WATCHDOG_USEC: us, WATCHDOG_PID: pid }: NodeJS.ProcessEnv): number | undefined {
  if (!us || (pid && Number(pid) !== process.pid)) return undefined;
  return Number(us) / 1000;
}
