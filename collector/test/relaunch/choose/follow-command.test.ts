/** Commands down to their executables. */
import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { followCommand } from '../../../relaunch/choose/follow-command.ts';
import { temporaryDirectory } from '../temporary.ts';

/** Runs `body` in a directory whose `bin` holds programs that say nothing of themselves but their name. */
function inDirectory(
  body: (follow: (...words: string[]) => string[], write: (name: string, text: string) => void) => void,
) {
  using directory = temporaryDirectory();
  for (const name of ['node', 'tool', 'env', 'nice', 'timeout', 'stdbuf', 'sh', 'nohup'])
    directory.write(name, '\x7fELF');
  const place = { searchPath: directory.path, directory: directory.path };
  body(
    (...words) => followCommand(words, place).map((path) => path.replace(`${directory.path}/`, '')),
    (name, text) => directory.write(name, text.replaceAll('DIR', directory.path)),
  );
}

const CASES: readonly (readonly [what: string, script: string, trail: string])[] = [
  ['an absolute interpreter', '#!DIR/node\n', 'script node'],
  ['spaces before it', '#! \t DIR/node  \n', 'script node'],
  ['env', '#!DIR/env node\n', 'script env node'],
  ['env that splits', '#!DIR/env -S node --flag\n', 'script env node'],
  ['env that splits, in one word', '#!DIR/env -Snode --flag\n', 'script env node'],
  ['env with variables', '#!DIR/env -S A=1 B=2 node\n', 'script env node'],
  ['env that unsets', '#!DIR/env -S -u A -i node\n', 'script env node'],
  ['without newline', '#!DIR/node', 'script node'],
  ['a missing interpreter', '#!/no/such/program\n', 'script'],
  ['a shell that execs node', '#!DIR/sh\nif true; then\n  exec "$basedir/node" "$0"\nfi\n', 'script node'],
  ['a shell that mentions it', '#!DIR/sh\n# exec node\nnode app.js\n', 'script sh'],
];

for (const [what, text, trail] of CASES)
  test(`a script with ${what}`, () => {
    inDirectory((follow, write) => {
      write('script', text);
      assert.equal(follow('script', 'argument').join(' '), trail);
    });
  });

test('links, and scripts of scripts', () => {
  using directory = temporaryDirectory();
  directory.write('node', '\x7fELF');
  directory.write('inner', `#!${directory.path}/node\n`);
  directory.write('outer', `#!${directory.path}/inner\n`);
  symlinkSync('outer', join(directory.path, 'link'));
  const trail = followCommand(['./link'], { searchPath: '/nowhere', directory: directory.path });
  assert.deepEqual(
    trail,
    ['link', 'inner', 'node'].map((name) => join(directory.path, name)),
  );
});

test('a script of itself ends', () => {
  inDirectory((follow, write) => {
    write('script', '#!DIR/script\n');
    assert.ok(follow('script').length <= 10);
  });
});

test('programs that exec others', () => {
  inDirectory((follow) => {
    assert.deepEqual(follow('env', 'A=1', 'nice', '-n', '5', 'tool', '-x'), ['env', 'nice', 'tool']);
    assert.deepEqual(follow('nice', '-n5', '--', 'tool'), ['nice', 'tool']);
    assert.deepEqual(follow('timeout', '-k', '3', '--signal=INT', '10', 'nohup', 'tool'), ['timeout', 'nohup', 'tool']);
    assert.deepEqual(follow('stdbuf', '-oL', '-e', '0', 'tool'), ['stdbuf', 'tool']);
    assert.deepEqual(follow('env'), ['env']);
    assert.deepEqual(follow('env', 'A=1'), ['env']);
    assert.deepEqual(follow('env', 'missing'), ['env']);
  });
});

test('a text without a first line is run by a shell, a binary is not', () => {
  using directory = temporaryDirectory();
  directory.write('text', 'echo hello\n');
  directory.write('binary', 'MZ\0\x01');
  const place = { searchPath: directory.path, directory: '/' };
  assert.deepEqual(followCommand(['text'], place).slice(1), ['/bin/sh']);
  assert.deepEqual(followCommand(['binary'], place).length, 1);
});

test('a command that is not there, and one that may not run', () => {
  using directory = temporaryDirectory();
  directory.write('plain', 'text', 0o644);
  const place = { searchPath: `/nowhere:${directory.path}`, directory: directory.path };
  const codeOf = (command: string): string => {
    try {
      return followCommand([command], place).join();
    } catch (error) {
      return (error as { code: string }).code;
    }
  };
  assert.equal(codeOf('missing'), 'FORKTAX_NOT_FOUND');
  assert.equal(codeOf('./missing'), 'FORKTAX_NOT_FOUND');
  assert.equal(codeOf('plain/below'), 'FORKTAX_NOT_FOUND');
  assert.equal(codeOf('plain'), 'FORKTAX_NOT_EXECUTABLE');
  assert.equal(codeOf('./plain'), 'FORKTAX_NOT_EXECUTABLE');
  assert.equal(codeOf('./'), 'FORKTAX_NOT_EXECUTABLE');
});
