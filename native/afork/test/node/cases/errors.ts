/** What cannot be run, and where programs are found. */

import { type Cases, attempt, describeError, watch } from '../world.ts';

export const errors: Cases = {
  'a missing program': ({ cp }) => watch(cp.spawn('no-such-program', ['a', 'b'])),
  'a missing path': ({ cp, dir }) => watch(cp.spawn(`${dir}/no-such-program`)),
  'a missing program with input': async ({ cp }) => {
    const child = cp.spawn('no-such-program');
    child.stdin.on('error', () => {});
    child.stdin.end('input');
    return watch(child);
  },
  'not executable': ({ cp, dir }) => watch(cp.spawn(`${dir}/not-executable`)),
  'a directory': ({ cp, dir }) => watch(cp.spawn(dir)),
  'below a file': ({ cp, dir }) => attempt(() => cp.spawn(`${dir}/no-shebang/below`)),
  'a name too long': ({ cp }) => attempt(() => cp.spawn('x'.repeat(300))),
  'a missing directory': ({ cp, dir }) => watch(cp.spawn('true', { cwd: `${dir}/missing` })),
  'a file for a directory': ({ cp, dir }) => attempt(() => cp.spawn('true', { cwd: `${dir}/no-shebang` })),
  'the directory': ({ cp, dir }) => watch(cp.spawn('pwd', { cwd: `${dir}/first` })),
  'an empty directory name': async ({ cp }) =>
    (await watch(cp.spawn('pwd', { cwd: '' }))).output['1'] === `${process.cwd()}\n`,
  'a program relative to the directory': ({ cp, dir }) => watch(cp.spawn('./found', ['x'], { cwd: `${dir}/second` })),
  'no shebang': ({ cp, dir }) => watch(cp.spawn(`${dir}/no-shebang`, ['argument'])),
  "the child's PATH": ({ cp, dir }) => watch(cp.spawn('found', ['x'], { env: { PATH: `${dir}/second:${dir}/first` } })),
  'PATH relative to the directory': ({ cp, dir }) =>
    watch(cp.spawn('found', ['x'], { cwd: dir, env: { PATH: 'missing:first' } })),
  'an empty element of PATH': ({ cp, dir }) =>
    watch(cp.spawn('found', ['x'], { cwd: `${dir}/first`, env: { PATH: '/missing:' } })),
  'no PATH': ({ cp }) => watch(cp.spawn('sh', ['-c', 'echo found'], { env: {} })),
  'an empty PATH': ({ cp }) => watch(cp.spawn('sh', ['-c', 'echo found'], { env: { PATH: '' } })),
  'past what is not executable': ({ cp, dir }) =>
    watch(cp.spawn('found', ['x'], { env: { PATH: `${dir}/denied:${dir}/second` } })),
  'nothing but what is not executable': ({ cp, dir }) =>
    watch(cp.spawn('found', ['x'], { env: { PATH: `${dir}/denied:${dir}/missing` } })),
  'past a file in PATH': ({ cp, dir }) =>
    watch(cp.spawn('found', ['x'], { env: { PATH: `${dir}/no-shebang:${dir}/second` } })),
  'an argument too long': ({ cp }) => attempt(() => cp.spawn('true', ['x'.repeat(200_000)])),
  'arguments too long': ({ cp }) =>
    attempt(() =>
      cp.spawn(
        'true',
        Array.from({ length: 100 }, () => 'x'.repeat(100_000)),
      ),
    ),
  'long arguments': async ({ cp }) => {
    const { output } = await watch(
      cp.spawn('sh', ['-c', 'echo $#', 'sh', ...Array.from({ length: 50_000 }, () => 'xyz')]),
    );
    return output;
  },
  'long environment': async ({ cp }) => {
    const env = { ...process.env, LONG: 'x'.repeat(100_000), LONGER: 'y'.repeat(100_000) };
    return (await watch(cp.spawn('sh', ['-c', 'echo ${#LONG} ${#LONGER}'], { env }))).output;
  },
  'the environment, exactly': ({ cp }) => watch(cp.spawn('/usr/bin/env', { env: { B: 'ü€', A: '', C: 'a=b' } })),
  'arguments, exactly': ({ cp }) => watch(cp.spawn('printf', ['[%s]', '', 'ü€', 'a b', '\ud800'])),
  'numbers for arguments': ({ cp }) => watch(cp.spawn('echo', [1, true, null] as unknown as string[])),
  'an own name': ({ cp }) => watch(cp.spawn('sh', ['-c', 'echo $0'], { argv0: 'name' })),
  'refused arguments': ({ cp }) =>
    [
      () => cp.spawn(''),
      () => cp.spawn('a\0b'),
      () => cp.spawn('true', ['a\0b']),
      () => cp.spawn('true', { env: { A: 'a\0b' } }),
      () => cp.spawn('true', { stdio: 'nonsense' as 'pipe' }),
      () => cp.spawn('true', { uid: 'root' as unknown as number }),
      () => new cp.ChildProcess(),
    ].map((call) => typeof attempt(call) === 'string' && attempt(call)),
  'own uid and gid': ({ cp }) =>
    watch(cp.spawn('sh', ['-c', 'id -u; id -g'], { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 })),
  exec: ({ cp }) => called((done) => cp.exec('echo out; echo err >&2', done)),
  'exec that fails': ({ cp }) => called((done) => cp.exec('echo out; exit 3', done)),
  'exec in another shell': ({ cp }) => called((done) => cp.exec('echo $0', { shell: '/bin/bash' }, done)),
  'exec beyond its buffer': ({ cp }) => called((done) => cp.exec('exec yes', { maxBuffer: 10 }, done)),
  'exec beyond its time': ({ cp }) =>
    called((done) => cp.exec('exec sleep 100', { timeout: 20, killSignal: 'SIGKILL' }, done)),
  'execFile of a missing program': ({ cp }) => called((done) => cp.execFile('no-such-program', ['a'], done)),
  'execFile in bytes': ({ cp }) => called((done) => cp.execFile('printf', ['\\377'], { encoding: 'latin1' }, done)),
  'a shell with arguments': ({ cp }) => watch(cp.spawn('echo "$HOME" | wc -l', { shell: true })),
};

function called(call: (done: (error: unknown, stdout: string, stderr: string) => void) => unknown): Promise<unknown> {
  return new Promise((resolve) => {
    call((error, stdout, stderr) => resolve([error ? describeError(error) : error, stdout, stderr]));
  });
}
