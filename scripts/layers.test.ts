import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ARCHITECTURE, withFolders } from './folder-tables.ts';
import { importsOf, LINES, projectFiles, violations } from './imports.ts';
import type { Folder } from './layers.ts';

process.chdir(new URL('..', import.meta.url).pathname);
const page = readFileSync(ARCHITECTURE, 'utf8');

test('no folder imports what scripts/layers.ts does not allow', () => {
  const files = projectFiles();
  const imports = importsOf(files);
  assert.ok(imports.some(({ file, from }) => file === 'collector/cli.ts' && from === 'collector/model'));
  assert.deepEqual(violations(LINES, files, imports), []);
});

test('every kind of import is seen: static, dynamic, of a package, compiled, included', () => {
  const imports = new Set(importsOf(projectFiles()).map(({ file, from }) => `${file} ${from}`));
  const expected = [
    'collector/measuring/open-engine.ts collector/engine',
    'collector/measuring/open-engine.ts collector/terminal',
    'collector/doctor/command.ts probes/bpftrace-wrapper/lib',
    'native/afork/test/node/lifetimes.test.ts native/afork/node',
    'native/preload/preload.h native/afork/core',
  ];
  for (const each of expected) assert.ok(imports.has(each), each);
});

test('a violation is named', () => {
  const lines: readonly Folder[] = [
    { path: 'low', holds: '' },
    { path: 'middle', holds: '', imports: ['low'] },
    { path: 'high', holds: '', imports: ['low', 'middle'] },
    { path: 'tests/**', holds: '', imports: ['high'] },
  ];
  const files = ['low/a.ts', 'middle/a.ts', 'high/a.ts', 'tests/deep/a.ts'];
  const good = [
    { file: 'middle/a.ts', from: 'low' },
    { file: 'high/a.ts', from: 'low' },
    { file: 'high/a.ts', from: 'middle' },
    { file: 'tests/deep/a.ts', from: 'high' },
    { file: 'tests/deep/a.ts', from: 'tests' },
  ];
  assert.deepEqual(violations(lines, files, good), []);
  assert.deepEqual(violations(lines, files, [...good, { file: 'low/a.ts', from: 'high' }]), [
    'low/a.ts imports from high, which low may not',
  ]);
  assert.deepEqual(violations(lines, files, good.slice(1)), ['middle may import from low, but does not']);
  assert.deepEqual(violations(lines, [...files, 'new/a.c'], good), ['new has no line']);
  assert.deepEqual(violations(lines, files.slice(1), good), ['low has a line, but no file']);
  const upward = [{ path: 'low', holds: '', imports: ['high'] }, ...lines.slice(1)];
  assert.deepEqual(violations(upward, files, [...good, { file: 'low/a.ts', from: 'high' }]), [
    'low/a.ts imports from high, whose line comes later than that of low',
  ]);
});

test('the picture and the tables of folders in docs/architecture.md are those of scripts/layers.ts', () => {
  assert.equal(page, withFolders(page), 'run scripts/node scripts/generate-docs.ts');
});
