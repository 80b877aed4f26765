import { parseSamples, type ParsedSample } from './parse-metrics.ts';
import { startCli, type CliResult } from './run-cli.ts';

export interface ServeProcess {
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
export async function startServe(...args: readonly string[]): Promise<ServeProcess> {
  const cli = startCli(['serve', '--web.listen-address=127.0.0.1:0', ...args]);
  let log = '';
  cli.child.stderr?.on('data', (text: string) => {
    log += text;
  });
  await cli.said('msg=listening');
  const url = /msg=listening url=(\S+)\//.exec(log)?.[1] ?? '';
  return {
    pid: cli.child.pid ?? 0,
    url,
    scrape: async () => parseSamples(await (await fetch(`${url}/metrics`)).text()),
    said: (text) => cli.said(text),
    closeLog: () => cli.child.stderr?.destroy(),
    stop: () => {
      cli.child.kill('SIGTERM');
      return cli.result;
    },
  };
}
