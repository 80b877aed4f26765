/** `forktax sites` shows the lines of JavaScript behind the spawns of Node.js programs. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { runCli, startCli } from '../../../../testing/run-cli.ts';

const folder = mkdtempSync(join(tmpdir(), 'forktax-scripts-'));
after(() => rmSync(folder, { recursive: true }));

const program = join(folder, 'build.cjs');
writeFileSync(
  program,
  `const { execFileSync, spawn } = require('node:child_process');
const { readlinkSync, readdirSync } = require('node:fs');
function lint(file) {
  execFileSync('true', [file]);
}
async function build() {
  await null;
  for (let i = 0; i < 6; i++) lint('a' + i);
  for (let i = 0; i < 3; i++) await new Promise((resolve) => spawn('true').on('exit', resolve));
}
const target = (fd) => { try { return readlinkSync('/proc/self/fd/' + fd); } catch { return ''; } };
if (process.argv[2] === 'look') console.log(process.env.NODE_OPTIONS ?? '', readdirSync('/proc/self/fd').map(target).join(' '));
else if (process.argv[2] === 'wait') process.stdin.once('data', () => build().then(() => process.exit()));
else build();
`,
);
const SITES = [
  [6, ['lint:4', 'build:8'], 'complete'],
  [3, ['(anonymous):9', 'build:9'], 'complete'],
];

/** Gives the spawns of each site of Node.js and its frames of scripts, those with the most spawns first. */
function sitesOf(stdout: string): unknown[] {
  const records = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  return records
    .filter(({ type }) => type === 'site')
    .map(({ spawns, frames, end }) => [
      spawns,
      frames.map(({ function: name, file, line }: { function: string; file?: string; line?: number }) =>
        file === program ? `${name}:${line}` : name,
      ),
      end,
    ])
    .toSorted(([a], [b]) => b - a);
}

test('of a command: the line of each spawn, also of those whose stack was not copied', async () => {
  const { status, stdout, stderr } = await runCli('sites', '--json', '--stacks-per-second', '1', '--', 'node', program);
  assert.equal(status, 0, stderr);
  assert.deepEqual(sitesOf(stdout), SITES);
});

test('of a running process that has the module', async () => {
  const module = fileURLToPath(new URL('../../../../native/afork/sites.cjs', import.meta.url));
  const node = spawn(process.execPath, ['--require', module, program, 'wait'], {
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  after(() => node.kill());
  const sites = startCli(['sites', '--json', '-p', `${node.pid}`]);
  await sites.said('Watching process spawns');
  node.stdin.write('go\n');
  const { stdout, stderr } = await sites.result;
  assert.ok(!stderr.includes('Lines of scripts are not shown'), stderr);
  assert.deepEqual(sitesOf(stdout), SITES);
});

test('the command gets variables and no descriptors, and with --no-scripts nothing at all', async () => {
  const asked = await runCli('sites', '--json', '--', 'node', program, 'look');
  assert.match(asked.stdout, /--require "\S+sites\.cjs"/);
  assert.ok(!asked.stdout.split('\n')[0]?.includes('forktax-'), 'the FIFO is not inherited');
  const unasked = await runCli('sites', '--json', '--no-scripts', '--', 'node', program, 'look');
  assert.ok(!unasked.stdout.includes('sites.cjs'));
});
