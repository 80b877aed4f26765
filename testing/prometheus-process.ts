/** Runs a Prometheus on a free port of loopback, with its configuration and data in one folder. */
import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface PrometheusProcess {
  readonly child: ChildProcess;
  /** Host and port. */
  readonly address: string;
}

/** Prometheus 3 names the component before the address. */
const LISTENING = /"Listening on"(?: component=web)? address=(\S+)/;

/** `folder` has prometheus.yml. Resolves when Prometheus answers questions. If it ends before that, throws its log. */
export async function spawnPrometheus(folder: string, options: readonly string[] = []): Promise<PrometheusProcess> {
  const own = [
    `--config.file=${join(folder, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    '--web.listen-address=127.0.0.1:0',
  ];
  const child = spawn('prometheus', [...own, ...options], { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
  for (;;) {
    const address = LISTENING.exec(log)?.[1];
    // It listens before it has opened its database, and refuses questions until then.
    if (address && (await fetch(`http://${address}/-/ready`)).ok) return { child, address };
    if (child.exitCode !== null) throw new Error(`prometheus ended: ${log}`);
    await sleep(20);
  }
}
