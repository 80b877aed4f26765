/** Notifies the service manager, sd_notify(3), and takes sockets from it, sd_listen_fds(3). */
import { loadNative } from '../system/native.ts';
import { ForktaxError } from '../model/errors.ts';

export interface ServiceManager {
  /** Reports the end of the start or of a reload. From then on, watchdog messages are sent. */
  readonly ready: (status: string) => void;
  readonly reloading: () => void;
  readonly stopping: () => void;
}

interface Options {
  readonly environment?: NodeJS.ProcessEnv;
  /** Called once, if the service manager cannot be notified. */
  readonly onError: (error: Error) => void;
}

/** Notifies nobody if NOTIFY_SOCKET is not set. */
export function createServiceManager({ environment = process.env, onError }: Options): ServiceManager {
  let socket = environment['NOTIFY_SOCKET'];
  const watchdogMs = watchdogMsOf(environment);
  let watchdog: NodeJS.Timeout | undefined;
  return {
    ready(status) {
      tell('READY=1', `STATUS=${status}`);
      // Half of the interval, as sd_watchdog_enabled(3) recommends.
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

/** The first descriptor that systemd passes: SD_LISTEN_FDS_START in sd-daemon.h. */
const FIRST_SOCKET = 3;

/**
 * Gives the descriptors of the sockets that were passed to this process, as in sd_listen_fds(3).
 * @throws FORKTAX_LISTEN no socket was passed
 */
export function passedSockets({ LISTEN_PID: pid, LISTEN_FDS: count }: NodeJS.ProcessEnv = process.env): number[] {
  if (Number(pid) !== process.pid || !Number(count))
    throw new ForktaxError('FORKTAX_LISTEN', 'web.systemd-socket: systemd passed no socket; is there a .socket unit?');
  return Array.from({ length: Number(count) }, (_, i) => FIRST_SOCKET + i);
}

/** Gives undefined if systemd does not watch this process. */
function watchdogMsOf({ WATCHDOG_USEC: us, WATCHDOG_PID: pid }: NodeJS.ProcessEnv): number | undefined {
  if (!us || (pid && Number(pid) !== process.pid)) return undefined;
  return Number(us) / 1000;
}
