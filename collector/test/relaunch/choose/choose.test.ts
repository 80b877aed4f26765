/** What is chosen for real programs, and why. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { choose, type Evidence } from '../../../relaunch/choose/choose.ts';
import { lookAtCommand } from '../../../relaunch/choose/program.ts';
import { temporaryDirectory } from '../temporary.ts';

const ROOT = { uid: 0, gid: 0 };
const place = { searchPath: process.env['PATH'], directory: '/' };
const GiB = 1 << 30;
const huge: Evidence = { copiedBytes: GiB, thp: { obstacle: () => undefined } };

const looked = (path: string, identity = ROOT) => lookAtCommand([path], { ...place, ...identity });
const chosen = (path: string, evidence: Evidence = {}) => {
  const { via, reason } = choose(looked(path), 'auto', evidence);
  return `${via}: ${reason}`;
};

test('Node.js, under whatever name', () => {
  using directory = temporaryDirectory();
  assert.match(chosen(process.execPath), /^node: .* is Node.js$/);
  assert.match(chosen(directory.write('renamed', readFileSync(process.execPath))), /^node: .*renamed is Node.js$/);
  assert.match(chosen(directory.write('script', '#!/usr/bin/env node\n')), /^node: /);
});

/** Compiles a C program. */
function compiled(
  directory: { path: string; write: (name: string, content: string) => string },
  body: string,
  ...flags: string[]
) {
  const source = directory.write(
    'program.c',
    `#include <spawn.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <unistd.h>\n${body}`,
  );
  const program = `${directory.path}/program`;
  execFileSync('gcc', ['-o', program, source, ...flags]);
  return program;
}

for (const call of [
  'popen("true", "r")',
  'system("true")',
  'posix_spawn(0, 0, 0, 0, 0, 0)',
  'posix_spawnp(0, 0, 0, 0, 0, 0)',
])
  test(`a program that calls ${call}`, () => {
    using directory = temporaryDirectory();
    const program = compiled(directory, `int main(void) { return !${call}; }`);
    assert.equal(chosen(program), `preload: ${program} imports ${call.replace(/\(.*/, '')}`);
  });

test('one whose library does', () => {
  using directory = temporaryDirectory();
  directory.write('library.c', '#include <stdlib.h>\nint run(void) { return system("true"); }\n');
  execFileSync('gcc', ['-shared', '-fPIC', '-o', `${directory.path}/librun.so`, `${directory.path}/library.c`]);
  const program = compiled(
    directory,
    'int run(void); int main(void) { return run(); }',
    `-L${directory.path}`,
    '-lrun',
    '-Wl,-rpath,$ORIGIN',
  );
  assert.equal(chosen(program), 'preload: librun.so imports system');
});

test('one that forks by itself, and one that makes no process', () => {
  using directory = temporaryDirectory();
  const forking = compiled(directory, 'int main(void) { free(malloc(1)); return fork(); }');
  assert.equal(chosen(forking), `none: ${forking} imports fork, which nothing can replace`);
  assert.match(
    chosen(forking, huge),
    /^hugepages: .* imports fork, which nothing can replace; each fork copies 1.00GiB$/,
  );
  const blocked = { ...huge, thp: { obstacle: () => 'they are switched off' } };
  assert.match(chosen(forking, blocked), /^none: .* and huge pages cannot help: they are switched off$/);
  const quiet = compiled(directory, 'int main(void) { return 0; }');
  assert.equal(chosen(quiet, huge), `none: ${quiet} imports no function that makes a process`);
});

test('one of another allocator', () => {
  using directory = temporaryDirectory();
  directory.write('library.c', 'void *malloc(unsigned long n) { (void)n; return 0; }\n');
  const library = `${directory.path}/libjemalloc.so.2`;
  execFileSync('gcc', [
    '-shared',
    '-fPIC',
    '-Wl,-soname,libjemalloc.so.2',
    '-o',
    library,
    `${directory.path}/library.c`,
  ]);
  const program = compiled(
    directory,
    'int main(void) { return malloc(1) == 0 || fork(); }',
    library,
    '-Wl,-rpath,$ORIGIN',
  );
  assert.match(chosen(program, huge), /^none: .* huge pages cannot help: .* allocates with libjemalloc.so.2$/);
});

test('a static one, one of musl, and one with privileges', () => {
  using directory = temporaryDirectory();
  assert.match(
    chosen(fileURLToPath(new URL('../../../../native/hold/build/hold', import.meta.url))),
    /^none: .* is statically linked/,
  );
  const program = compiled(directory, 'int main(void) { return system("true"); }');
  const bytes = readFileSync(program).toString('latin1');
  const loader = /\/lib[\w/]*\/ld-linux[\w.-]+/.exec(bytes)?.[0] ?? '';
  const musl = bytes.replace(loader, '/lib/ld-musl-x86_64.so.1'.padEnd(loader.length, '\0').slice(0, loader.length));
  const muslProgram = directory.write('musl', Buffer.from(musl, 'latin1'));
  assert.match(chosen(muslProgram), /^none: .* is linked with musl/);
  assert.throws(() => choose(looked(muslProgram), 'preload'), { code: 'FORKTAX_VIA' });
  const setuid = directory.write('setuid', readFileSync(program), 0o4755);
  const asUser = (path: string) => choose(looked(path, { uid: 1000, gid: 1000 }), 'auto');
  assert.equal(asUser(program).via, 'preload');
  assert.match(asUser(setuid).reason, /is set-user-ID: the dynamic loader ignores variables/);
  assert.equal(choose(looked(setuid), 'auto').via, 'preload', 'root gains nothing by it');
  const capable = directory.write('capable', readFileSync(program));
  execFileSync('setcap', ['cap_net_raw+ep', capable]);
  assert.match(asUser(capable).reason, /is given file capabilities/);
});

test('what is asked for is done, with a caution', () => {
  using directory = temporaryDirectory();
  const quiet = looked(compiled(directory, 'int main(void) { return 0; }'));
  assert.deepEqual(choose(quiet, 'none'), { via: 'none', reason: 'as requested' });
  assert.match(choose(quiet, 'node').caution ?? '', /is not Node.js/);
  assert.match(choose(quiet, 'preload').caution ?? '', /imports none of popen, system/);
  assert.match(choose(quiet, 'hugepages', huge).caution ?? '', /does not allocate with malloc/);
  assert.equal(choose(looked(process.execPath), 'node').caution, undefined);
});

test('a shell, whatever it imports, and what it offers', () => {
  const choice = choose(looked('/bin/sh'), 'auto');
  assert.equal(choice.via, 'none');
  assert.ok(choice.runtime?.offers?.includes('--via'));
});
