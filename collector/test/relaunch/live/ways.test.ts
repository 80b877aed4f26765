/** Each way does what it promises: the probes saw it. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { programOf, runPlain, runRelaunched, type RunReport } from '../run.ts';
import { temporaryDirectory } from '../temporary.ts';

const MiB = 1 << 20;
const GiB = 1 << 30;
/** Large runs with timed assertions, for a quiet machine. */
const IS_HEAVY = process.env['FORKTAX_TEST_HEAVY'] === '1';
const SERVER = fileURLToPath(new URL('../fixtures/server.mjs', import.meta.url));

interface ServerSaid {
  readonly children: readonly [output: string, code: number][];
  readonly callP50Ms: number;
  readonly loopDelayP99Ms: number;
  readonly httpP99Ms: number;
  readonly requests: number;
}

test('a Node server with much memory: fork before, afork after, the same children', { timeout: 600_000 }, async (t) => {
  const [bytes, count] = IS_HEAVY ? [1024 * MiB, 200] : [128 * MiB, 20];
  const command = [process.execPath, SERVER, `${bytes}`, `${count}`];
  const { status, stdout, report } = await runRelaunched(['--compare', '--runs', '1'], command);
  assert.equal(status, 0);
  assert.ok(report);
  const [without, withIt] = [report.without[0], report.with[0]];
  assert.ok(without && withIt);
  assert.equal(report.via, 'node');
  assert.match(report.reason, / is Node.js$/);
  assert.deepEqual([mechanismsOf(without), mechanismsOf(withIt)], [{ fork: count }, { afork: count }]);
  assert.ok(without.total.copied_rss_bytes > count * bytes);
  assert.equal(withIt.total.copied_rss_bytes, 0);
  const lines = String(stdout).trim().split('\n');
  const [before, after] = lines.map((line) => JSON.parse(line) as ServerSaid);
  assert.ok(before && after);
  assert.deepEqual(after.children, before.children);
  assert.deepEqual(after.children[3], ['hello child-3\n', 3]);
  t.diagnostic(`before ${JSON.stringify({ ...before, children: count })}`);
  t.diagnostic(`after ${JSON.stringify({ ...after, children: count })}`);
  t.diagnostic(`stall ${without.total.stall_sum_ns} before, ${withIt.total.stall_sum_ns} after`);
  if (!IS_HEAVY) return;
  assert.ok(without.total.stall_sum_ns > 100 * withIt.total.stall_sum_ns);
  assert.ok(before.callP50Ms > 20 * after.callP50Ms);
  assert.ok(before.loopDelayP99Ms > after.loopDelayP99Ms);
  assert.ok(before.httpP99Ms > after.httpP99Ms);
});

/** Counts the spawns of the server itself, without those of its shells. */
function mechanismsOf(run: RunReport): Record<string, number> {
  const own = run.programs.filter(({ comm }) => comm !== 'sh');
  return Object.fromEntries(own.map(({ mechanism, spawns }) => [mechanism, spawns]));
}

test('Node children of Node, through npm and scripts', async () => {
  using directory = temporaryDirectory();
  const inner = directory.write('inner.cjs', 'require("child_process").execSync("exit 0"); console.log("inner");');
  const spawnInner = `require("child_process").spawn(process.execPath, [${JSON.stringify(inner)}], { stdio: "inherit" })`;
  const outer = directory.write(
    'outer',
    `#!${process.execPath}\n${spawnInner}.on("exit", (code) => process.exit(code + 3));\n`,
  );
  const { status, stdout, report } = await runRelaunched([], [outer]);
  assert.deepEqual([status, String(stdout), report?.via], [3, 'inner\n', 'node']);
  assert.deepEqual(
    report?.run.programs.map(({ mechanism, spawns }) => [mechanism, spawns]),
    [['afork', 2]],
  );
});

for (const call of ['popen', 'system', 'posix_spawn'])
  test(`a C program that calls ${call}`, async () => {
    using directory = temporaryDirectory();
    const program = compile(directory, CALLS[call] ?? '');
    const plain = await runPlain([program]);
    const { status, stdout, report } = await runRelaunched([], [program]);
    assert.ok(report);
    assert.deepEqual([report.via, report.reason], ['preload', `${program} imports ${call}`]);
    assert.deepEqual([status, String(stdout)], [plain.status, String(plain.stdout)]);
    assert.deepEqual([status, String(stdout)], [7, 'child\n']);
    const own = programOf(report.run, 'program');
    assert.deepEqual([own.mechanism, own.spawns], ['afork', 1]);
  });

const CALLS: Readonly<Record<string, string>> = {
  popen:
    'FILE *f = popen("echo child; exit 7", "r"); char s[9]; fputs(fgets(s, 9, f), stdout); return WEXITSTATUS(pclose(f));',
  system: 'return WEXITSTATUS(system("echo child; exit 7"));',
  posix_spawn:
    'char *a[] = {"sh", "-c", "echo child; exit 7", 0}; pid_t p; int s; if (posix_spawn(&p, "/bin/sh", 0, 0, a, environ)) ' +
    'return 1; waitpid(p, &s, 0); return WEXITSTATUS(s);',
};

function compile(directory: ReturnType<typeof temporaryDirectory>, body: string): string {
  const headers = ['spawn.h', 'stdio.h', 'stdlib.h', 'unistd.h', 'sys/wait.h']
    .map((name) => `#include <${name}>\n`)
    .join('');
  const source = directory.write('program.c', `#define _GNU_SOURCE\n${headers}int main(void) { ${body} }\n`);
  const program = `${directory.path}/program`;
  execFileSync('gcc', ['-o', program, source]);
  return program;
}

test('huge pages: a fork copies a hundredth of the page-table entries of a large heap', async (t) => {
  using directory = temporaryDirectory();
  const program = `${directory.path}/large-heap`;
  execFileSync('gcc', ['-O1', '-o', program, fileURLToPath(new URL('../fixtures/large-heap.c', import.meta.url))]);
  if (!existsSync('/sys/kernel/mm/transparent_hugepage/enabled')) return t.skip('no transparent huge pages here');
  const { status, stdout, report } = await runRelaunched(['--compare', '--runs', '1'], [program, '1024', '5']);
  assert.ok(report);
  assert.deepEqual([status, String(stdout)], [0, '1\n1\n']);
  assert.equal(report.via, 'hugepages', report.reason);
  assert.match(report.reason, /imports fork, which nothing can replace; each fork copies \d+MiB|GiB/);
  const [without, withIt] = [report.without[0]?.total, report.with[0]?.total];
  assert.ok(without && withIt);
  assert.deepEqual([without.spawns, withIt.spawns], [5, 5]);
  t.diagnostic(`stall ${without.stall_sum_ns} before, ${withIt.stall_sum_ns} after`);
  const [before, after] = [without.copied_page_table_entries, withIt.copied_page_table_entries];
  t.diagnostic(`page-table entries ${before} before, ${after} after`);
  assert.ok(before > 5 * (GiB / 4096) && before > 100 * after);
});
