/** Programs that pretend to be bpftrace, for what the real one does not do when it is asked to. */

import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** The path of a shell script. */
export function pretend(t: TestContext, commands: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'bpftrace-wrapper-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'bpftrace');
  writeFileSync(path, `#!/bin/sh\n${commands}\n`);
  chmodSync(path, 0o755);
  return path;
}
