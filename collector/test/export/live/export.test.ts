/** The timeline of spawnload has its children, and opens as JSON. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { SPAWNLOAD } from '../../../../native/spawnload/spawnload.ts';
import { runCli } from '../../../../testing/run-cli.ts';

const COUNT = 40;
const folder = mkdtempSync(join(tmpdir(), 'forktax-export-'));
after(() => rmSync(folder, { recursive: true }));

interface Event {
  readonly ph: string;
  readonly name: string;
}

test('every child has a life, and an arrow to it', async () => {
  const [perfetto, chrome] = [join(folder, 'a.pftrace'), join(folder, 'a.json')];
  const flags = ['--perfetto', perfetto, '--chrome', chrome];
  const { status, stderr } = await runCli('export', ...flags, '--', SPAWNLOAD, '--count', `${COUNT}`);
  assert.equal(status, 0, stderr);
  assert.match(stderr, new RegExp(`Wrote ${COUNT + 1} processes`));
  const { traceEvents }: { traceEvents: Event[] } = JSON.parse(readFileSync(chrome, 'utf8'));
  const named = (ph: string, name: string) => traceEvents.filter((each) => each.ph === ph && each.name === name).length;
  assert.deepEqual([named('X', 'fork'), named('X', 'spawnload'), named('f', 'spawn')], [COUNT, COUNT, COUNT]);
  assert.ok(statSync(perfetto).size > 0 && statSync(perfetto).size < statSync(chrome).size);
});

test('what cannot be written is told; no file is a usage error', async () => {
  const full = await runCli('export', '--chrome', '/dev/full', '--', 'true');
  assert.equal(full.status, 1);
  assert.match(full.stderr, /cannot write \/dev\/full.*FORKTAX_OUTPUT/s);
  assert.equal((await runCli('export', '--', 'true')).status, 2);
});
