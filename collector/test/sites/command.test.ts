/** When `forktax sites -- COMMAND` begins the command. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Engine } from '../../model/engine.ts';
import { sitesCommand } from '../../sites/command.ts';
import type { Unwinder } from '../../system/unwinder.ts';
import { createFakeEngine } from '../../../testing/fake-engine.ts';

const folder = mkdtempSync(join(tmpdir(), 'forktax-sites-'));
after(() => rmSync(folder, { recursive: true }));

test('the command begins when the unwinder is ready, for it may end within milliseconds', async () => {
  const [command, mark] = [join(folder, 'command'), join(folder, 'has-begun')];
  writeFileSync(command, `#!/bin/sh\n: >'${mark}'\n`, { mode: 0o755 });
  const engine: Engine = Object.assign(createFakeEngine(), { subscribeStacks: () => () => undefined });
  const begun: boolean[] = [];
  const unwinder: Unwinder = {
    async ready() {
      await sleep(200); // a command that does not wait has begun by then
      begun.push(existsSync(mark));
    },
    meet: () => undefined,
    unwind: () => Promise.resolve({ frames: [], end: 'failed' }),
    forget: () => undefined,
    isAlive: () => true,
    pids: () => [],
    close: () => undefined,
  };
  const sites = sitesCommand(
    () => Promise.resolve(engine),
    () => unwinder,
  );
  await sites.parseAsync(['--no-scripts', '-o', join(folder, 'sites'), '--', command], { from: 'user' });
  begun.push(existsSync(mark));
  assert.deepEqual(begun, [false, true]);
});
