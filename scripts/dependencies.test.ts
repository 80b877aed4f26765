import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const top = new URL('../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, top), 'utf8');

interface PackageFile {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

const packageFiles = execFileSync('git', ['ls-files', 'package.json', '**/package.json'], {
  cwd: top,
  encoding: 'utf8',
})
  .trimEnd()
  .split('\n')
  .map((path) => JSON.parse(read(path)) as PackageFile);

test('docs/architecture.md has a reason for each dependency, and for no other', () => {
  const own = new Set(packageFiles.map(({ name }) => name));
  const needed = packageFiles
    .flatMap(({ dependencies, devDependencies }) => Object.keys({ ...dependencies, ...devDependencies }))
    .filter((name) => !own.has(name) && !name.startsWith('@types/'));
  const listed = tableOfDependencies();
  const missing = [...new Set(needed)].filter((name) => !listed.includes(name));
  assert.deepEqual(missing, [], 'without a reason: add a line to the table');
  const superfluous = listed.filter((name) => !needed.includes(name));
  assert.deepEqual(superfluous, [], 'no package needs it: remove it from the table');
});

/** The names in the first column of the table. */
function tableOfDependencies(): string[] {
  const section = /^## Dependencies\n(.*?)(?=^## |(?![^]))/ms.exec(read('docs/architecture.md'))?.[1] ?? '';
  const cells = section.split('\n').flatMap((line) => /^\| (.*?) \|/.exec(line)?.[1] ?? []);
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name));
}
