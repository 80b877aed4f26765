/** Every script for people prints what its first comment shows, and its figures match spawnload. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { readPeopleScript, scriptNames, scriptText } from '../../../../engine/bpftrace/scripts.ts';
import { runCli, startCli } from '../../../../../testing/run-cli.ts';
import { scaled, SPAWNLOAD, spawnload, uniqueComm } from '../../../../../testing/spawnload.ts';

const COUNT = scaled(40);
const PAGES = 500;
const THREADS = 3;
const FORK = ['--mechanism', 'fork', '--count', COUNT];
const MiB = 1 << 20;

/** The load for each script, and what the script must then count: the sum over all lines of each map. */
const LOADS: Readonly<Record<string, { readonly args: readonly (string | number)[]; readonly counts: Counts }>> = {
  'cow-faults': {
    args: [...FORK, '--rss', 16 * MiB, '--parent-touch', PAGES, '--child-touch', PAGES],
    counts: { '@parent': about(COUNT * PAGES), '@child': about(COUNT * PAGES) },
  },
  'exec-delay': { args: FORK, counts: { '@delay_us': exactly(COUNT) } },
  'exec-failures': { args: [...FORK, '--exec-missing'], counts: { '@failed': exactly(COUNT) } },
  'fork-copies': {
    args: [...FORK, '--rss', 80 * MiB],
    counts: { '@resident_kb': exactly(COUNT), '@page_tables_kb': exactly(COUNT) },
  },
  'spawn-stalls': { args: ['--mechanism', 'vfork', '--count', COUNT], counts: { '@stall_us': exactly(COUNT) } },
  'thread-starts': { args: [...FORK, '--threads', THREADS], counts: { '@threads': exactly(THREADS) } },
};

type Counts = Readonly<Record<string, (count: number) => boolean>>;

function exactly(expected: number) {
  return (count: number) => count === expected;
}

/** Allows for some pages of its own that the generator writes. */
function about(expected: number) {
  return (count: number) => count >= expected && count < expected * 1.05;
}

interface Entry {
  readonly map: string;
  readonly key: string;
  readonly lines: readonly string[];
}

/** Parses `@map[key]: 5`, or `@map[key]:` and the lines of a histogram. */
function entriesOf(output: string): Entry[] {
  const entries: { map: string; key: string; lines: string[] }[] = [];
  for (const indented of output.split('\n')) {
    const line = indented.trim();
    const [, map, key = '', value] = /^(@\w*)(?:\[(.*)\])?: *(.*)$/.exec(line) ?? [];
    if (map !== undefined) entries.push({ map, key, lines: value ? [value] : [] });
    else if (line.startsWith('[')) entries.at(-1)?.lines.push(line);
  }
  return entries;
}

const countOf = ({ lines }: Entry) =>
  lines.reduce((sum, line) => sum + Number(/^(\d+)$|(\d+) \|/.exec(line)?.slice(1).join('')), 0);

/** Gives a line without its figures. */
const shapeOf = (line: string) =>
  line
    .replaceAll(/\[[^\])]*[\])]/g, '[]')
    .replaceAll(/@+ *\||(?<=\|) +\|/g, '|')
    .replaceAll(/ *\d+/g, ' N');

const shapesOf = (entries: readonly Entry[]) =>
  new Map(entries.map(({ map, key, lines }) => [map, [key.split(',').length, shapeOf(lines[0] ?? '')]]));

function check(name: string, comm: string, output: string): void {
  const counts: Counts = LOADS[name]?.counts ?? {};
  const found = entriesOf(output).filter(({ key }) => key.split(/, ?/).at(-1) === comm);
  const sample = entriesOf(readPeopleScript(name).manual);
  assert.ok(sample.length > 0, 'its head has an output');
  assert.deepEqual(shapesOf(found), shapesOf(sample), `${name} prints ${output}`);
  for (const [map, isRight] of Object.entries(counts)) {
    const sum = found.filter((entry) => entry.map === map).reduce((total, entry) => total + countOf(entry), 0);
    assert.ok(isRight(sum), `${map}: ${sum} in ${output}`);
  }
}

const argsOf = (name: string, comm: string) => [...(LOADS[name]?.args ?? []), '--comm', comm].map(String);

describe('each script', () => {
  for (const name of scriptNames()) {
    const { file } = readPeopleScript(name);

    test(`${name}, by bpftrace alone`, async () => {
      const comm = uniqueComm();
      const load = [SPAWNLOAD, ...argsOf(name, comm)].join(' ');
      const { stdout } = await promisify(execFile)('bpftrace', ['-q', '-c', load, '-e', scriptText(file)]);
      check(name, comm, stdout);
    });

    test(`${name}, by forktax`, async () => {
      const comm = uniqueComm();
      const cli = startCli(['probes', 'run', name]);
      await cli.said('Ctrl-C ends');
      await spawnload(...argsOf(name, comm));
      cli.child.kill('SIGINT');
      const { status, stdout, stderr } = await cli.result;
      assert.equal(status, 0, stderr);
      check(name, comm, stdout);
    });
  }
});

test('the list has each script and its question', async () => {
  const { status, stdout } = await runCli('probes');
  assert.equal(status, 0);
  for (const name of scriptNames()) {
    const { question } = readPeopleScript(name);
    assert.match(question, /^[A-Z].*\?$/);
    assert.ok(stdout.includes(question), name);
  }
  assert.ok(!stdout.includes('spawn-events'), 'the engine’s own is not for people');
});

test('other architectures have no fork and vfork', () => {
  const text = scriptText(readPeopleScript('spawn-stalls').file, 'arm64');
  assert.doesNotMatch(text, /sys_(enter|exit)_v?fork/);
  assert.match(text, /^tracepoint:syscalls:sys_enter_clone,\ntracepoint:syscalls:sys_enter_clone3\n{/m);
});

/** Runs a script with another bpftrace. */
async function runBy(bpftrace: string) {
  const previous = process.env['BPFTRACE_PATH'];
  process.env['BPFTRACE_PATH'] = bpftrace;
  try {
    return await runCli('probes', 'run', 'exec-delay');
  } finally {
    if (previous === undefined) delete process.env['BPFTRACE_PATH'];
    else process.env['BPFTRACE_PATH'] = previous;
  }
}

test('no bpftrace, or one that is too old, is told by its path', async () => {
  const missing = await runBy('/nonexistent/bpftrace');
  assert.equal(missing.status, 1);
  assert.match(missing.stderr, /\/nonexistent\/bpftrace cannot be run.*\n.*\[FORKTAX_NO_BPFTRACE\]/);

  const folder = mkdtempSync(join(tmpdir(), 'forktax-'));
  const old = join(folder, 'bpftrace');
  writeFileSync(old, '#!/bin/sh\necho bpftrace v0.16.0\n', { mode: 0o755 });
  const tooOld = await runBy(old).finally(() => rmSync(folder, { recursive: true }));
  assert.equal(tooOld.status, 1);
  assert.match(
    tooOld.stderr,
    /bpftrace is bpftrace 0\.16\.0, but 0\.17 or later is needed.*\n.*\[FORKTAX_OLD_BPFTRACE\]/,
  );
});
