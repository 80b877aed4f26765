/**
 * What a program may do right after a spawn, because Node itself returns after the exec. None of 400 may go wrong.
 *
 * Two things keep a program from being busy: a child has no copy of the writer's descriptor, and it tries again. The test
 * here fails only without both; starts.test.ts fails without the second.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runProgram } from './program.ts';

const TIMES = 400;

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

test(`a port is free again when its server has closed, ${TIMES} times`, async () => {
  const { result } = await runProgram(
    async () => {
      const { spawn } = process.getBuiltinModule('node:child_process');
      const { createServer } = process.getBuiltinModule('node:net');
      const events = process.getBuiltinModule('node:events');
      const failures: string[] = [];
      for (let i = 0; i < Number(process.env['TIMES']); i++) {
        const server = createServer().listen(0, '127.0.0.1');
        await events.once(server, 'listening');
        const { port } = server.address() as { port: number };
        const ended = events.once(spawn('true', { stdio: 'ignore' }), 'close');
        server.close();
        await events.once(server, 'close');
        const next = createServer().listen(port, '127.0.0.1');
        await events.once(next, 'listening').then(
          () => events.once(next.close(), 'close'),
          ({ message }: Error) => failures.push(message),
        );
        await ended;
      }
      return failures;
    },
    { env: { TIMES: String(TIMES) } },
  );
  assert.deepEqual(result, []);
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
