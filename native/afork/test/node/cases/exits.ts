/** Output, exit codes, signals and events. */

import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { type Cases, watch } from '../world.ts';

const FATAL =
  'HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT XCPU XFSZ VTALRM PROF IO PWR SYS';

export const exits: Cases = {
  'output and exit code': ({ cp }) => watch(cp.spawn('sh', ['-c', 'echo out; echo err >&2; exit 7'])),
  'every exit code': ({ cp }) =>
    Promise.all([0, 1, 2, 126, 127, 128, 255].map((code) => watch(cp.spawn('sh', ['-c', `exit ${code}`])))),
  'every fatal signal': ({ cp }) =>
    Promise.all(FATAL.split(' ').map((name) => watch(cp.spawn('sh', ['-c', `ulimit -c 0; kill -${name} $$`])))),
  'a real-time signal': ({ cp }) => watch(cp.spawn('sh', ['-c', 'kill -40 $$'])),
  'input to its end': async ({ cp }) => {
    const child = cp.spawn('cat');
    const seen = watch(child);
    child.stdin.end('to and fro');
    return seen;
  },
  'a megabyte both ways': async ({ cp }) => {
    const child = cp.spawn('cat');
    const seen = watch(child);
    child.stdin.end('0123456789abcdef'.repeat(65_536));
    const { output, events } = await seen;
    return { events, bytes: output['1']?.length };
  },
  'fifty at once': async ({ cp }) => {
    const children = Array.from({ length: 50 }, (_, i) => watch(cp.spawn('sh', ['-c', `echo ${i}; exit ${i}`])));
    return (await Promise.all(children)).map(({ output, exitCode }) => [output['1'], exitCode]);
  },
  'kill at once': ({ cp }) => {
    const child = cp.spawn('sleep', ['100']);
    const killed = [child.kill(), child.kill(0)];
    return watch(child).then((seen) => [killed, seen]);
  },
  'kill with SIGKILL': ({ cp }) => {
    const child = cp.spawn('sleep', ['100']);
    const killed = child.kill('SIGKILL');
    return watch(child).then((seen) => [killed, seen]);
  },
  'kill after the exit': async ({ cp }) => {
    const child = cp.spawn('true');
    const seen = await watch(child);
    return [child.kill(), child.kill(0), child.killed, seen];
  },
  'kill in the exit listener': async ({ cp }) => {
    const child = cp.spawn('true');
    const [seen, killed] = await Promise.all([watch(child), once(child, 'exit').then(() => child.kill('SIGKILL'))]);
    return [seen, killed];
  },
  disposal: ({ cp }) => {
    const child = cp.spawn('sleep', ['100']);
    child[Symbol.dispose]();
    return watch(child);
  },
  'killed by somebody else': ({ cp }) => {
    const child = cp.spawn('sleep', ['100']);
    process.kill(child.pid ?? 0, 'SIGUSR1');
    return watch(child);
  },
  'stopped and continued': async ({ cp }) => {
    const child = cp.spawn('cat');
    const seen = watch(child);
    const sent = [child.kill('SIGSTOP'), child.kill('SIGCONT')];
    child.stdin.end('x');
    return [sent, await seen];
  },
  timeout: ({ cp }) => watch(cp.spawn('sleep', ['100'], { timeout: 20, killSignal: 'SIGINT' })),
  abort: ({ cp }) => {
    const controller = new AbortController();
    const seen = watch(cp.spawn('sleep', ['100'], { signal: controller.signal }));
    controller.abort(new Error('the reason'));
    return seen;
  },
  'aborted beforehand': ({ cp }) => watch(cp.spawn('sleep', ['100'], { signal: AbortSignal.abort() })),
  'AsyncLocalStorage in the listeners': async ({ cp }) => {
    const storage = new AsyncLocalStorage<string>();
    const child = storage.run('of the spawn', () => cp.spawn('echo', ['x']));
    child.stdout.resume();
    const stores = ['spawn', 'exit', 'close'].map((event) =>
      storage.run(
        'of the listener',
        () => new Promise((resolve) => child.on(event, () => resolve(storage.getStore()))),
      ),
    );
    return Promise.all(stores);
  },
  'an exception in the exit listener': async ({ cp }) => {
    const child = cp.spawn('true');
    child.on('exit', () => {
      throw new Error('thrown by a listener');
    });
    const [error] = (await once(process, 'uncaughtException')) as [Error];
    return error.message;
  },
  'ticks and promises before the next exit': async ({ cp }) => {
    const order: string[] = [];
    const children = ['a', 'b'].map((name) => [name, cp.spawn('true')] as const);
    await Promise.all(
      children.map(async ([, child]) => {
        child.on('exit', () => {
          order.push('exit');
          process.nextTick(() => order.push('tick'));
          void Promise.resolve().then(() => order.push('promise'));
        });
        await once(child, 'close');
      }),
    );
    return order;
  },
  'what the object says': async ({ cp }) => {
    const child = cp.spawn('echo', ['a', 'b'], { argv0: 'other name' });
    await watch(child);
    return [child.spawnfile, child.spawnargs, child.connected, child.stdio.length];
  },
};
