/** A container as Docker would start it, by the same runtime, runc: of one service of docker-compose.yml. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { imageCommand, imageInstructions, type Mount, type Service } from './compose-file.ts';

export interface Container {
  /** In the initial pid namespace. */
  readonly pid: number;
  /** What it said so far. */
  readonly log: () => string;
  /** Runs a command in it; gives the exit status and what the command said. */
  readonly execute: (...command: readonly string[]) => { status: number; said: string };
  /** What a client in its network gets. */
  readonly get: (path: string) => string;
  readonly stop: () => Promise<number | null>;
}

interface OciConfig {
  process: {
    terminal: boolean;
    args: readonly string[];
    env: readonly string[];
    noNewPrivileges: boolean;
    capabilities: Record<string, readonly string[]>;
  };
  root: { path: string; readonly: boolean };
  mounts: object[];
  linux: { namespaces: { type: string }[] };
}

export async function startContainer(service: Service, root: string, saysWhenReady: string): Promise<Container> {
  const bundle = mkdtempSync(join(tmpdir(), 'forktax-bundle-'));
  execFileSync('runc', ['spec', '--bundle', bundle]);
  const file = join(bundle, 'config.json');
  writeFileSync(file, JSON.stringify(configOf(service, root, JSON.parse(readFileSync(file, 'utf8')))));
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

/** What Docker's engine makes of a service and its image, as far as it is about what a process may do and see. */
function configOf(service: Service, root: string, spec: OciConfig): OciConfig {
  const capabilities = (service.cap_add ?? []).map((name) => `CAP_${name}`);
  const env = imageInstructions().filter(([name]) => name === 'ENV');
  const shared = Object.entries(service).filter(([key, value]) => ['pid', 'cgroup'].includes(key) && value === 'host');
  return {
    ...spec,
    root: { path: root, readonly: service.read_only === true },
    process: {
      ...spec.process,
      terminal: false,
      args: [...imageCommand('ENTRYPOINT'), ...imageCommand('CMD')],
      env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', ...env.map(([, value]) => value)],
      noNewPrivileges: service.security_opt?.includes('no-new-privileges:true') === true,
      capabilities: { bounding: capabilities, permitted: capabilities, effective: capabilities },
    },
    mounts: [...spec.mounts, ...(service.volumes ?? []).filter((each) => typeof each === 'object').map(bindOf)],
    linux: {
      ...spec.linux,
      namespaces: spec.linux.namespaces.filter(({ type }) => !shared.some(([key]) => key === type)),
    },
  };
}

function bindOf({ source, target, read_only }: Mount): object {
  return { destination: target, source, type: 'bind', options: ['rbind', 'rprivate', read_only ? 'ro' : 'rw'] };
}

function run(command: string, args: readonly string[]): { status: number; said: string } {
  try {
    return { status: 0, said: execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }) };
  } catch (error) {
    const { status, stdout, stderr } = error as { status: number | null; stdout: string; stderr: string };
    return { status: status ?? -1, said: stdout + stderr };
  }
}
