/** The unit passes systemd's own tools, which need no running systemd. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { composeServices, TOP } from './compose-file.ts';
import { UNIT, unitSetting } from './unit-file.ts';

const text = readFileSync(UNIT, 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'forktax-unit-'));
after(() => rmSync(folder, { recursive: true }));

/** The highest accepted exposure, of 10. */
const MOST_EXPOSED = 3;

function analyze(...args: readonly string[]): { status: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync('systemd-analyze', args, { encoding: 'utf8' });
  return { status, said: stdout + stderr };
}

/** Fails if the unit is more exposed than that. */
function security(content: string): { status: number | null; said: string } {
  const unit = join(folder, 'forktax.service');
  writeFileSync(unit, content);
  return analyze('security', '--offline=true', `--threshold=${MOST_EXPOSED * 10}`, '--no-pager', unit);
}

test(`its exposure is at most ${MOST_EXPOSED} of 10`, () => {
  const { status, said } = security(text);
  assert.equal(status, 0, said);
  assert.match(said, /Overall exposure level for forktax.service: [0-2]\.\d OK/);
});

test('that would be seen', () => {
  const open = text.replaceAll(/^(SystemCallFilter|CapabilityBoundingSet|Protect\w+|Restrict\w+)=.*\n/gm, '');
  assert.notEqual(security(open).status, 0);
});

test('installed, it is valid: every setting is known, and the program is there', () => {
  const root = join(folder, 'root');
  execFileSync('make', ['-s', 'install', `DESTDIR=${root}`, 'PREFIX=/usr', `NODE_BINARY=${process.execPath}`], {
    cwd: TOP,
  });
  const unit = join(root, 'usr/lib/systemd/system/forktax.service');
  const program = /^ExecStart=(\S+) serve$/m.exec(readFileSync(unit, 'utf8'))?.[1] ?? '';
  assert.equal(program, '/usr/bin/forktax');
  assert.ok(readFileSync(join(root, program), 'utf8').includes(`\nexec "${process.execPath}" `));
  // `verify` would look for the program and the man page outside the root.
  const here = readFileSync(unit, 'utf8')
    .replace(program, '/bin/true')
    .replace(/^Documentation=.*\n/m, '');
  writeFileSync(unit, here);
  assert.deepEqual(analyze('verify', '--man=no', unit), { status: 0, said: '' });
  writeFileSync(unit, here.replace('ProtectHome=', 'ProtectHomes='));
  assert.match(analyze('verify', '--man=no', unit).said, /Unknown key .*'ProtectHomes'/);
});

test('it has the capabilities of docker-compose.yml, whose container is tested', () => {
  const capabilities = composeServices()
    .collector.cap_add?.map((name) => `CAP_${name}`)
    .join(' ');
  for (const setting of ['AmbientCapabilities', 'CapabilityBoundingSet'])
    assert.deepEqual(unitSetting(setting), [capabilities]);
});
