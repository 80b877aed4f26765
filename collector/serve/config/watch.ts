/** The web configuration of the moment: read again when one of its files changes, as exporter-toolkit does. */
import { ForktaxError } from '../../model/errors.ts';
import { loadWebConfig, OPEN_WEB_CONFIG, versionOf, type WebConfig } from './web.ts';

const LOOK_MS = 2_000;

interface Options {
  /** Absent: no TLS, no password. */
  readonly path: string | undefined;
  readonly onChange: (config: WebConfig) => void;
  /** The files are wrong now; what was in force stays so. */
  readonly onError: (error: Error) => void;
  readonly lookMs?: number;
}

export interface WatchedWebConfig {
  readonly current: () => WebConfig;
  /** Reads the files now, changed or not. */
  readonly reload: () => Promise<void>;
  readonly close: () => void;
}

/** @throws FORKTAX_CONFIG when the file is wrong from the start */
export async function watchWebConfig({
  path,
  onChange,
  onError,
  lookMs = LOOK_MS,
}: Options): Promise<WatchedWebConfig> {
  if (path === undefined) return { current: () => OPEN_WEB_CONFIG, reload: async () => {}, close: () => {} };
  let config = await loadWebConfig(path);
  let problem: string | undefined;
  let looking = false;
  const timer = setInterval(() => void look(path), lookMs).unref();
  return {
    current: () => config,
    reload: () => {
      problem = undefined;
      return take(path);
    },
    close: () => clearInterval(timer),
  };

  async function look(file: string): Promise<void> {
    if (looking) return;
    looking = true;
    try {
      if (problem !== undefined || (await versionOf(config.files)) !== config.version) await take(file);
    } finally {
      looking = false;
    }
  }

  /** What is wrong is tried again until it is right, for it may name a file that is still to come; but told once. */
  async function take(file: string): Promise<void> {
    try {
      config = await reload(file, config);
      problem = undefined;
      onChange(config);
    } catch (cause) {
      const error = cause instanceof Error ? cause : new Error(String(cause));
      if (error.message !== problem) onError(error);
      problem = error.message;
    }
  }
}

/** Sockets are of one kind for life. */
async function reload(path: string, before: WebConfig): Promise<WebConfig> {
  const next = await loadWebConfig(path);
  if (Boolean(next.tls) !== Boolean(before.tls) || next.tls?.client_auth_type !== before.tls?.client_auth_type) {
    throw new ForktaxError(
      'FORKTAX_CONFIG',
      `web.config.file (${path}): TLS and client_auth_type change at a restart only`,
    );
  }
  return next;
}
