/** Suites of others, run with afork beneath: what scripts/test-outside.ts says of them. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const SCRIPT = fileURLToPath(new URL('test-outside.ts', import.meta.url));

function testOutside(...args: readonly string[]): { status: number | null; lines: string[]; stderr: string } {
  // Else the tests of a suite report to this test's runner, and print nothing.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT, ...args], { encoding: 'utf8', env });
  return { status, lines: stdout.trimEnd().split('\n'), stderr };
}

const SUITE = `
import { test } from 'node:test';
import { existsSync, writeFileSync } from 'node:fs';
const isHooked = process.env.NODE_OPTIONS?.includes('register.cjs');
const isFirst = !existsSync('ran');
writeFileSync('ran', '');
test('always passes', () => {});
test('always fails', () => { throw new Error('so'); });
test('is skipped', { skip: true }, () => {});
test('fails hooked', () => { if (isHooked) throw new Error('so'); });
if (!isHooked) test('is lost hooked', () => {});
test('fails once', () => { if (isFirst) throw new Error('so'); });
`;

test('what passes as it is and fails or is lost with afork is told from what fails anyway, and from the flaky', () => {
  const folder = mkdtempSync(`${tmpdir()}/outside-`);
  try {
    mkdirSync(`${folder}/test`);
    writeFileSync(`${folder}/package.json`, '{}');
    writeFileSync(`${folder}/test/it.mjs`, SUITE);
    const { status, lines } = testOutside(folder);
    assert.deepEqual(lines, [
      'test/it.mjs: fails hooked: passes plain, fails hooked',
      'test/it.mjs: fails once: flaky plain, passes hooked',
      'test/it.mjs: is lost hooked: passes plain, does not run hooked',
      '1 fails plain, fails hooked',
      '1 passes plain, passes hooked',
      '1 passes plain, fails hooked',
      '1 flaky plain, passes hooked',
      '1 passes plain, does not run hooked',
    ]);
    assert.equal(status, 1);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const HANGING = `
import { test } from 'node:test';
const isHooked = process.env.NODE_OPTIONS?.includes('register.cjs');
test('hangs', () => isHooked ? new Promise(() => setInterval(() => {}, 1000)) : undefined);
`;

test('a file of tests that takes longer than its limit is named and counted', () => {
  const folder = mkdtempSync(`${tmpdir()}/outside-`);
  try {
    mkdirSync(`${folder}/test`);
    writeFileSync(`${folder}/package.json`, '{}');
    writeFileSync(`${folder}/test/it.mjs`, HANGING);
    writeFileSync(`${folder}/test/other.mjs`, "import { test } from 'node:test';\ntest('passes', () => {});\n");
    const { status, lines, stderr } = testOutside('--file-seconds', '8', folder);
    assert.deepEqual(lines, [
      'test/it.mjs: ends plain, is stopped hooked',
      'test/it.mjs: hangs: passes plain, does not run hooked',
      '1 ends plain, is stopped hooked',
      '1 passes plain, does not run hooked',
      '1 passes plain, passes hooked',
    ]);
    const said = 'test-outside: test/it.mjs: stopped after 8 s (--file-seconds)\n';
    assert.equal(stderr, said.repeat(2));
    assert.equal(status, 1);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a folder without a suite, and a suite without the tests that are meant, are errors', () => {
  const folder = mkdtempSync(`${tmpdir()}/outside-`);
  try {
    assert.equal(testOutside(folder).status, 2);
    writeFileSync(`${folder}/package.json`, '{}');
    assert.equal(testOutside(folder).status, 1);
    const { status, stderr } = testOutside(folder, '(');
    assert.equal(status, 2);
    assert.match(stderr, /^FILTER: Invalid regular expression.*; --help tells more\n$/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const python = readdirSync('/usr/lib').find((name) => {
  if (!/^python3\.\d+$/.test(name)) return false;
  return (
    readdirSync(`/usr/lib/${name}`).includes('test') && readdirSync(`/usr/lib/${name}/test`).includes('test_posix.py')
  );
});

test(
  "CPython's tests of posix_spawn() and popen() pass as without the preload library",
  { skip: python ? false : 'libpython3.*-testsuite is not installed' },
  () => {
    const { status, lines } = testOutside(`/usr/lib/${python}`, 'posix|popen');
    assert.equal(status, 0, lines.join('\n'));
    assert.match(lines.at(-1) ?? '', /^[1-9]\d+ children made by afork$/, 'the library was asked, and did it');
    const passed = lines.find((line) => line.endsWith('passes plain, passes hooked'));
    assert.ok(Number(passed?.split(' ')[0]) > 100, lines.join('\n'));
  },
);
