/** Domains, and the REPL, in which `domain` is a global variable. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { REGISTER, runProgram } from './program.ts';

for (const options of [[], ['--require', REGISTER]]) {
  const how = options.length > 0 ? 'hooked' : 'plain';

  test(`an exception in an exit listener goes to the domain of the spawn: ${how}`, async () => {
    const { result } = await runProgram(
      () => {
        const { spawn: spawnHere } = process.getBuiltinModule('node:child_process');
        const domain = process.getBuiltinModule('node:domain');
        Object.assign(globalThis, { domain });
        const own = domain.create();
        return new Promise((resolve) => {
          own.on('error', ({ message }) => resolve(message));
          own.run(() => {
            spawnHere('true').on('exit', () => {
              throw new Error('thrown in the domain');
            });
          });
        });
      },
      { options },
    );
    assert.equal(result, 'thrown in the domain');
  });

  test(`a child exits in the REPL: ${how}`, async () => {
    const repl = spawn(process.execPath, [...options, '-i'], {
      env: { ...process.env, NODE_REPL_HISTORY: '', TERM: 'dumb' },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    repl.stdin.write("child_process.exec('exit 3', ({ code }) => { console.log('code', code); process.exit(); })\n");
    const [output, errors] = await Promise.all([text(repl.stdout), text(repl.stderr)]);
    assert.match(output, /code 3/);
    assert.doesNotMatch(output + errors, /TypeError/);
  });
}
