import { parseSamples, type ParsedSample } from './parse-metrics.ts';
import { startCli, startCompiledCli, type CliProcess, type CliResult } from './run-cli.ts';

/** `await using` stops it, also where a test fails. */
export interface ServeProcess extends AsyncDisposable {
  readonly pid: number;
  /** The URL, without a slash at the end. */
  readonly url: string;
  scrape(): Promise<readonly ParsedSample[]>;
  /** Resolves when its log contains the text. */
  said(text: string): Promise<void>;
  /** Nobody reads its log any more. */
  closeLog(): void;
  /** Stops it as systemd and containers do. */
  stop(): Promise<CliResult>;
}

/** Starts a real exporter on a port that the kernel chooses. If it cannot start, fails with its message. */
export const startServe = (...args: readonly string[]): Promise<ServeProcess> => startServing(['serve'], args);

/** The same, by a command that ends in `serve`. */
export const startServing = (command: readonly string[], args: readonly string[] = []): Promise<ServeProcess> =>
  listening(startCli([...command, ...ANY_PORT, ...args]));

/** The same, compiled: what it takes of memory and time is what users see. */
export function startCompiledServe(...args: readonly string[]): Promise<ServeProcess> {
  return listening(startCompiledCli(['serve', ...ANY_PORT, ...args]));
}

const ANY_PORT = ['--web.listen-address=127.0.0.1:0'];

async function listening(cli: CliProcess): Promise<ServeProcess> {
  let log = '';
  cli.child.stderr?.on('data', (text: string) => {
    log += text;
  });
  await cli.said('msg=listening');
  const url = /msg=listening url=(\S+)\//.exec(log)?.[1] ?? '';
  const stop = (): Promise<CliResult> => {
    cli.child.kill('SIGTERM');
    return cli.result;
  };
  return {
    pid: cli.child.pid ?? 0,
    url,
    scrape: async () => parseSamples(await (await fetch(`${url}/metrics`)).text()),
    said: (text) => cli.said(text),
    closeLog: () => cli.child.stderr?.destroy(),
    stop,
    [Symbol.asyncDispose]: async () => void (await stop()),
  };
}
