/**
 * Calls of 32-bit programs have other numbers than those of 64-bit programs, and other entries into the kernel. Each spawn is counted
 * under its own call. What a call hook does not see of them is absent: docs/kernels.md.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { availableWays, failuresOf, openEngine, rowsOf, settle, total } from '../../../../testing/engines.ts';
import { uniqueComm } from '../../../../testing/spawnload.ts';

const SPAWN32 = fileURLToPath(new URL('../../../../native/spawnload/build/test/spawn32', import.meta.url));

/** What spawn32 does. */
const SPAWNS = { fork: 3, vfork: 4, clone: 5, clone3: 6 } as const;

const folder = mkdtempSync(join(tmpdir(), 'spawn32-'));
after(() => rmSync(folder, { recursive: true }));

for (const way of availableWays())
  test(`every spawn of a 32-bit program is in the row of its call, seen by ${way}`, async () => {
    using engine = openEngine({ callHook: way });
    const comm = uniqueComm();
    copyFileSync(SPAWN32, join(folder, comm));
    const { status, error } = spawnSync(join(folder, comm));
    assert.equal(error, undefined, 'the kernel runs 32-bit programs');
    assert.equal(status, 0);
    await settle(engine);

    // The kernel has tracepoints of system calls for 64-bit programs only.
    const share = way === 'syscalls' ? 0 : 1;
    assert.deepEqual(
      Object.fromEntries(
        rowsOf(engine, comm).map((row) => [
          row.syscall,
          [row.mechanism, row.spawns, total(row.stall), total(row.lifetime), total(row.execDelay)],
        ]),
      ),
      Object.fromEntries(
        Object.entries(SPAWNS).map(([syscall, count]) => [
          syscall,
          [syscall === 'vfork' ? 'vfork' : 'fork', count, count * share, count, 0],
        ]),
      ),
    );
    assert.deepEqual(failuresOf(engine, comm, 'spawn'), {});
    const execFailures = engine.snapshot().failures.filter((row) => row.comm === comm && row.kind === 'exec');
    // fexit sees the exec system calls of 64-bit programs only.
    assert.deepEqual(
      Object.fromEntries(execFailures.map(({ syscall, errno, count }) => [`${syscall} ${errno}`, count])),
      way === 'raw'
        ? Object.fromEntries(
            Object.entries(SPAWNS).map(([syscall, count]) => [`${syscall} ${constants.errno.ENOENT}`, count]),
          )
        : {},
    );
  });
