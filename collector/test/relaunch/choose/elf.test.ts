/** The ELF reader against binutils', on whatever programs this system has. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { tryReadElf } from '../../../relaunch/choose/elf.ts';
import { temporaryDirectory } from '../temporary.ts';

const objdump = (flag: string, path: string): string[] =>
  execFileSync('objdump', [flag, path], { encoding: 'utf8', maxBuffer: 1 << 28 }).split('\n');

const PROGRAMS = [
  '/usr/bin/make',
  '/bin/bash',
  '/bin/sh',
  '/usr/bin/gcc',
  '/usr/bin/clang',
  '/usr/bin/python3',
  '/usr/bin/git',
];

test('imports and libraries are those that objdump lists', () => {
  const programs = [process.execPath, ...PROGRAMS.filter(existsSync).map((path) => realpathSync(path))];
  assert.ok(programs.length > 4);
  for (const path of programs) {
    const elf = tryReadElf(path);
    assert.ok(elf, path);
    const undefinedSymbols = objdump('-T', path).filter((line) => line.includes(' *UND*'));
    const imports = new Set(undefinedSymbols.map((line) => line.trim().split(/\s+/).at(-1)));
    const needed = objdump('-p', path).flatMap((line) => /^\s+NEEDED\s+(\S+)/.exec(line)?.[1] ?? []);
    assert.ok(imports.size > 5, path);
    assert.deepEqual([...elf.imports].filter((name) => name !== '').toSorted(), [...imports].toSorted(), path);
    assert.deepEqual(elf.needed, needed, path);
    assert.match(elf.interpreter ?? '', /^\/.*ld/, path);
    assert.deepEqual([elf.bits, elf.architecture, elf.isGo], [64, process.arch, false]);
  }
});

test('a statically linked program has no interpreter', () => {
  const hold = fileURLToPath(new URL('../../../../native/hold/build/hold', import.meta.url));
  const elf = tryReadElf(hold);
  assert.deepEqual([elf?.interpreter, elf?.needed], [undefined, []]);
});

test('what is no ELF file, cut short or damaged is none', () => {
  using directory = temporaryDirectory();
  const header = Buffer.alloc(64);
  header.write('\x7fELF\x02\x01', 'latin1');
  header.writeBigUInt64LE(1n << 40n, 32); // program headers far outside
  header.writeUInt16LE(3, 56);
  for (const content of ['', '#!/bin/sh\n', '\x7fELF', header])
    assert.equal(tryReadElf(directory.write('file', content)), undefined);
  assert.equal(tryReadElf(`${directory.path}/missing`), undefined);
});
