/** Node processes for children: messages, handles, workers, and when a process ends. */

import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { type Cases, attempt, watch } from '../world.ts';

const CHILD = fileURLToPath(new URL('../child.cjs', import.meta.url));
const WORKER = fileURLToPath(new URL('../worker.cjs', import.meta.url));

export const processes: Cases = {
  messages: async ({ cp }) => {
    const child = cp.fork(CHILD, ['echo']);
    child.send({ text: 'ü€', list: [1, null] });
    const [message] = await once(child, 'message');
    const seen = watch(child, 'exit');
    child.disconnect();
    return [message, await seen];
  },
  'messages of every type': async ({ cp }) => {
    const child = cp.fork(CHILD, ['echo'], { serialization: 'advanced' });
    child.send({ map: new Map([[1, 2n]]), bytes: new Uint8Array([1, 2, 3]) });
    const [message] = await once(child, 'message');
    const seen = watch(child, 'exit');
    child.disconnect();
    return [[...message.map].map(String), [...message.bytes], await seen];
  },
  'a server sent to the child': async ({ cp }) => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const child = cp.fork(CHILD, ['address']);
    child.send('server', server);
    const [address] = await once(child, 'message');
    const seen = watch(child, 'exit');
    child.disconnect();
    const own = server.address();
    server.close();
    return [JSON.stringify(address) === JSON.stringify(own), await seen];
  },
  silent: async ({ cp }) => {
    const child = cp.fork(CHILD, ['print'], { silent: true });
    return watch(child);
  },
  'a channel elsewhere': async ({ cp }) => {
    const child = cp.spawn(process.execPath, [CHILD, 'echo'], { stdio: ['ignore', 'pipe', 'pipe', 'ignore', 'ipc'] });
    child.send('x');
    const [message] = await once(child, 'message');
    const seen = watch(child, 'exit');
    child.disconnect();
    return [message, await seen];
  },
  'a missing program with a channel': ({ cp }) => {
    const child = cp.spawn('no-such-program', { stdio: ['pipe', 'pipe', 'pipe', 'ipc'] });
    return watch(child);
  },
  'two channels': ({ cp }) => attempt(() => cp.spawn('true', { stdio: ['ipc', 'ipc', 'ignore'] })),
  'a child that nobody waits for': ({ cp }) => watch(cp.fork(CHILD, ['unref'], { silent: true })),
  'a child that is waited for': ({ cp }) => watch(cp.fork(CHILD, ['ref'], { silent: true })),
  'a closed handle keeps no process': ({ cp }) => watch(cp.fork(CHILD, ['no-child'], { silent: true })),
  'children of a worker': async () => {
    const worker = new Worker(WORKER);
    const [[seen], [code]] = await Promise.all([once(worker, 'message'), once(worker, 'exit')]);
    return [seen, code];
  },
};
