/** What `afork/sites` says to a listener, and that nobody else notices it. That the lines are right: collector/test/system/live. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { findNodes } from '../../../../testing/nodes.ts';
import { REGISTER, runProgram } from './program.ts';

const SITES = join(dirname(REGISTER), 'sites.cjs');
const folder = mkdtempSync(join(tmpdir(), 'afork-sites-'));
after(() => rmSync(folder, { recursive: true }));

class Listener {
  static #made = 0;
  readonly path = join(folder, `fifo-${Listener.#made++}`);
  readonly fd: number;

  constructor() {
    execFileSync('mkfifo', ['-m', '600', this.path]);
    this.fd = openSync(this.path, constants.O_RDWR | constants.O_NONBLOCK);
  }

  messages(): (readonly unknown[])[] {
    const bytes = Buffer.alloc(1 << 16);
    try {
      const size = readSync(this.fd, bytes);
      return bytes
        .toString('utf8', 0, size)
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line));
    } catch {
      return []; // EAGAIN: it is empty
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.fd);
  }
}

/** The last element of a message. */
const framesOf = (message: readonly unknown[] | undefined) => (message?.[7] ?? []) as (readonly unknown[])[];

/** How a program sees itself: what a library that changes nothing else leaves as it is. */
function appearance(): unknown {
  const cp = process.getBuiltinModule('node:child_process');
  const { readdirSync } = process.getBuiltinModule('node:fs');
  const before = Object.getOwnPropertyDescriptors(Error);
  const descriptors = readdirSync('/proc/self/fd').length;
  const pids = [cp.spawnSync('true').pid, cp.spawn('true').pid];
  let thrown = '';
  try {
    cp.spawn('true', [], { uid: 1.5 });
  } catch (error) {
    thrown = (error as Error).message;
  }
  const { spawn } = cp.ChildProcess.prototype as unknown as { spawn: { name: string; length: number } };
  return {
    hasPids: pids.map((pid) => Number(pid) > 0),
    thrown,
    spawn: [spawn.name, spawn.length],
    stack: new Error('x').stack?.includes('sites.cjs'),
    isRestored: JSON.stringify(Object.getOwnPropertyDescriptors(Error)) === JSON.stringify(before),
    openedSince: readdirSync('/proc/self/fd').length - descriptors,
    handles: process.getActiveResourcesInfo().toSorted(),
    listeners: ['exit', 'uncaughtException', 'SIGPIPE'].map((name) => process.listenerCount(name)),
  };
}

for (const { version, path, missing } of findNodes())
  describe(`Node.js ${version}`, { skip: missing ?? false }, () => {
    const node = path ?? process.execPath;

    test('a program sees nothing of it, whether somebody listens or not', async () => {
      using listener = new Listener();
      const plain = await runProgram(appearance, { node, options: [] });
      const unheard = await runProgram(appearance, {
        node,
        options: ['--require', SITES],
        env: { FORKTAX_SITES: '/no/such' },
      });
      const heard = await runProgram(appearance, {
        node,
        options: ['--require', SITES],
        env: { FORKTAX_SITES: listener.path },
      });
      assert.deepEqual(unheard, plain);
      assert.deepEqual(heard, plain);
      assert.equal(listener.messages().length, 2);
    });

    test('whatever a program has made of Error stays, and is no obstacle', async () => {
      for (const change of [
        'Error.stackTraceLimit = 0',
        'delete Error.stackTraceLimit',
        'Error.prepareStackTrace = () => "own"',
        'Object.freeze(Error)',
      ]) {
        using listener = new Listener();
        const { result } = await runProgram(
          () => {
            process.getBuiltinModule('node:vm').runInThisContext(process.env['CHANGE'] ?? '');
            const look = (): string => JSON.stringify(Object.getOwnPropertyDescriptors(Error));
            const before = look();
            function here(): number | null {
              return process.getBuiltinModule('node:child_process').spawnSync('true').status;
            }
            return [here(), look() === before];
          },
          { node, options: ['--require', SITES], env: { FORKTAX_SITES: listener.path, CHANGE: change } },
        );
        assert.deepEqual(result, [0, true], change);
        const [message] = listener.messages();
        if (change.includes('freeze')) assert.equal(message, undefined);
        else assert.equal(framesOf(message)[0]?.[0], 'here', change);
      }
    });

    test('a spawn is told once, in whatever order afork comes', async () => {
      for (const options of [
        ['--require', SITES, '--require', REGISTER],
        ['--require', REGISTER, '--require', SITES],
        ['--require', REGISTER],
      ]) {
        using listener = new Listener();
        const { result } = await runProgram(
          () => {
            const cp = process.getBuiltinModule('node:child_process');
            return [cp.spawn('true').pid, cp.spawnSync('true').pid];
          },
          { node, options, env: { FORKTAX_SITES: listener.path } },
        );
        const told = listener.messages().map((message) => message[3]);
        // What afork tries when it is loaded makes no process.
        assert.deepEqual(
          told.filter((pid) => pid !== 0),
          result,
          options.join(' '),
        );
      }
    });

    test('a full FIFO holds nobody up; what is lost is told', async () => {
      using listener = new Listener();
      const filler = Buffer.alloc(4096, 'x');
      try {
        for (;;) writeSync(listener.fd, filler);
      } catch {
        // EAGAIN: it is full
      }
      const { result } = await runProgram(
        () => {
          const cp = process.getBuiltinModule('node:child_process');
          cp.spawnSync('true');
          cp.spawnSync('true');
          // Makes room.
          const fs = process.getBuiltinModule('node:fs');
          const { O_NONBLOCK, O_RDWR } = fs.constants;
          const fd = fs.openSync(process.env['FORKTAX_SITES'] ?? '', O_RDWR | O_NONBLOCK);
          fs.readSync(fd, Buffer.alloc(1 << 20));
          fs.closeSync(fd);
          return cp.spawnSync('true').pid;
        },
        { node, options: ['--require', SITES], env: { FORKTAX_SITES: listener.path } },
      );
      assert.deepEqual(
        listener.messages().map((message) => [message[6], message[3]]),
        [[2, result]],
      );
    });

    test('a message always fits into one write', async () => {
      using listener = new Listener();
      const { result } = await runProgram(
        () => {
          const name = 'f'.repeat(400);
          const text = `(function ${name}(depth, spawn) { return depth > 0 ? ${name}(depth - 1, spawn) : spawn(); })`;
          const call = process.getBuiltinModule('node:vm').runInThisContext(text) as (...args: unknown[]) => unknown;
          return call(30, () => process.getBuiltinModule('node:child_process').spawnSync('true').pid);
        },
        { node, options: ['--require', SITES], env: { FORKTAX_SITES: listener.path } },
      );
      const [message] = listener.messages();
      assert.equal(message?.[3], result);
      assert.ok(framesOf(message).length > 2);
    });
  });
