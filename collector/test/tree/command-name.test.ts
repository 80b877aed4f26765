/** Names of commands: runs that do the same job have the same. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nameCommand } from '../../tree/command-name.ts';

const nameOf = (file: string, ...words: string[]) => nameCommand({ file, commandLine: { words, cut: false } });

test('a program is its file; its arguments are the rest', () => {
  assert.deepEqual(nameOf('/usr/lib/gcc/cc1', 'cc1', '-quiet', 'a.c'), { name: 'cc1', rest: ['-quiet', 'a.c'] });
  assert.deepEqual(nameCommand({ file: '/bin/true' }), { name: 'true', rest: [] });
});

test('an interpreter is named with what it runs', () => {
  for (const [command, name, rest] of [
    ['sh -c make', 'sh -c', 'make'],
    ['bash -ec make', 'bash -ec', 'make'],
    ['bash -o pipefail -c make', 'bash -c', '-o pipefail make'],
    ['bash --norc /opt/run.sh x', 'bash run.sh', '--norc x'],
    ['sh', 'sh', ''],
    [
      'node --max-old-space-size=99 -r ./hook.js /app/build.js x',
      'node build.js',
      '--max-old-space-size=99 -r ./hook.js x',
    ],
    ['node -e 1', 'node -e', '1'],
    ['python3.11 -W ignore -m pip install x', 'python3.11 -m pip', '-W ignore install x'],
    ['python3 tool.py -c', 'python3 tool.py', '-c'],
    ['perl -we 1', 'perl -we', '1'],
    ['java -cp a.jar Main', 'java Main', '-cp a.jar'],
    ['java -jar /opt/a.jar x', 'java -jar a.jar', 'x'],
  ] as const) {
    const words = command.split(' ');
    const named = nameOf(`/usr/bin/${words[0]}`, ...words);
    assert.deepEqual([named.name, named.rest.join(' ')], [name, rest], command);
  }
});

test('a script is named by its own file, not by its interpreter', () => {
  assert.deepEqual(nameOf('/app/.bin/eslint', '/usr/bin/env', 'node', '/app/.bin/eslint', '.'), {
    name: 'eslint',
    rest: ['.'],
  });
  assert.deepEqual(nameOf('/app/x.sh', '/bin/sh', '/app/x.sh', 'a'), { name: 'x.sh', rest: ['a'] });
  assert.deepEqual(nameOf('/usr/bin/npm', '/usr/bin/env', 'node', '/usr/bin/npm', 'run', 'build'), {
    name: 'npm run build',
    rest: [],
  });
  // Its own path as an argument makes no script of a program.
  assert.deepEqual(nameOf('/bin/ls', 'ls', '/bin/ls'), { name: 'ls', rest: ['/bin/ls'] });
});

test('a program with subcommands is named with its own', () => {
  for (const [command, name] of [
    ['git status -s', 'git status'],
    ['git -C /src --no-pager log x', 'git log'],
    ['npm run build', 'npm run build'],
    ['npm run --silent build', 'npm run'],
    ['go tool /usr/lib/compile -p x', 'go tool compile'],
    ['git --version', 'git'],
    ['docker compose up -d', 'docker compose up'],
  ] as const) {
    const words = command.split(' ');
    assert.equal(nameOf(`/usr/bin/${words[0]}`, ...words).name, name, command);
  }
});
