/** Descriptors of every kind, and what else a child inherits. */

import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { type Cases, attempt, watch } from '../world.ts';

export const descriptors: Cases = {
  'descriptors above 2': async ({ cp }) => {
    const child = cp.spawn('sh', ['-c', 'echo three >&3; cat <&4 >&5'], {
      stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe', 'pipe'],
    });
    const seen = watch(child);
    const four = child.stdio[4];
    if (four && 'end' in four) four.end('four to five');
    return seen;
  },
  'files for descriptors': async ({ cp, dir }) => {
    const [one, two] = [openSync(`${dir}/one`, 'w'), openSync(`${dir}/two`, 'w')];
    const seen = await watch(
      cp.spawn('sh', ['-c', 'echo 1; echo 2 >&2; echo 3 >&3'], { stdio: ['ignore', one, two, one] }),
    );
    closeSync(one);
    closeSync(two);
    return [seen, readFileSync(`${dir}/one`, 'utf8'), readFileSync(`${dir}/two`, 'utf8')];
  },
  'descriptors that swap places': async ({ cp, dir }) => {
    const [a, b] = [openSync(`${dir}/a`, 'w'), openSync(`${dir}/b`, 'w')];
    const stdio = Array.from({ length: b + 1 }, (_, i) => (i === a ? b : i === b ? a : ('ignore' as const)));
    const seen = await watch(cp.spawn('bash', ['-c', `echo to a >&${a}; echo to b >&${b}`], { stdio }));
    closeSync(a);
    closeSync(b);
    return [seen, readFileSync(`${dir}/a`, 'utf8'), readFileSync(`${dir}/b`, 'utf8')];
  },
  'a closed descriptor': ({ cp }) => attempt(() => cp.spawn('true', { stdio: ['ignore', 987, 'ignore'] })),
  'what is open, and how': ({ cp }) =>
    watch(
      cp.spawn('sh', ['-c', 'for i in 0 1 2 3; do grep flags /proc/self/fdinfo/$i; done >&4; ls /proc/$$/fd >&4'], {
        stdio: ['ignore', 'ignore', 'ignore', 'ignore', 'pipe'],
      }),
    ),
  'flags of pipes': ({ cp }) =>
    watch(cp.spawn('sh', ['-c', 'for i in 0 1 2; do grep flags /proc/self/fdinfo/$i; done'])),
  'names of the null device': ({ cp }) =>
    watch(
      cp.spawn('sh', ['-c', 'readlink /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/fd/2 | cat >&3'], {
        stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
      }),
    ),
  'signals in the child': ({ cp }) => watch(cp.spawn('grep', ['-E', '^Sig(Blk|Ign|Cgt)', '/proc/self/status'])),
  'umask and limits': ({ cp }) => watch(cp.spawn('sh', ['-c', 'umask; ulimit -a'])),
  'the parent': async ({ cp }) =>
    (await watch(cp.spawn('sh', ['-c', 'echo $PPID']))).output['1'] === `${process.pid}\n`,
  'detached is a session of its own': ({ cp }) => watch(cp.spawn('sh', ['-c', LEADER], { detached: true })),
  'not detached is not': ({ cp }) => watch(cp.spawn('sh', ['-c', LEADER])),
  "a detached child's group, at once": ({ cp }) => {
    const child = cp.spawn('sleep', ['100'], { detached: true });
    const killed = attempt(() => process.kill(-(child.pid ?? 1)));
    return watch(child).then((seen) => [killed, seen]);
  },
  'output of one as input of another': async ({ cp }) => {
    const first = cp.spawn('echo', ['through the pipe']);
    const second = cp.spawn('cat', { stdio: [first.stdout, 'pipe', 'pipe'] });
    return watch(second);
  },
  'a socket for output': async ({ cp, dir }) => {
    const server = createServer().listen(`${dir}/socket`);
    const connected = once(server, 'connection');
    const client = connect(`${dir}/socket`);
    const [[accepted]] = await Promise.all([connected, once(client, 'connect')]);
    const child = cp.spawn('echo', ['to the socket'], { stdio: ['ignore', accepted, 'ignore'] });
    client.setEncoding('utf8');
    const [[text], seen] = await Promise.all([once(client, 'data'), watch(child)]);
    [client, accepted, server].forEach((handle) => ('destroy' in handle ? handle.destroy() : handle.close()));
    return [text, seen];
  },
  overlapped: ({ cp }) => watch(cp.spawn('echo', ['x'], { stdio: ['overlapped', 'overlapped', 'overlapped'] })),
  references: async ({ cp }) => {
    const child = cp.spawn('true');
    const handle = Reflect.get(child, '_handle') as { hasRef: () => boolean };
    const seen = [handle.hasRef()];
    child.unref();
    seen.push(handle.hasRef());
    child.unref();
    child.ref();
    seen.push(handle.hasRef());
    await watch(child);
    child.ref();
    child.unref();
    return seen;
  },
};

const LEADER =
  'read -r pid name state parent group session rest </proc/$$/stat; [ $session = $$ ] && echo leader || echo member';
