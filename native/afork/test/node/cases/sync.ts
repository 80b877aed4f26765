/** spawnSync() and its family. */

import { closeSync, openSync, readFileSync } from 'node:fs';
import { type Cases, attempt, describeError } from '../world.ts';

interface Result {
  pid: number;
  error?: Error;
  status: number | null;
  signal: string | null;
  output: unknown[] | null;
}

const tell = ({ pid, error, status, signal, output }: Result): unknown => {
  return { pid: pid > 0, error: error && describeError(error), status, signal, output: output?.map(String) };
};

const keysOf = (result: object): string[] => Object.keys(result).toSorted();

export const sync: Cases = {
  spawnSync: ({ cp }) => tell(cp.spawnSync('sh', ['-c', 'echo out; echo err >&2; exit 3'])),
  'what spawnSync returns': ({ cp }) => [keysOf(cp.spawnSync('true')), keysOf(cp.spawnSync('no-such-program'))],
  'spawnSync: input': ({ cp }) => tell(cp.spawnSync('cat', { input: 'to and fro' })),
  'spawnSync: text': ({ cp }) => cp.spawnSync('cat', { input: 'ü€', encoding: 'utf8' }).stdout,
  'spawnSync: no input is an end of file': ({ cp }) => tell(cp.spawnSync('cat')),
  'spawnSync: megabytes both ways': ({ cp }) => {
    const { stdout, error } = cp.spawnSync('cat', { input: Buffer.alloc(5_000_000, 'x'), maxBuffer: Infinity });
    return [stdout.length, stdout.equals(Buffer.alloc(5_000_000, 'x')), error];
  },
  'spawnSync: input that nobody reads': ({ cp }) => {
    return tell(cp.spawnSync('true', { input: Buffer.alloc(5_000_000), stdio: ['pipe', 'ignore', 'ignore'] }));
  },
  'spawnSync: signals': ({ cp }) => {
    return ['TERM', 'KILL', 'USR1', '40'].map((name) => tell(cp.spawnSync('sh', ['-c', `kill -${name} $$`])));
  },
  'spawnSync: time is up': ({ cp }) => tell(cp.spawnSync('sleep', ['100'], { timeout: 20 })),
  'spawnSync: time is up, own signal': ({ cp }) =>
    tell(cp.spawnSync('sleep', ['100'], { timeout: 20, killSignal: 'SIGINT' })),
  'spawnSync: time is up, the output so far': ({ cp }) => {
    return tell(cp.spawnSync('sh', ['-c', 'echo so far; exec sleep 100'], { timeout: 1500 }));
  },
  'spawnSync: time is up while a grandchild holds the pipe': ({ cp }) => {
    return tell(
      cp.spawnSync('sh', ['-c', 'sleep 5 & exit 5'], {
        timeout: 1500,
        stdio: ['ignore', 'pipe', 'ignore'],
      }),
    );
  },
  'spawnSync: a missing program within no time': ({ cp }) => tell(cp.spawnSync('no-such-program', { timeout: 1 })),
  'spawnSync: too much output': ({ cp }) => {
    const { error, signal } = cp.spawnSync('cat', ['/dev/zero'], { maxBuffer: 10 });
    // Node closes the pipe and then sends SIGTERM. cat may meet the closed pipe first.
    return [describeError(error), signal === 'SIGPIPE' ? 'SIGTERM' : signal];
  },
  'spawnSync: a missing program': ({ cp }) => tell(cp.spawnSync('no-such-program', ['a', 'b'])),
  'spawnSync: not executable': ({ cp, dir }) => tell(cp.spawnSync(`${dir}/not-executable`)),
  'spawnSync: a missing directory': ({ cp, dir }) => tell(cp.spawnSync('true', { cwd: `${dir}/missing` })),
  'spawnSync: no shebang': ({ cp, dir }) => tell(cp.spawnSync(`${dir}/no-shebang`, ['argument'])),
  "spawnSync: the child's PATH": ({ cp, dir }) =>
    tell(cp.spawnSync('found', ['x'], { env: { PATH: `${dir}/denied:${dir}/first` } })),
  'spawnSync: an argument too long': ({ cp }) => tell(cp.spawnSync('true', ['x'.repeat(200_000)])),
  'spawnSync: directory and environment': ({ cp, dir }) =>
    tell(cp.spawnSync('sh', ['-c', 'pwd; echo $A'], { cwd: dir, env: { A: 'ü' } })),
  'spawnSync: descriptors': ({ cp, dir }) => {
    const fd = openSync(`${dir}/sync`, 'w');
    const result = tell(
      cp.spawnSync('sh', ['-c', 'echo 1; echo 3 >&3; echo 4 >&4'], { stdio: ['ignore', fd, 'pipe', 'pipe', 'pipe'] }),
    );
    closeSync(fd);
    return [result, readFileSync(`${dir}/sync`, 'utf8')];
  },
  'spawnSync: a closed descriptor': ({ cp }) => tell(cp.spawnSync('true', { stdio: ['ignore', 987, 'ignore'] })),
  'spawnSync: a session of its own': ({ cp }) => {
    return tell(
      cp.spawnSync('sh', ['-c', 'read -r pid name state parent group session rest </proc/$$/stat; [ $session = $$ ]'], {
        detached: true,
      } as object),
    );
  },
  'spawnSync: own uid': ({ cp }) => tell(cp.spawnSync('id', ['-u'], { uid: process.getuid?.() ?? 0 })),
  'spawnSync: a shell': ({ cp }) => tell(cp.spawnSync('echo "$0"', { shell: true })),
  'spawnSync: refused arguments': ({ cp }) => [
    attempt(() => cp.spawnSync('')),
    attempt(() => cp.spawnSync('true', { timeout: -1 })),
  ],
  execSync: ({ cp }) => String(cp.execSync('echo out; cat', { input: 'in' })),
  'execSync that fails': ({ cp }) => attempt(() => cp.execSync('echo out; exit 4', { stdio: 'pipe' })),
  execFileSync: ({ cp }) => String(cp.execFileSync('echo', ['a', 'b'])),
  'execFileSync of a missing program': ({ cp }) => attempt(() => cp.execFileSync('no-such-program', ['a'])),
};
