/** /proc/PID/stat is parsed for known processes. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { tryReadText } from '../../system/files.ts';
import { readStat, tryReadStat } from '../../system/proc.ts';
import { temporaryDirectory } from '../relaunch/temporary.ts';

test('a name with parentheses and spaces does not shift the fields', async () => {
  using directory = temporaryDirectory();
  const program = `${directory.path}/a) T 9 (b`;
  copyFileSync('/bin/sleep', program);
  const child = spawn(program, ['1000'], { stdio: 'ignore', detached: true });
  const pid = child.pid ?? 0;
  const ended = once(child, 'exit');
  try {
    await once(child, 'spawn');
    child.kill('SIGSTOP');
    while (readStat(pid).state !== 'T') await new Promise((resolve) => setTimeout(resolve, 5));
    assert.match(readFileSync(`/proc/${pid}/stat`, 'latin1'), /^\d+ \(a\) T 9 \(b\) T /);
    const { parentPid, processGroup, terminal, isKernelThread, startTime } = readStat(pid);
    assert.deepEqual([parentPid, processGroup, terminal, isKernelThread], [process.pid, pid, 0, false]);
    assert.ok(Number(startTime) >= Number(readStat('self').startTime), 'it started after its parent');
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
  assert.equal(tryReadStat(pid), undefined);
  assert.throws(() => readStat(pid), { code: 'ENOENT' });
});

test('the CPU time of children that were waited for is in childrenCpuNs', () => {
  const before = readStat('self').childrenCpuNs;
  spawnSync(process.execPath, [
    '-e',
    'const end = process.cpuUsage().user + 200_000; while (process.cpuUsage().user < end);',
  ]);
  const used = readStat('self').childrenCpuNs - before;
  assert.ok(used >= 190_000_000, `${used}`); // steps of 10 ms
});

const hasKernelThreads = tryReadText('/proc/2/comm') === 'kthreadd\n';

test('a kernel thread is one', { skip: !hasKernelThreads && 'no kernel threads in this pid namespace' }, () => {
  assert.deepEqual([readStat(2).isKernelThread, readStat('self').isKernelThread], [true, false]);
});
