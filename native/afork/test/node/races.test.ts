/**
 * What a program may do right after a spawn, because Node itself returns after the exec. None of 400 may go wrong.
 *
 * On processors that are busy for milliseconds, a spawn may return before its child has its own descriptors, and a port
 * may be found taken then, as README.md says. afork counts such spawns; they are repeated here, for the promise is about
 * the others.
 *
 * Two things keep a program from being busy: a child has no copy of the writer's descriptor, and it tries again. The test
 * here fails only without both; starts.test.ts fails without the second.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type * as Afork from '../../dist/index.js';
import { REGISTER, runProgram } from './program.ts';

const TIMES = 400;

/** A spawn that never waited would be late every time. */
const MOST_TIMES = 10 * TIMES;
/** One that this process may use. */
const processor = /^Cpus_allowed_list:\s*(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';

test(`eight programs written and run side by side, ${TIMES} in all: none is busy`, async () => {
  const { result } = await runProgram(
    async () => {
      const { spawn } = process.getBuiltinModule('node:child_process');
      const { mkdtempSync, promises, rmSync } = process.getBuiltinModule('node:fs');
      const folder = mkdtempSync('/tmp/afork-');
      const failures: string[] = [];
      const one = async (i: number): Promise<void> => {
        const path = `${folder}/${i}`;
        await promises.writeFile(path, '#!/bin/sh\n', { mode: 0o755 });
        await new Promise<void>((resolve) => {
          try {
            const child = spawn(path, { stdio: 'ignore' });
            child.on('error', ({ message }) => failures.push(message));
            child.on('close', () => resolve());
          } catch (error) {
            failures.push((error as Error).message);
            resolve();
          }
        });
      };
      for (let i = 0; i < Number(process.env['TIMES']); i += 8) {
        await Promise.all(Array.from({ length: 8 }, (_, lane) => one(i + lane)));
      }
      rmSync(folder, { recursive: true });
      return failures;
    },
    { env: { TIMES: String(TIMES) } },
  );
  assert.deepEqual(result, []);
});

/**
 * Parent and child on one processor, which a child does not take from a parent that runs: so a spawn that did not wait
 * would be late. What the child shares with its parent is seen in /proc, also where no port happens to be taken.
 */
test(`a port is free again when its server has closed, ${TIMES} times`, async () => {
  const { result } = await runProgram(
    async (index) => {
      const { spawn } = process.getBuiltinModule('node:child_process');
      const { createServer } = process.getBuiltinModule('node:net');
      const { readdirSync } = process.getBuiltinModule('node:fs');
      const events = process.getBuiltinModule('node:events');
      const { stats } = require(index) as typeof Afork;
      const failures: string[] = [];
      const shares = (pid: number | undefined, fd: number): boolean => {
        try {
          return readdirSync(`/proc/${pid}/fd`).includes(String(fd));
        } catch {
          return false; // It has exited.
        }
      };
      let [times, late] = [0, 0];
      for (; times - late < Number(process.env['TIMES']) && times < Number(process.env['MOST_TIMES']); times++) {
        const server = createServer().listen(0, '127.0.0.1');
        await events.once(server, 'listening');
        const { port } = server.address() as { port: number };
        const { fd } = Reflect.get(server, '_handle') as { fd: number };
        const child = spawn('true', { stdio: 'ignore' });
        const isLate = stats().unsettled > late;
        if (!isLate && shares(child.pid, fd)) failures.push('the child has the descriptor of the server');
        const ended = events.once(child, 'close');
        server.close();
        await events.once(server, 'close');
        const next = createServer().listen(port, '127.0.0.1');
        await events.once(next, 'listening').then(
          () => events.once(next.close(), 'close'),
          ({ code, message }: NodeJS.ErrnoException) => {
            if (!isLate || code !== 'EADDRINUSE') failures.push(message);
          },
        );
        await ended;
        late += Number(isLate);
      }
      return { failures, inTime: times - late };
    },
    {
      node: 'chrt',
      options: ['--batch', '0', 'taskset', '--cpu-list', processor, process.execPath, '--require', REGISTER],
      env: { TIMES: String(TIMES), MOST_TIMES: String(MOST_TIMES) },
    },
  );
  assert.deepEqual(result, { failures: [], inTime: TIMES });
});

for (const what of ['program', 'directory']) {
  test(`the ${what} is removed at once, ${TIMES} times`, async () => {
    const { result } = await runProgram(
      async () => {
        const { spawn } = process.getBuiltinModule('node:child_process');
        const { copyFileSync, mkdirSync, mkdtempSync, rmdirSync, rmSync, unlinkSync } =
          process.getBuiltinModule('node:fs');
        const folder = mkdtempSync('/tmp/afork-');
        const failures: string[] = [];
        for (let i = 0; i < Number(process.env['TIMES']); i++) {
          const path = `${folder}/${i}`;
          const isProgram = process.env['WHAT'] === 'program';
          if (isProgram) copyFileSync('/bin/true', path);
          else mkdirSync(path);
          const child = isProgram ? spawn(path, { stdio: 'ignore' }) : spawn('true', { cwd: path, stdio: 'ignore' });
          if (isProgram) unlinkSync(path);
          else rmdirSync(path);
          await new Promise<void>((resolve) => {
            child.on('error', ({ message }) => failures.push(message));
            child.on('close', (code) => {
              if (code !== 0) failures.push(`exit code ${code}`);
              resolve();
            });
          });
        }
        rmSync(folder, { recursive: true });
        return failures;
      },
      { env: { TIMES: String(TIMES), WHAT: what } },
    );
    assert.deepEqual(result, []);
  });
}
