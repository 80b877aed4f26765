/** Runs a container on the live kernel with runc, which Docker and Kubernetes use too. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Container {
  /** The pid in the initial pid namespace. */
  readonly pid: number;
  /** Gives its output so far. */
  readonly log: () => string;
  /** Runs a command in it. Gives the exit status and the output. */
  readonly execute: (...command: readonly string[]) => { status: number; said: string };
  /** Gives what a client in its network receives. */
  readonly get: (path: string) => string;
  readonly stop: () => Promise<number | null>;
}

/** The parts of the OCI's runtime specification that are changed here. */
export interface OciConfig {
  process: {
    terminal: boolean;
    user: { uid: number; gid: number };
    args: readonly string[];
    env: readonly string[];
    noNewPrivileges: boolean;
    capabilities: Readonly<Record<string, readonly string[]>>;
  };
  root: { path: string; readonly: boolean };
  mounts: readonly { destination: string; type?: string; source: string; options?: readonly string[] }[];
  linux: { namespaces: readonly { type: string }[]; seccomp?: object };
}

/** `configure` makes the configuration from the one that `runc spec` proposes. */
export async function startContainer(
  configure: (proposed: OciConfig) => OciConfig,
  saysWhenReady: string,
): Promise<Container> {
  const bundle = mkdtempSync(join(tmpdir(), 'forktax-bundle-'));
  execFileSync('runc', ['spec', '--bundle', bundle]);
  const file = join(bundle, 'config.json');
  writeFileSync(file, JSON.stringify(configure(JSON.parse(readFileSync(file, 'utf8')))));
  const name = `forktax-test-${process.pid}-${Date.now()}`;
  const pidFile = join(bundle, 'pid');
  const child = spawn('runc', ['run', '--bundle', bundle, '--pid-file', pidFile, name], {
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
  const ended = once(child, 'close').finally(() => rmSync(bundle, { recursive: true }));
  while (!log.includes(saysWhenReady)) {
    const event = await Promise.race([once(child.stderr, 'data'), ended.then(() => 'ended')]);
    if (event === 'ended') throw new Error(`the container ended: ${log}`);
  }
  const pid = Number(readFileSync(pidFile, 'utf8'));
  return {
    pid,
    log: () => log,
    execute: (...command) => run('runc', ['exec', name, ...command]),
    get: (path) => {
      const script = `fetch('http://127.0.0.1:19435${path}').then(async (a) => process.stdout.write(await a.text()))`;
      return run('nsenter', [`--net=/proc/${pid}/ns/net`, process.execPath, '-e', script]).said;
    },
    async stop() {
      if (existsSync(`/proc/${pid}`)) process.kill(pid, 'SIGTERM');
      await ended;
      return child.exitCode;
    },
  };
}

function run(command: string, args: readonly string[]): { status: number; said: string } {
  try {
    return { status: 0, said: execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }) };
  } catch (error) {
    const { status, stdout, stderr } = error as { status: number | null; stdout: string; stderr: string };
    return { status: status ?? -1, said: stdout + stderr };
  }
}
