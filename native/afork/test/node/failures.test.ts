/** Failures that no look could foresee, or that `async` mode does not look for: they come after the pid. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runProgram } from './program.ts';

interface Late {
  readonly hasPid: boolean;
  readonly events: readonly string[];
  readonly exitCode: number | null;
  readonly left: boolean;
}

/** Spawns what $FILE names; everything it tells, and whether a zombie is left. */
function spawnFile(): Promise<Late> {
  const { spawn } = process.getBuiltinModule('node:child_process');
  const { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } = process.getBuiltinModule('node:fs');
  const folder = mkdtempSync('/tmp/afork-');
  writeFileSync(`${folder}/script`, '#!/no/such/interpreter\n');
  chmodSync(`${folder}/script`, 0o755);
  const child = spawn((process.env['FILE'] ?? '').replace('<folder>', folder));
  const events: string[] = [];
  child.on('error', (error: NodeJS.ErrnoException) =>
    events.push(`error ${error.code} ${error.syscall?.split(' ')[0]}`),
  );
  child.on('exit', () => events.push('exit'));
  child.stdout.on('end', () => events.push('end of output')).resume();
  return new Promise((resolve) => {
    child.on('close', (code, signal) => {
      rmSync(folder, { recursive: true });
      const { pid = 0, exitCode } = child;
      resolve({
        hasPid: pid > 0,
        events: [...events.toSorted(), `close ${code} ${signal}`],
        exitCode,
        left: existsSync(`/proc/${pid}`),
      });
    });
  });
}

const LATE_ENOENT: Late = {
  hasPid: true,
  events: ['end of output', 'error ENOENT spawn', 'close -2 null'],
  exitCode: -2,
  left: false,
};

test('a missing interpreter', async () => {
  const { result } = await runProgram(spawnFile, { env: { FILE: '<folder>/script' } });
  assert.deepEqual(result, LATE_ENOENT);
});

test('a missing program in async mode', async () => {
  const { result } = await runProgram(spawnFile, { env: { FILE: 'no-such-program', AFORK_MODE: 'async' } });
  assert.deepEqual(result, LATE_ENOENT);
});

test('what is not executable, in async mode', async () => {
  const { result } = await runProgram(spawnFile, { env: { FILE: '/etc/passwd', AFORK_MODE: 'async' } });
  assert.deepEqual(result, {
    hasPid: true,
    events: ['end of output', 'error EACCES spawn', 'close -13 null'],
    exitCode: -13,
    left: false,
  });
});

test('arguments too long wait for the exec, and are counted', async () => {
  const { result } = await runProgram((index) => {
    const { spawn } = process.getBuiltinModule('node:child_process');
    const codes = [['x'.repeat(200_000)], Array.from({ length: 20_000 }, () => 'xxxxxxxx')].map((args) => {
      try {
        spawn('true', args).unref();
        return 'spawned';
      } catch (error) {
        return (error as NodeJS.ErrnoException).code;
      }
    });
    return [codes, (require(index) as { stats(): { waits: number } }).stats().waits];
  });
  assert.deepEqual(result, [['E2BIG', 'spawned'], 2]);
});
